"""Several endpoints that hold the same series: who is asked, and when."""

import asyncio

import pytest
from aiohttp import web

from autoscaler.model.reason import Reason
from autoscaler.sources.promql import PromqlNeed
from autoscaler.sources.promql_endpoints import RETURN_AFTER
from tests.unit.sources.fakes import Handler, StillClock, address, closed_port, serving
from tests.unit.sources.query_api import PATH, QUERY, A, answer, asking, collected, series, told, vector, wholes

DOWN = answer("Bad Gateway", 502)
BAD_QUERY = answer({"status": "error", "errorType": "bad_data", "error": "parse error"}, 400)


class Switch:
    """An endpoint that works or does not, as a test says, and counts the queries that it was asked."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.works = True
        self.asked = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        return await (vector(series(self.value)) if self.works else DOWN)(request)


async def test_what_the_first_endpoint_does_not_answer_the_next_one_does() -> None:
    async with serving({PATH: vector(series("2"))}) as second:
        urls = [f"http://127.0.0.1:{closed_port()}", f"http://{address(second)}"]
        async with asking([second], urls=urls) as source:
            wave = await source.collect()
    assert told(wave) == {A: 2.0}
    assert {status.detail for status in wave.targets} == {f"answered by {urls[1]}"}


@pytest.mark.parametrize(
    "broken",
    [DOWN, answer({"status": "error", "errorType": "timeout", "error": "query timed out"}, 503), answer({}, 500)],
)
async def test_an_endpoint_that_can_not_answer_is_passed_over(broken: Handler) -> None:
    assert told(await collected(broken, vector(series("2")))) == {A: 2.0}


async def test_a_query_that_is_wrong_is_wrong_everywhere() -> None:
    second = Switch("2")
    wave = await collected(BAD_QUERY, second.answer)
    assert [(status.reason, "parse error" in status.detail) for status in wave.targets] == [(Reason.BAD_STATUS, True)]
    assert second.asked == 0


async def test_too_many_requests_is_no_reason_to_burden_the_next_endpoint() -> None:
    second = Switch("2")
    wave = await collected(answer("slow down", 429), second.answer)
    assert ([status.reason for status in wave.targets], second.asked) == ([Reason.BAD_STATUS], 0)


async def test_an_endpoint_that_hangs_takes_its_share_of_the_time_and_no_more() -> None:
    hanging = asyncio.Event()
    given = []

    async def hang(request: web.Request) -> web.Response:
        given.append((await request.post())["timeout"])
        await hanging.wait()
        return web.Response()

    async def counting(request: web.Request) -> web.StreamResponse:
        given.append((await request.post())["timeout"])
        hanging.set()
        return await vector(series("2"))(request)

    wave = await collected(hang, counting, timeout="400ms")
    assert told(wave) == {A: 2.0}
    assert given[0] == "0.200"


async def test_when_nobody_answers_it_is_said_what_each_of_them_did() -> None:
    async with serving({PATH: DOWN}) as first, serving({PATH: answer("x", 503)}) as second:
        async with asking([first, second]) as source:
            (status,) = (await source.collect()).targets
        assert status.detail == (
            f"http://{address(first)}: HTTP 502 Bad Gateway; http://{address(second)}: HTTP 503 Service Unavailable"
        )
    assert status.reason is Reason.BAD_STATUS


async def test_the_preferred_endpoint_is_asked_again_after_a_while_and_not_before() -> None:
    first, second, clock = Switch("1"), Switch("2"), StillClock()
    reported: list[str] = []
    async with serving({PATH: first.answer}) as one, serving({PATH: second.answer}) as two:
        async with asking([one, two], clock=clock, reported=reported) as source:
            first.works = False
            assert told(await source.collect()) == {A: 2.0}
            first.works = True
            clock.elapsed += RETURN_AFTER - 1
            assert told(await source.collect()) == {A: 2.0}
            assert first.asked == 1
            clock.elapsed += 1
            assert told(await source.collect()) == {A: 1.0}
            assert told(await source.collect()) == {A: 1.0}
        assert reported == [f"prom: asks http://{address(two)} now", f"prom: asks http://{address(one)} now"]
    assert (first.asked, second.asked) == (3, 2)


async def test_a_preferred_endpoint_that_is_still_broken_is_left_alone_for_as_long_again() -> None:
    first, second, clock = Switch("1"), Switch("2"), StillClock()
    first.works = False
    async with (
        serving({PATH: first.answer}) as one,
        serving({PATH: second.answer}) as two,
        asking([one, two], clock=clock) as source,
    ):
        for _ in range(4):
            assert told(await source.collect()) == {A: 2.0}
            clock.elapsed += RETURN_AFTER / 2
    assert first.asked == 2


async def test_one_query_that_an_endpoint_can_not_answer_moves_the_others_nowhere() -> None:
    async def picky(request: web.Request) -> web.StreamResponse:
        query = (await request.post())["query"]
        return await (DOWN if query == "heavy" else vector(series("1")))(request)

    reported: list[str] = []
    second = Switch("2")
    needs = [PromqlNeed("heavy", 60), PromqlNeed("light", 60)]
    async with (
        serving({PATH: picky}) as one,
        serving({PATH: second.answer}) as two,
        asking([one, two], *needs, reported=reported) as source,
    ):
        for _ in range(2):
            wave = await source.collect()
            by_query = {status.target: status.detail for status in wholes(wave)}
            assert by_query == {
                "heavy": f"answered by http://{address(two)}",
                "light": f"answered by http://{address(one)}",
            }
    assert (second.asked, reported) == (2, [])


async def test_a_source_without_needs_asks_nobody() -> None:
    first = Switch("1")
    async with serving({PATH: first.answer}) as one, asking(one) as source:
        source._max_ages.clear()
        assert (await source.collect()).targets == ()
    assert first.asked == 0


async def test_a_partial_answer_is_no_reason_to_ask_the_next_endpoint() -> None:
    second = Switch("2")
    wave = await collected(vector(series("1"), warnings=["a store is gone"]), second.answer)
    assert [(one.target, one.reason) for one in wave.targets] == [(QUERY, Reason.PARTIAL_ANSWER)]
    assert second.asked == 0
