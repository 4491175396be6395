"""A pass over the queries of one Prometheus server."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from autoscaler.model.errors import AutoscalerError
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Sample, TargetStatus, Wave
from autoscaler.ports import SampleSource
from autoscaler.settings.sources import PrometheusServer
from autoscaler.sources.promql import PromqlNeed, PromqlSource
from tests.unit.sources.fakes import LABEL, NOW, Handler, StillClock, address, page, serving

A, B = RegionId("cn-a"), RegionId("cn-b")
QUERY = f"sum by ({LABEL}) (load)"
PATH = "/api/v1/query"


def series(value: object, region: str | None = A, **labels: str) -> dict[str, object]:
    own = {} if region is None else {LABEL: region}
    return {"metric": {**own, **labels}, "value": [NOW, value]}


def vector(*elements: object, **more: object) -> Handler:
    return answer({"status": "success", "data": {"resultType": "vector", "result": elements}, **more})


def result(kind: str, value: object) -> Handler:
    return answer({"status": "success", "data": {"resultType": kind, "result": value}})


def answer(body: object, status: int = 200) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=json.dumps(body), content_type="application/json")

    return handler


@asynccontextmanager
async def asking(server: TestServer, *needs: PromqlNeed, **settings: object) -> AsyncIterator[PromqlSource]:
    written = {"name": "prom", "url": f"http://{address(server)}", **settings}
    source = PromqlSource(
        PrometheusServer.model_validate(written),
        needs or [PromqlNeed(QUERY, 60)],
        region_label=LABEL,
        clock=StillClock(),
        report=lambda _problem: None,
    )
    try:
        yield source
    finally:
        await source.close()


async def collected(handler: Handler, **settings: object) -> Wave:
    async with serving({PATH: handler}) as server, asking(server, **settings) as source:
        return await source.collect()


async def test_each_region_that_answers_has_its_sample_and_its_status() -> None:
    wave = await collected(vector(series("1.5", A), series("-2e3", B, zone="x")))
    assert wave == Wave(
        source="prom",
        at=NOW,
        took=0.0,
        targets=tuple(TargetStatus(QUERY, region, up=True, reason=Reason.UP) for region in (A, B)),
        samples=(
            Sample(A, QUERY, QUERY, {LABEL: A}, 1.5, NOW),
            Sample(B, QUERY, QUERY, {LABEL: B, "zone": "x"}, -2000.0, NOW),
        ),
    )


async def test_a_source_is_named_and_paced_as_its_server() -> None:
    async with serving({PATH: vector()}) as server, asking(server, interval="5s") as made:
        source: SampleSource = made
        assert (source.name, source.interval) == ("prom", 5.0)
        assert (await source.collect()).targets == ()


async def test_each_distinct_query_is_asked_once_with_its_limits() -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append((request.method, request.path, dict(await request.post())))
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    needs = [PromqlNeed("up", 60), PromqlNeed("down", 0.5), PromqlNeed("up", 90)]
    async with serving({"/prefix" + PATH: handler}) as server:
        url = f"http://{address(server)}/prefix/"
        async with asking(server, *needs, url=url, timeout="2s") as source:
            await source.collect()
    assert sorted(asked, key=str) == [
        ("POST", "/prefix" + PATH, {"query": "down", "timeout": "2.000", "lookback_delta": "0.500"}),
        ("POST", "/prefix" + PATH, {"query": "up", "timeout": "2.000", "lookback_delta": "90.000"}),
    ]


async def test_nan_and_infinity_are_passed_on_and_not_judged() -> None:
    wave = await collected(vector(series("NaN", A), series("+Inf", B), series("-Inf", "cn-c")))
    first, *others = [sample.value for sample in wave.samples]
    assert math.isnan(first)
    assert others == [math.inf, -math.inf]


async def test_two_series_of_one_region_are_not_chosen_between() -> None:
    wave = await collected(vector(series("1", A, cpu="0"), series("2", B), series("3", A, cpu="1")))
    assert [(sample.region, sample.value) for sample in wave.samples] == [(B, 2.0)]
    (down,) = (target for target in wave.targets if not target.up)
    assert (down.region, down.reason) == (A, Reason.SEVERAL_SERIES)
    assert down.detail == "2 series of this region; group them by ens_region_id"


async def test_series_without_a_region_are_dropped_and_told_once_for_each_change() -> None:
    told: list[str] = []
    elements = [series("1", None), series("1", ""), series("2", B)]

    async def handler(_request: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": elements}})

    async with serving({PATH: handler}) as server, asking(server) as source:
        source._report = told.append
        wave = await source.collect()
        await source.collect()
        elements.append(series("3", None))
        await source.collect()
    assert [(sample.region, sample.value) for sample in wave.samples] == [(B, 2.0)]
    detail = "2 series have no label ens_region_id and are dropped"
    assert wave.targets[-1] == TargetStatus(QUERY, RegionId(""), up=False, reason=Reason.WRONG_RESULT, detail=detail)
    assert told == [f"prom: {detail}: {QUERY}", f"prom: {detail.replace('2', '3')}: {QUERY}"]


async def test_dropped_series_are_logged_where_nobody_else_listens(caplog: pytest.LogCaptureFixture) -> None:
    async with serving({PATH: vector(series("1", None))}) as server:
        config = PrometheusServer.model_validate({"name": "prom", "url": f"http://{address(server)}"})
        source = PromqlSource(config, [PromqlNeed("up", 60)], region_label=LABEL, clock=StillClock())
        try:
            await source.collect()
        finally:
            await source.close()
    assert [message for message in caplog.messages if message.startswith("prom: ")] == [
        "prom: 1 series have no label ens_region_id and are dropped: up"
    ]


async def test_warnings_stand_with_what_they_are_about() -> None:
    wave = await collected(vector(series("1"), warnings=["a store did not answer", "another neither"]))
    assert wave.targets[0].up
    assert wave.targets[0].detail == "a store did not answer; another neither"


HISTOGRAM = {"metric": {LABEL: A}, "histogram": [NOW, {"count": "1", "sum": "2", "buckets": []}]}


@pytest.mark.parametrize(
    ("handler", "reason", "detail"),
    [
        (result("scalar", [NOW, "1"]), Reason.WRONG_RESULT, "gives a scalar, not an instant vector"),
        (result("matrix", [{"metric": {}, "values": [[NOW, "1"]]}]), Reason.WRONG_RESULT, "gives a matrix"),
        (result("string", [NOW, "x"]), Reason.WRONG_RESULT, "gives a string"),
        (vector(HISTOGRAM), Reason.WRONG_RESULT, "native histograms"),
        (vector(series("one")), Reason.UNPARSABLE, "could not convert string to float"),
        (vector(series(1)), Reason.UNPARSABLE, "0.value.1: Input should be a valid string"),
        (vector({"metric": {LABEL: 1}, "value": [NOW, "1"]}), Reason.UNPARSABLE, f"0.metric.{LABEL}"),
        (answer({"status": "success"}), Reason.UNPARSABLE, "has no data"),
        (answer({"status": "fine"}), Reason.UNPARSABLE, "status"),
        (answer([]), Reason.UNPARSABLE, "no answer of the query API"),
        (page("<html>", "text/html"), Reason.UNPARSABLE, "Invalid JSON"),
        (page("[" * 100_000, "application/json"), Reason.UNPARSABLE, "Invalid JSON"),
        (page(b"", "application/json"), Reason.UNPARSABLE, "Invalid JSON"),
        (
            answer({"status": "error", "errorType": "bad_data", "error": "parse error"}, 400),
            Reason.BAD_STATUS,
            "HTTP 400 Bad Request: bad_data: parse error",
        ),
        (answer({"status": "error", "errorType": "x", "error": "y"}), Reason.BAD_STATUS, "HTTP 200 OK: x: y"),
        (
            answer({"status": "error", "errorType": "timeout", "error": "query timed out"}, 503),
            Reason.TIMED_OUT,
            "HTTP 503 Service Unavailable: timeout: query timed out",
        ),
        (answer("Bad Gateway", 502), Reason.BAD_STATUS, "HTTP 502 Bad Gateway"),
        (answer({"status": "success", "data": {"resultType": "vector", "result": []}}, 500), Reason.BAD_STATUS, "500"),
    ],
)
async def test_a_query_that_fails_whole_is_one_status_with_its_reason(
    handler: Handler, reason: Reason, detail: str
) -> None:
    wave = await collected(handler)
    (status,) = wave.targets
    assert (status.target, status.region, status.up, status.reason) == (QUERY, RegionId(""), False, reason)
    assert detail in status.detail
    assert wave.samples == ()


async def test_a_slow_query_costs_only_itself() -> None:
    hanging = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if (await request.post())["query"] == "slow":
            await hanging.wait()
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": [series("1")]}})

    needs = [PromqlNeed("slow", 60), PromqlNeed("fast", 60)]
    async with serving({PATH: handler}) as server, asking(server, *needs, timeout="1s") as source:
        wave = await source.collect()
        hanging.set()
    assert [(target.target, target.reason) for target in wave.targets] == [
        ("slow", Reason.TIMED_OUT),
        ("fast", Reason.UP),
    ]
    assert [sample.metric for sample in wave.samples] == ["fast"]


async def test_the_token_is_read_anew_at_each_pass_and_headers_are_sent(tmp_path: Path) -> None:
    sent = []

    async def handler(request: web.Request) -> web.Response:
        sent.append((request.headers.get("Authorization"), request.headers.get("X-Scope-OrgID")))
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    token = tmp_path / "token"
    settings = {"bearer_token_file": token, "headers": {"X-Scope-OrgID": "edge"}}
    async with serving({PATH: handler}) as server, asking(server, **settings) as source:
        for text in ("first\n", "second"):
            token.write_text(text, encoding="utf-8")
            await source.collect()
    assert sent == [("Bearer first", "edge"), ("Bearer second", "edge")]


@pytest.mark.parametrize("content", [None, b"", b"two\nlines", b"\xff", "schlüssel".encode()])
async def test_without_a_usable_token_nothing_is_asked(tmp_path: Path, content: bytes | None) -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response()

    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    async with serving({PATH: handler}) as server, asking(server, bearer_token_file=token) as source:
        with pytest.raises(AutoscalerError, match="bearer_token_file"):
            await source.collect()
    assert asked == []
