"""Money: an order keeps the limits of its decision, the scarce goes to the most urgent, what was made is paid."""

from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from autoscaler.model.names import Money
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from autoscaler.policy.budget import Budget, spending_limits
from autoscaler.simulator.script import PurchaseScript
from tests.unit.executor.stand import BEIJING, SHANGHAI, Stand, intent, running, scenario

S = OrderState


def limited(stand: Stand, most: int) -> None:
    limit = SpendingLimit("budget b, month", None, 0.0, Money(most))
    stand.limits = lambda region, at: (limit,)


async def test_an_order_that_a_budget_can_not_pay_is_no_order_and_is_told() -> None:
    async with running() as stand:
        limited(stand, 1000)
        await stand.place(intent(2, cost=Money(900)))
        await stand.place(intent(2, SHANGHAI, cost=Money(101)))
        await stand.clock.advance(70)
        (told,) = stand.refusals()
        assert (told.region, told.reason) == (SHANGHAI, Reason.BUDGET_EXHAUSTED)
        assert told.detail.startswith("budget b, month: ")
        assert stand.books.sold_total == 2


async def test_a_budget_for_one_order_goes_to_the_most_urgent_region() -> None:
    async with running() as stand:
        limited(stand, 1000)
        calm = intent(2, BEIJING, desired=100, cost=Money(900))
        urgent = intent(1, SHANGHAI, desired=2, cost=Money(900))
        await stand.place(calm, urgent)
        assert (await stand.only_order()).region == SHANGHAI


async def test_an_order_is_held_to_the_budget_of_the_day_on_which_it_was_decided() -> None:
    """Decided before midnight and made after it: it is charged to the old day, so the old day must afford it."""
    async with running() as stand:
        midnight = datetime(2027, 3, 2, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()
        stand.clock.jump(midnight - 1 - stand.clock.now())
        stand.limits = partial(spending_limits, (Budget("b", None, Money(1000), None),))
        decided = stand.clock.now()
        await stand.place(intent(1, cost=Money(900), at=decided))
        await stand.clock.advance(3)
        await stand.place(intent(1, SHANGHAI, cost=Money(900), at=decided))
        assert [told.reason for told in stand.refusals()] == [Reason.BUDGET_EXHAUSTED]
        await stand.place(intent(1, SHANGHAI, cost=Money(900), at=stand.clock.now()))
        first, second = await stand.orders()
        assert first.created_at < midnight <= second.created_at


async def test_an_order_is_as_old_as_its_decision() -> None:
    async with running() as stand:
        decided = stand.clock.now() - stand.settings.decision_valid_for + 5
        stand.cloud.readable = False
        await stand.place(intent(1, at=decided))
        assert (await stand.only_order()).created_at == decided
        await stand.clock.advance(40)
        order = await stand.only_order()
        assert (order.state, order.reason) == (S.FAILED, Reason.EXPIRED_UNSENT)


async def test_an_order_without_the_moment_of_its_decision_is_as_old_as_itself() -> None:
    async with running() as stand:
        await stand.buy(1)
        assert (await stand.only_order()).created_at == stand.clock.now()


async def test_more_nodes_than_were_ordered_are_bought_and_charged() -> None:
    async with running(scenario(scripts=(PurchaseScript(made=4),))) as stand:
        limited(stand, 2999)
        await stand.place(intent(2, cost=Money(1000)))
        await stand.clock.advance(90)
        order = await stand.only_order()
        assert (order.state, order.bought, order.charged) == (S.READY, 4, 2000)
        assert stand.executor.tally(BEIJING).bought == 4
        assert [charge.amount for charge in stand.executor.fleet().charges] == [2000]
        await stand.place(intent(2, SHANGHAI, cost=Money(1000)))
        assert [told.reason for told in stand.refusals()] == [Reason.BUDGET_EXHAUSTED]


async def test_what_an_order_made_beyond_its_nodes_is_no_other_orders() -> None:
    async with running(scenario(scripts=(PurchaseScript(made=4),))) as stand:
        await stand.buy(2)
        await stand.clock.advance(90)
        assert (await stand.only_order()).instances == set(stand.books.purchases[0].instances)


async def test_the_region_whose_shortfall_is_bought_elsewhere_hears_of_every_step() -> None:
    async with running() as stand:
        stand.rung.clear()
        await stand.place(intent(2, SHANGHAI, for_region=BEIJING))
        await stand.clock.advance(1)
        assert BEIJING in stand.rung, "it was accepted"
        assert stand.executor.tally(BEIJING).spilled == 2
        stand.rung.clear()
        await stand.clock.advance(70)
        assert (await stand.only_order()).state is S.READY
        assert BEIJING in stand.rung, "its nodes are ready"
