"""A pass over the queries of one Prometheus server."""

import asyncio
import math
import threading

import pytest
from aiohttp import web

from autoscaler.model.reason import Reason
from autoscaler.model.signals import Column, TargetStatus, Wave
from autoscaler.ports import SampleSource
from autoscaler.settings.promql_server import PrometheusServer
from autoscaler.sources import promql
from autoscaler.sources.http import Answer
from autoscaler.sources.promql import PromqlNeed, PromqlSource
from autoscaler.sources.promql_answer import Vector, read_answer
from tests.unit.sources.fakes import LABEL, NOW, Handler, StillClock, address, page, serving
from tests.unit.sources.query_api import (
    PATH,
    QUERY,
    WHOLE,
    A,
    B,
    C,
    answer,
    asking,
    collected,
    result,
    series,
    told,
    up,
    vector,
    wholes,
)


async def test_each_region_that_answers_has_its_column_and_its_status() -> None:
    wave = await collected(vector(series("1.5", A), series("-2e3", B, zone="x")))
    columns = {A: Column(({},), (1.5,), NOW), B: Column(({"zone": "x"},), (-2000.0,), NOW)}
    by_region = tuple(
        TargetStatus(QUERY, region, up=True, reason=Reason.UP, labels={LABEL: region}, columns={QUERY: column})
        for region, column in columns.items()
    )
    assert wave == Wave(source="prom", at=NOW, took=0.0, targets=(*by_region, up()))
    assert wave.regions is None


async def test_an_answer_without_series_says_that_it_was_an_answer() -> None:
    assert (await collected(vector())).targets == (up(),)


async def test_the_first_pass_is_due_at_once_and_the_next_an_interval_after_its_start() -> None:
    clock = StillClock()

    async def handler(_request: web.Request) -> web.Response:
        clock.elapsed += 2
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    async with serving({PATH: handler}) as server, asking(server, interval="5s", clock=clock) as made:
        source: SampleSource = made
        assert (source.name, source.pause()) == ("prom", 0.0)
        wave = await source.collect()
        assert (wave.took, source.pause()) == (2.0, 3.0)
        clock.elapsed += 7
        assert source.pause() == 0.0


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
    path = "/prefix" + PATH
    assert sorted(asked, key=str) == [
        ("POST", path, {"query": "down", "timeout": "2.000", "lookback_delta": "0.500", "max_lookback": "0.500"}),
        ("POST", path, {"query": "up", "timeout": "2.000", "lookback_delta": "90.000", "max_lookback": "90.000"}),
    ]


async def test_a_large_answer_is_read_as_a_small_one_is_and_does_not_hold_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: list[threading.Thread] = []

    def noting(given: Answer) -> Vector:
        threads.append(threading.current_thread())
        return read_answer(given)

    monkeypatch.setattr(promql, "read_answer", noting)
    many = [series(str(number), A, instance=f"10.0.0.1:{number}") for number in range(2000)]
    (status, whole) = (await collected(vector(*many))).targets
    assert (sorted(status.columns[QUERY].values), whole) == ([float(number) for number in range(2000)], up())
    await collected(vector(series("1", A)))
    assert [thread is threading.main_thread() for thread in threads] == [False, True]


async def test_nan_and_infinity_are_passed_on_and_not_judged() -> None:
    wave = await collected(vector(series("NaN", A), series("+Inf", B), series("-Inf", C)))
    found = told(wave)
    nan = found.pop(A)
    assert isinstance(nan, float)
    assert math.isnan(nan)
    assert found == {B: math.inf, C: -math.inf}


async def test_the_series_of_one_region_stay_together_in_an_order_of_their_own() -> None:
    wave = await collected(vector(series("1", A, cpu="1"), series("2", B), series("3", A, cpu="0")))
    assert told(wave) == {A: (3.0, 1.0), B: 2.0}
    column = wave.targets[0].columns[QUERY]
    assert column.series == ({"cpu": "0"}, {"cpu": "1"})
    assert [wave.targets[0].label(one, LABEL) for one in column.series] == [A, A]
    assert all(status.up for status in wave.targets)


async def test_the_same_series_are_the_same_objects_in_every_region_and_at_every_answer() -> None:
    elements = [series("1", A, cpu="0"), series("2", A, cpu="1"), series("3", B, cpu="1"), series("4", B, cpu="0")]

    async def handler(_request: web.Request) -> web.Response:
        elements.reverse()
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": elements}})

    async with serving({PATH: handler}) as server, asking(server) as source:
        waves = [await source.collect(), await source.collect()]
        elements.append(series("5", B, cpu="2"))
        waves.append(await source.collect())
    columns = [status.columns[QUERY].series for wave in waves for status in wave.targets if status.columns]
    known = columns[0]
    assert [one is known for one in columns] == [True] * 4 + [len(one) == 2 for one in columns[4:]]
    assert [len(one) for one in columns].count(3) == 1


