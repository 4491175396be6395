import asyncio
import json

import aiohttp
import pytest

from autoscaler.simulator.faults import Faults
from tests.unit.simulator.builders import NEAR, Caller, region, scenario


async def test_a_lost_answer_was_executed_and_the_next_call_is_answered() -> None:
    async with Caller(scenario()) as caller:
        caller.simulator.faults.next_purchase("lose_answer")
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await caller.buy(count=2)
        assert caller.simulator.books.sold(NEAR) == 2
        assert (await caller.buy(count=1)).status == 200
        assert caller.simulator.books.sold(NEAR) == 3


async def test_a_lost_refusal_bought_nothing_and_was_told_to_nobody() -> None:
    async with Caller(scenario(region(stock=0))) as caller:
        caller.simulator.faults.next_purchase("lose_answer")
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await caller.buy()
        books = (await caller.get("/_simulator/books")).json
    assert (books["sold_total"], books["refused"], books["refused_unheard"]) == (0, {}, {"StockNotEnough": 1})


async def test_a_delayed_answer_was_executed_at_once() -> None:
    async with Caller(scenario()) as caller:
        caller.simulator.faults.next_purchase("delay_answer", seconds=20)
        call = asyncio.create_task(caller.buy(count=2))
        await caller.clock.until_asleep()
        assert (caller.simulator.books.sold_total, call.done()) == (2, False)
        await caller.clock.advance(20)
        assert (await call).status == 200


async def test_a_held_call_is_executed_late_even_if_the_caller_has_left() -> None:
    async with Caller(scenario()) as caller:
        caller.simulator.faults.next_purchase("hang_before", seconds=20)
        call = asyncio.create_task(caller.buy(count=2))
        await caller.clock.until_asleep()
        call.cancel()
        assert caller.simulator.books.sold_total == 0
        await caller.clock.advance(20)
        assert caller.simulator.books.sold_total == 2
        assert caller.simulator.books.purchases[0].at == caller.clock.now()


@pytest.mark.parametrize(("status", "retry_after", "header"), [(400, None, None), (429, 1.5, "1500")])
async def test_a_throttled_call_buys_nothing(status: int, retry_after: float | None, header: str | None) -> None:
    async with Caller(scenario()) as caller:
        wanted = {"kind": "throttle", "status": status, "retry_after": retry_after}
        assert (await caller.post("/_simulator/faults", json.dumps(wanted))).json == {"waiting": 1}
        answer = await caller.buy()
        assert (answer.status, answer.json["Code"]) == (status, "Throttling.User")
        assert answer.headers.get("x-acs-retry-after") == header
        assert (caller.simulator.books.sold_total, caller.simulator.books.refusals["Throttling.User"]) == (0, 1)


@pytest.mark.parametrize("executed", [False, True])
async def test_a_gateway_page_does_not_tell_whether_it_bought(executed: bool) -> None:
    async with Caller(scenario()) as caller:
        caller.simulator.faults.next_purchase("error_500_html", executed=executed)
        answer = await caller.buy(count=2)
        assert (answer.status, answer.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
        assert caller.simulator.books.sold_total == (2 if executed else 0)


async def test_faults_are_met_in_turn_and_only_by_purchases_that_are_signed() -> None:
    async with Caller(scenario()) as caller:
        caller.simulator.faults.next_purchase("throttle", times=2)
        await caller.nodes()
        right, caller.secret = caller.secret, "wrong"
        assert (await caller.buy()).json["Code"] == "SignatureDoesNotMatch"
        caller.secret = right
        assert [(await caller.buy()).status for _ in range(3)] == [400, 400, 200]


@pytest.mark.parametrize(
    "wanted", ['{"kind":"explode"}', '{"kind":"throttle","status":200}', '{"kind":"throttle","x":1}', "no"]
)
async def test_a_fault_nobody_knows_is_refused(wanted: str) -> None:
    async with Caller(scenario()) as caller:
        answer = await caller.post("/_simulator/faults", wanted)
        assert (answer.status, len(caller.simulator.faults)) == (400, 0)
        assert answer.json["problems"]


def test_without_a_fault_nothing_is_taken() -> None:
    assert Faults().take() is None
