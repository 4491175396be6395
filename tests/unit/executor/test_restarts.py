"""The process dies at any moment; the next one takes up what the ledger holds and buys nothing twice."""

import asyncio

import pytest

from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from tests.unit.executor.stand import BEIJING, SHANGHAI, Stand, running

S = OrderState


async def waiting_for_its_turn(stand: Stand) -> None:
    """Two orders, the second of which waits for the rate limit."""
    await stand.buy(1, SHANGHAI)
    await stand.clock.advance(0.3)
    await stand.buy(2)
    await stand.clock.advance(0.3)


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.15, 0.25, 1.0, 12.0, 31.0, 45.0])
async def test_a_death_at_any_moment_buys_nothing_twice_and_loses_nothing(moment: float) -> None:
    async with running() as stand:
        await stand.buy(2)
        await stand.clock.advance(moment)
        await stand.die()
        await stand.clock.advance(5)
        await stand.restart()
        await stand.clock.advance(250)

        order = await stand.only_order()
        bought = 2 if order.state is S.READY else 0
        assert order.state in {S.READY, S.FAILED}
        assert stand.books.sold(BEIJING) == bought


async def test_a_death_between_the_sale_and_its_answer_is_found_again() -> None:
    async with running() as stand:
        stand.cloud.faults.append("hang")
        await stand.buy(2)
        await stand.clock.advance(3)
        assert stand.books.sold(BEIJING) == 2
        await stand.die()
        assert (await stand.only_order()).state is S.SUBMITTING

        await stand.restart()
        await stand.clock.advance(120)
        order = await stand.only_order()
        assert order.state is S.READY
        reasons = [line.reason for line in await stand.ledger.history(order.id)]
        assert Reason.PROCESS_DIED_WHILE_SENDING in reasons
        assert Reason.EVIDENCE_FOUND in reasons
        assert stand.books.sold(BEIJING) == 2


async def test_an_order_planned_but_never_sent_is_sent_after_a_quick_restart() -> None:
    async with running() as stand:
        await waiting_for_its_turn(stand)
        await stand.die()
        assert (await stand.orders())[-1].state is S.PLANNED
        await stand.restart()
        await stand.clock.advance(70)
        assert [order.state for order in await stand.orders()] == [S.READY, S.READY]


async def test_an_order_planned_long_ago_is_dropped_and_not_sent() -> None:
    async with running() as stand:
        await waiting_for_its_turn(stand)
        await stand.die()
        await stand.clock.advance(3600)
        await stand.restart()
        await stand.clock.advance(30)

        order = (await stand.orders())[-1]
        assert (order.state, order.reason) == (S.FAILED, Reason.EXPIRED_UNSENT)
        assert stand.cloud.calls == 1


async def test_a_clean_stop_lets_the_call_that_has_left_be_recorded() -> None:
    async with running() as stand:
        await stand.buy(2)
        await stand.clock.advance(0.1)
        assert (await stand.only_order()).state is S.SUBMITTING
        assert stand._running is not None
        stand._running.cancel()
        drained = asyncio.create_task(stand.executor.drain(20))
        await stand.clock.advance(1)
        await drained
        assert (await stand.only_order()).state is S.ACCEPTED