async def test_series_without_a_region_are_dropped_and_told_once_for_each_change() -> None:
    reported: list[str] = []
    elements = [series("1", None), series("1", ""), series("2", B)]

    async def handler(_request: web.Request) -> web.Response:
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": elements}})

    async with serving({PATH: handler}) as server, asking(server, reported=reported) as source:
        wave = await source.collect()
        await source.collect()
        elements.append(series("3", None))
        await source.collect()
    assert told(wave) == {B: 2.0}
    detail = "2 series have no label ens_region_id and are dropped"
    assert wholes(wave) == [TargetStatus(QUERY, WHOLE, up=False, reason=Reason.WRONG_RESULT, detail=detail)]
    assert reported == [f"prom: {detail}: {QUERY}", f"prom: {detail.replace('2', '3')}: {QUERY}"]


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


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        (
            {"warnings": ["rpc error: store 10.0.0.1 is gone", "No StoreAPIs matched for this query"]},
            "rpc error: store 10.0.0.1 is gone; No StoreAPIs matched for this query",
        ),
        ({"isPartial": True}, "not every storage node answered"),
        ({"warnings": ["PromQL warning: mixed", "remote storage: refused"]}, "PromQL warning: mixed; remote storage:"),
    ],
)
async def test_a_partial_answer_is_none_unless_the_operator_takes_it(more: dict[str, object], detail: str) -> None:
    reported: list[str] = []
    wave = await collected(vector(series("1"), **more), reported=reported)
    (status,) = wave.targets
    assert (status.target, status.region, status.up, status.reason) == (QUERY, WHOLE, False, Reason.PARTIAL_ANSWER)
    assert detail in status.detail
    assert [detail in problem for problem in reported] == [True]
    taken = await collected(vector(series("1"), **more), use_partial_answers=True)
    assert told(taken) == {A: 1.0}
    assert [detail in status.detail for status in taken.targets] == [True, True]


async def test_remarks_about_the_query_stand_with_the_answer_and_do_not_spoil_it() -> None:
    warning = 'PromQL warning: quantile value should be between 0 and 1, got 7 (1:10) ("load")'
    info = 'PromQL info: metric might not be a counter: "load" (1:6)'
    wave = await collected(vector(series("1"), warnings=[warning], infos=[info]))
    assert told(wave) == {A: 1.0}
    assert {status.detail for status in wave.targets} == {f"{warning}; {info}"}


async def test_null_for_no_warnings_is_no_fault() -> None:
    assert told(await collected(vector(series("1"), warnings=None, infos=None))) == {A: 1.0}


HISTOGRAM = {"metric": {LABEL: A}, "histogram": [NOW, {"count": "1", "sum": "2", "buckets": []}]}


@pytest.mark.parametrize(
    ("handler", "reason", "detail"),
    [
        (result("scalar", [NOW, "1"]), Reason.WRONG_RESULT, "gives a scalar, not an instant vector"),
        (result("matrix", [{"metric": {}, "values": [[NOW, "1"]]}]), Reason.WRONG_RESULT, "gives a matrix"),
        (result("string", [NOW, "x"]), Reason.WRONG_RESULT, "gives a string"),
        (vector(HISTOGRAM), Reason.WRONG_RESULT, "native histograms"),
        (vector(series("one")), Reason.UNPARSABLE, "could not convert string to float"),
        (vector({"metric": {LABEL: A}, "value": ["NaN", "1"]}), Reason.UNPARSABLE, "should be a finite number"),
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
    assert (status.target, status.region, status.up, status.reason) == (QUERY, WHOLE, False, reason)
    assert detail in status.detail


async def test_a_slow_query_costs_only_itself() -> None:
    hanging = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if (await request.post())["query"] == "slow":
            await hanging.wait()
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": [series("1")]}})

    needs = [PromqlNeed("slow", 60), PromqlNeed("fast", 60)]
    async with serving({PATH: handler}) as server, asking(server, *needs, timeout="300ms") as source:
        wave = await source.collect()
        hanging.set()
    assert [(one.target, one.region, one.reason) for one in wave.targets] == [
        ("slow", WHOLE, Reason.TIMED_OUT),
        ("fast", A, Reason.UP),
        ("fast", WHOLE, Reason.UP),
    ]
    assert [list(one.columns) for one in wave.targets] == [[], ["fast"], []]
