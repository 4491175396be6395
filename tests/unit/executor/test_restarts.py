"""The process dies at any moment; the next one takes up what the ledger holds and buys nothing twice."""

import asyncio
from collections.abc import Sequence

import pytest

from autoscaler.model.capacity import Node
from autoscaler.model.names import ClusterId
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


@pytest.mark.parametrize("moment", [0.25, 0.3, 1.0, 12.0, 31.0, 45.0, 55.0])
async def test_a_death_at_any_moment_after_the_sale_buys_nothing_twice_and_loses_nothing(moment: float) -> None:
    async with running() as stand:
        await stand.buy(2)
        await stand.clock.advance(moment)
        assert stand.books.sold(BEIJING) == 2
        await die_and_come_back(stand)

        order = await stand.only_order()
        assert (order.state, order.bought, stand.books.sold(BEIJING)) == (S.READY, 2, 2)
        assert order.instances == set(stand.books.purchases[0].instances)


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.1, 0.15, 0.19])
async def test_a_death_at_any_moment_before_the_sale_buys_nothing_and_says_so(moment: float) -> None:
    async with running() as stand:
        await stand.buy(2)
        await stand.clock.advance(moment)
        assert stand.books.sold(BEIJING) == 0
        await die_and_come_back(stand)

        order = await stand.only_order()
        assert (order.state, order.bought, stand.books.sold(BEIJING)) == (S.FAILED, 0, 0)
        assert order.reason in {Reason.DECISION_WITHDRAWN, Reason.EXPIRED_UNSENT}


async def die_and_come_back(stand: Stand) -> None:
    await stand.die()
    await stand.clock.advance(5)
    await stand.restart()
    await stand.clock.advance(250)


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


@pytest.mark.parametrize("dead_for", [1.0, 3600.0])
async def test_an_order_left_unsent_by_a_former_process_is_withdrawn_and_decided_afresh(dead_for: float) -> None:
    """The policies and the fleet may have changed meanwhile; what was not sent costs nothing to decide again."""
    async with running() as stand:
        await waiting_for_its_turn(stand)
        await stand.die()
        assert (await stand.orders())[-1].state is S.PLANNED
        await stand.clock.advance(dead_for)
        await stand.restart()
        await stand.clock.advance(70)

        order = (await stand.orders())[-1]
        assert (order.state, order.reason) == (S.FAILED, Reason.DECISION_WITHDRAWN)
        assert stand.books.sold(BEIJING) == 0


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


async def test_nodes_that_cs_forgets_right_after_a_restart_stay_counted() -> None:
    """One short answer must not make the next process buy what is there."""
    async with running() as stand:
        await stand.buy(2)
        await stand.clock.advance(80)
        before = stand.executor.capacity(BEIJING)
        assert before is not None
        assert len(before.ready) == 3
        await stand.die()

        async def forgetful(cluster: ClusterId) -> Sequence[Node]:
            return ()

        stand.cloud.nodes = forgetful  # type: ignore[method-assign]  # a list that lags behind
        await stand.restart()
        after = stand.executor.capacity(BEIJING)
        assert after is not None
        assert after.instances == before.instances


async def test_what_the_ledger_does_not_take_is_remembered_later() -> None:
    async with running() as stand:
        stand.ledger.fault = "database or disk is full"
        await stand.buy(1)
        await stand.clock.advance(30)
        assert stand.executor.readiness()["ledger"] == "database or disk is full"
        stand.ledger.fault = None
        await stand.clock.advance(60)
        known = await stand.ledger.remembered()
        assert set(known.values()) == {BEIJING, SHANGHAI}
