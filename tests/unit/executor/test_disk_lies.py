"""A disk that lies: a step that is reported as failed and is on disk wedges nothing, and refuses no human for good."""

import asyncio
from collections.abc import Sequence

from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.errors import Forbidden, LedgerUnusable
from autoscaler.model.events import ActDone, LedgerFailed, LedgerMended
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from tests.unit.executor.stand import BEIJING, SETTINGS, SHANGHAI, Stand, intent, lying, refusing, running, scenario

S = OrderState


async def say(stand: Stand, kind: ActKind, subject: str) -> None:
    await stand.ledger.file(Act(kind, subject, "looked", "operator", stand.clock.now()))


async def stuck_doubt(stand: Stand) -> Order:
    """A doubt that nothing settles: somebody bought by hand meanwhile."""
    stand.cloud.faults.append("lost_request")
    await stand.buy(2)
    await stand.clock.advance(2)
    stand.books.buy_by_hand(BEIJING, 5, stand.clock.now())
    await stand.clock.advance(200)
    order = await stand.only_order()
    assert order.state is S.IN_DOUBT
    return order


def add_and_complain(stand: Stand) -> None:
    """Let the ledger report one new order as failed that is on disk."""
    write = stand.ledger.add
    once = iter([True])

    async def add(order: Order, limits: Sequence[SpendingLimit] = ()) -> None:
        await write(order, limits)
        if next(once, False):
            raise LedgerUnusable("the disk reports an error after the commit")

    stand.ledger.add = add  # type: ignore[method-assign]  # a disk that lies


async def test_a_step_back_from_a_doubt_that_was_reported_as_failed_is_sent_all_the_same() -> None:
    async with running(settings=SETTINGS.model_copy(update={"decision_valid_for": 1e6})) as stand:
        lying(stand, lambda after: after.reason is Reason.ABSENCE_PROVEN)
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(250)
        order = await stand.only_order()
        assert (order.state, order.attempt) == (S.READY, 2)
        assert stand.books.sold(BEIJING) == 2


async def test_a_decision_that_became_too_old_in_a_doubt_ends_though_its_step_back_was_reported_as_failed() -> None:
    async with running() as stand:
        lying(stand, lambda after: after.reason is Reason.ABSENCE_PROVEN)
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(200)
        order = await stand.only_order()
        assert (order.state, order.reason) == (S.FAILED, Reason.EXPIRED_UNSENT)
        assert stand.executor.open_orders() == ()


async def test_a_humans_word_that_was_reported_as_failed_and_is_on_disk_is_carried_out() -> None:
    async with running(scenario(task_parameters=False)) as stand:
        order = await stuck_doubt(stand)
        lying(stand, lambda after: after.reason is Reason.RESOLVED_NOT_BOUGHT)
        await say(stand, ActKind.RESOLVE_NOT_BOUGHT, order.id)
        await stand.clock.advance(30)
        (act,) = await stand.ledger.acts()
        assert act.outcome == f"order {order.id} is failed: ResolvedNotBought"
        assert stand.executor.open_orders() == ()
        assert [one.state for one in stand.executor.orders(BEIJING)] == [S.FAILED]


async def test_a_disk_that_takes_nothing_for_a_while_refuses_no_human() -> None:
    async with running(scenario(task_parameters=False)) as stand:
        order = await stuck_doubt(stand)
        await say(stand, ActKind.RESOLVE_NOT_BOUGHT, order.id)
        write = stand.ledger.replace

        async def full(before: Order, after: Order, at: float) -> None:
            raise LedgerUnusable("database or disk is full")

        stand.ledger.replace = full  # type: ignore[method-assign]  # a disk that is full
        await stand.clock.advance(60)
        (act,) = await stand.ledger.acts()
        assert act.done_at is None
        assert not [event for event in stand.listener.events if isinstance(event, ActDone)]
        capacity = stand.executor.capacity(BEIJING)
        assert capacity is not None
        assert stand.clock.now() - capacity.at <= stand.settings.poll_interval, "nodes are read all the same"

        stand.ledger.replace = write  # type: ignore[method-assign]  # there is room again
        await stand.clock.advance(11)
        assert (await stand.only_order()).reason is Reason.RESOLVED_NOT_BOUGHT


