"""Retention: once a day what is old leaves the ledger, what it sums up to stays, and a wrong clock forgets nothing."""

from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.events import LedgerFailed
from autoscaler.model.names import Money
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from autoscaler.settings.sections import DAY
from tests.unit.executor.stand import BEIJING, SETTINGS, SHANGHAI, Stand, intent, running

S = OrderState
SLOW = SETTINGS.model_copy(update={"poll_interval": 0.25 * DAY})


def pruned(stand: Stand) -> list[float]:
    """The moments, in seconds since the start, at which the ledger is asked to forget."""
    moments: list[float] = []
    prune = stand.ledger.prune

    async def noted(before: float) -> int:
        moments.append(stand.clock.monotonic())
        return await prune(before)

    stand.ledger.prune = noted  # type: ignore[method-assign]  # a spy
    return moments


async def test_the_ledger_is_asked_to_forget_once_a_day() -> None:
    async with running(settings=SLOW) as stand:
        moments = pruned(stand)
        await stand.clock.advance(4.1 * DAY)
        assert len(moments) == 4


async def test_what_is_older_than_the_retention_goes_and_stays_counted() -> None:
    async with running(settings=SLOW) as stand:
        await stand.buy(2)
        await stand.clock.advance(DAY)
        old = await stand.only_order()
        assert old.state is S.READY
        await stand.clock.advance(401 * DAY)
        assert old in await stand.orders(), "there is nothing newer: the clock may be wrong"
        await stand.buy(1)
        await stand.clock.advance(3 * DAY)
        assert old not in await stand.orders()
        assert stand.executor.tally(BEIJING).bought == 3
        await stand.die()
        await stand.restart()
        assert stand.executor.tally(BEIJING).bought == 3


async def test_a_clock_that_was_three_years_ahead_once_has_forgotten_no_order_and_no_charge() -> None:
    async with running() as stand:
        limit = SpendingLimit("budget b, month", None, 0.0, Money(1000))
        stand.limits = lambda region, at: (limit,)
        await stand.place(intent(1, cost=Money(900)))
        await stand.clock.advance(100)
        await stand.die()
        stand.clock.jump(3 * 365 * DAY)
        await stand.restart()
        await stand.clock.advance(5)
        await stand.die()
        stand.clock.jump(-3 * 365 * DAY)
        await stand.restart()
        assert [order.state for order in await stand.orders()] == [S.READY]
        assert [charge.amount for charge in stand.executor.fleet().charges] == [900]
        await stand.place(intent(1, SHANGHAI, cost=Money(900)))
        assert [told.reason for told in stand.refusals()] == [Reason.BUDGET_EXHAUSTED]


async def test_a_ledger_that_can_not_forget_keeps_nothing_from_being_read() -> None:
    async with running(settings=SLOW) as stand:

        async def full(before: float) -> int:
            raise LedgerUnusable("database or disk is full")

        stand.ledger.prune = full  # type: ignore[method-assign]  # a fault of the disk
        await stand.clock.advance(3 * DAY)
        capacity = stand.executor.capacity(BEIJING)
        assert capacity is not None
        assert stand.clock.now() - capacity.at <= 0.3 * DAY
        assert LedgerFailed("database or disk is full") in stand.listener.events


async def test_settled_orders_are_remembered_for_a_policys_timers_and_counted_for_ever() -> None:
    async with running(settings=SLOW) as stand:
        await stand.buy(1)
        await stand.clock.advance(0.5 * DAY)
        (first,) = stand.executor.orders(BEIJING)
        assert first.state is S.READY
        await stand.clock.advance(2 * DAY)
        await stand.buy(1)
        await stand.clock.advance(0.4 * DAY)
        assert first in stand.executor.orders(BEIJING)
        await stand.clock.advance(2 * DAY)
        await stand.buy(1)
        await stand.clock.advance(0.4 * DAY)
        assert first not in stand.executor.orders(BEIJING)
        assert len(stand.executor.orders(BEIJING)) == 2
        assert stand.executor.tally(BEIJING).bought == 3
