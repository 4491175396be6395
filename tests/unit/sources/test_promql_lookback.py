"""How far back a server looks: what is asked of it, and what of one that can not be told."""

import asyncio
import json
from collections.abc import Mapping

import pytest
from aiohttp import web

from autoscaler.model.reason import Reason
from autoscaler.sources.http import Answer
from autoscaler.sources.promql import PromqlNeed
from autoscaler.sources.promql_lookback import (
    DEFAULT_LOOKBACK,
    OldPrometheus,
    moment_matters,
    old_version,
    own_lookback,
)
from tests.unit.sources.fakes import LABEL, NOW, Handler, StillClock, serving
from tests.unit.sources.query_api import PATH, A, answer, asking, series, told

BUILD, FLAGS = "/api/v1/status/buildinfo", "/api/v1/status/flags"
OLD = {"version": "2.42.0+ds", "revision": "x", "goVersion": "go1.19.8"}
OLD_SERVER: Mapping[str, Handler] = {
    BUILD: answer({"status": "success", "data": OLD}),
    FLAGS: answer({"status": "success", "data": {"query.lookback-delta": "5m"}}),
}


def said(body: object, status: int = 200) -> Answer:
    return Answer(status, "", "application/json", json.dumps(body).encode())


class Asked:
    """A query API that answers for the moment that it is asked for, and keeps what it was asked."""

    def __init__(self) -> None:
        self.forms: list[dict[str, object]] = []

    async def answer(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        self.forms.append({key: value for key, value in form.items() if key not in {"query", "timeout"}})
        element = {**series("1"), "value": [float(str(form.get("time", NOW))), "1"]}
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": [element]}})


async def test_an_old_prometheus_is_asked_for_a_moment_from_which_it_sees_young_samples_only() -> None:
    api, query = Asked(), f"sum by ({LABEL}) (load)"
    async with serving({**OLD_SERVER, PATH: api.answer}) as server, asking(server, PromqlNeed(query, 90)) as source:
        wave = await source.collect()
    assert api.forms == [{"time": f"{NOW + 300 - 90:.3f}"}]
    assert told(wave) == {A: 1.0}
    assert [column.at for status in wave.targets for column in status.columns.values()] == [
        pytest.approx(NOW, abs=0.001)
    ]
    assert {status.detail for status in wave.targets} == {""}


async def test_where_the_moment_matters_it_stays_and_the_answer_says_how_far_it_looks_back() -> None:
    api = Asked()
    need = PromqlNeed(f"sum by ({LABEL}) (rate(load[5m]) > on () limit)", 90)
    async with serving({**OLD_SERVER, PATH: api.answer}) as server, asking(server, need) as source:
        wave = await source.collect()
    assert api.forms == [{}]
    assert {status.detail for status in wave.targets} == {
        "its instant selectors look back 5m and not 1m30s: Prometheus 2.42.0+ds takes no lookback_delta"
    }


async def test_an_old_prometheus_that_looks_back_less_than_needed_is_asked_as_it_is() -> None:
    api = Asked()
    async with serving({**OLD_SERVER, PATH: api.answer}) as server, asking(server, PromqlNeed("load", 300)) as source:
        await source.collect()
    assert api.forms == [{}]


async def test_a_server_says_what_it_is_once_an_hour_and_after_it_failed() -> None:
    clock, asked = StillClock(), []
    failing = False

    async def build(_request: web.Request) -> web.Response:
        asked.append(clock.elapsed)
        return web.json_response({"status": "success", "data": {**OLD, "version": "3.5.0"}})

    async def query(request: web.Request) -> web.StreamResponse:
        return await (answer("x", 503) if failing else answer({"status": "success"}))(request)

    async with serving({BUILD: build, PATH: query}) as server, asking(server, clock=clock) as source:
        for elapsed in (0.0, 15.0, 3599.0, 3600.0, 3615.0):
            clock.elapsed = elapsed
            await source.collect()
        failing = True
        await source.collect()
        await source.collect()
    assert asked == [0.0, 3600.0, 3615.0]


async def starting(_request: web.Request) -> web.Response:
    return web.Response(status=503, text="Service Unavailable")


async def hanging(_request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


@pytest.mark.parametrize(("silent", "reason"), [(starting, Reason.BAD_STATUS), (hanging, Reason.TIMED_OUT)])
async def test_a_server_that_does_not_say_what_it_is_is_not_believed_to_obey(silent: Handler, reason: Reason) -> None:
    api, first = Asked(), silent

    async def build(request: web.Request) -> web.StreamResponse:
        return await first(request)

    handlers = {**OLD_SERVER, BUILD: build, PATH: api.answer}
    async with serving(handlers) as server, asking(server, PromqlNeed("load", 90), timeout="400ms") as source:
        (status,) = (await source.collect()).targets
        assert (status.up, status.reason, api.forms) == (False, reason, [])
        first = OLD_SERVER[BUILD]
        assert told(await source.collect()) == {A: 1.0}
    assert [list(form) for form in api.forms] == [["time"]]


@pytest.mark.parametrize(
    ("answered", "version"),
    [
        (said({"data": OLD}), "2.42.0+ds"),
        (said({"data": {**OLD, "version": "2.9.1"}}), "2.9.1"),
        (said({"data": {**OLD, "version": "2.43.0"}}), None),
        (said({"data": {**OLD, "version": "3.5.3+ds1"}}), None),
        (said({"data": {**OLD, "version": "main"}}), None),
        (said({"data": {"version": "2.24.0"}}), None),  # VictoriaMetrics
        (said({"data": {"application": "Grafana Mimir", "version": "2.10.0", "goVersion": "go1.21"}}), None),
        (said({"data": {**OLD, "version": "0.34.1"}}), None),  # Thanos
        (said({"data": OLD}, 403), None),
        (said([]), None),
        (Answer(200, "", "text/html", b"<html>"), None),
    ],
)
def test_only_an_old_prometheus_is_taken_for_one(answered: Answer, version: str | None) -> None:
    assert old_version(answered) == version


@pytest.mark.parametrize(
    ("answered", "seconds"),
    [
        (said({"data": {"query.lookback-delta": "1m30s"}}), 90.0),
        (said({"data": {"query.lookback-delta": "0s"}}), DEFAULT_LOOKBACK),
        (said({"data": {"query.lookback-delta": "soon"}}), DEFAULT_LOOKBACK),
        (said({"data": {}}), DEFAULT_LOOKBACK),
        (said({"data": {"query.lookback-delta": "1m"}}, 403), DEFAULT_LOOKBACK),
    ],
)
def test_flags_that_can_not_be_read_leave_the_default(answered: Answer, seconds: float) -> None:
    assert own_lookback(answered) == seconds


@pytest.mark.parametrize(
    "query",
    [
        "rate(load[5m])",
        "load offset 5m",
        "load @ 1700000000",
        "time() - timestamp(load)",
        "load * on () (hour() > bool 8)",
        "LOAD OFFSET 1m",
        "sum_over_time(load[5m:1m])",
        "vector(minute ())",
    ],
)
def test_a_query_that_looks_at_the_clock_depends_on_the_moment(query: str) -> None:
    assert moment_matters(query)
    assert OldPrometheus("2.42.0", 300).bound(query, 60, NOW).form == {}


@pytest.mark.parametrize(
    "query",
    [
        "load",
        "load{a=\"x[5m] offset time()\", b='@', c=`[`}",
        "sum by (offset_hours, time_zone) (load)",
        'load{a="quoted \\" [ still"}',
        "load # [ in a comment\n + load",
        "uptime_seconds / node_time_seconds",
    ],
)
def test_a_query_of_instant_selectors_does_not(query: str) -> None:
    assert not moment_matters(query)