async def test_a_release_whose_closing_was_reported_as_failed_ends_the_stop() -> None:
    async with running() as stand:
        refusing(stand, Forbidden("ScaleOutCluster", "Forbidden.RAM"), 1)
        await stand.buy(2)
        await stand.clock.advance(1)
        close = stand.ledger.close_act
        once = iter([True])

        async def complaining(act: int, at: float, outcome: str) -> Act:
            closed = await close(act, at, outcome)
            if next(once, False):
                raise LedgerUnusable("the disk reports an error after the commit")
            return closed

        stand.ledger.close_act = complaining  # type: ignore[method-assign]  # a disk that lies
        await say(stand, ActKind.RELEASE, EVERYWHERE)
        assert stand.executor.fleet().stop is not None
        await stand.clock.advance(25)
        assert stand.executor.fleet().stop is None


async def test_an_order_whose_add_was_reported_as_failed_is_withdrawn_though_nobody_asks_again() -> None:
    async with running() as stand:
        add_and_complain(stand)
        await stand.buy(2)
        await stand.clock.advance(11)
        order = await stand.only_order()
        assert (order.state, order.reason) == (S.FAILED, Reason.DECISION_WITHDRAWN)
        assert stand.cloud.calls == 0


async def test_an_order_that_was_reported_as_failed_is_withdrawn_though_the_next_write_goes_well() -> None:
    async with running() as stand:
        add_and_complain(stand)
        await stand.buy(2)
        await stand.place(intent(1, SHANGHAI))
        await stand.clock.advance(11)
        (lied,) = (order for order in await stand.orders() if order.region == BEIJING)
        assert (lied.state, lied.reason) == (S.FAILED, Reason.DECISION_WITHDRAWN)
        assert stand.books.sold(BEIJING) == 0


async def test_an_order_that_is_just_being_written_is_not_taken_for_one_that_was_reported_as_failed() -> None:
    async with running() as stand:
        write, written = stand.ledger.add, asyncio.Event()

        async def add(order: Order, limits: Sequence[SpendingLimit] = ()) -> None:
            await write(order, limits)
            await written.wait()

        stand.ledger.add = add  # type: ignore[method-assign]  # its answer is slow
        placing = asyncio.create_task(stand.buy(2))
        await asyncio.sleep(0)
        assert await stand.executor.book.take_up_unknown() == []
        written.set()
        await placing
        assert [order.state for order in stand.executor.open_orders()] == [S.PLANNED]


async def test_a_ledger_that_can_not_be_read_for_a_humans_word_is_told_once() -> None:
    async with running() as stand:
        await stand.clock.advance(1)
        stand.ledger.fault = "disk I/O error"
        await stand.clock.advance(35)
        assert stand.listener.events.count(LedgerFailed("disk I/O error")) == 1
        assert stand.executor.readiness()["ledger"] == "disk I/O error"


async def test_a_ledger_that_takes_writes_again_says_so_once_though_nothing_is_ordered() -> None:
    async with running() as stand:
        stand.ledger.fault = "database or disk is full"
        await stand.buy(2)
        assert stand.executor.readiness()["ledger"] == "database or disk is full"
        await stand.clock.advance(25)
        assert LedgerMended() not in stand.listener.events
        stand.ledger.fault = None
        await stand.clock.advance(25)
        assert stand.listener.events.count(LedgerMended()) == 1
        assert stand.executor.readiness()["ledger"] is None


async def test_an_order_whose_add_was_reported_as_failed_is_not_bought_beside_the_one_that_took_its_place() -> None:
    """Its region can not buy any more, and the same shortfall goes to the next sibling."""
    async with running() as stand:
        add_and_complain(stand)
        await stand.buy(2)
        await stand.clock.advance(5)
        await stand.place(intent(2, SHANGHAI, for_region=BEIJING))
        await stand.place(intent(1, SHANGHAI))
        await stand.clock.advance(90)
        assert stand.books.sold_total == 2
        assert stand.executor.tally(BEIJING).spilled == 2


async def test_a_withdrawal_that_the_disk_refuses_is_tried_again_until_the_region_is_free() -> None:
    async with running() as stand:
        add_and_complain(stand)
        write = stand.ledger.replace
        refusals = iter([True, True])

        async def replace(before: Order, after: Order, at: float) -> None:
            if after.reason is Reason.DECISION_WITHDRAWN and next(refusals, False):
                raise LedgerUnusable("disk I/O error")
            await write(before, after, at)

        stand.ledger.replace = replace  # type: ignore[method-assign]  # it refuses what would free the region
        await stand.buy(2)
        await stand.clock.advance(5 * stand.settings.poll_interval)
        order = await stand.only_order()
        assert (order.state, order.reason) == (S.FAILED, Reason.DECISION_WITHDRAWN)
        assert next(refusals, None) is None
        await stand.buy(2)
        await stand.clock.advance(90)
        assert stand.books.sold(BEIJING) == 2
