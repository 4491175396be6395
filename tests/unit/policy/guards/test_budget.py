"""No plan asks for more than the budgets have left."""

from collections.abc import Sequence

import pytest

from autoscaler.model.decision import Charge, GuardStep
from autoscaler.model.names import Money, RegionId
from autoscaler.model.reason import Reason
from autoscaler.policy.basket import Basket
from autoscaler.policy.budget import Budget
from autoscaler.policy.guards.budget import guard
from tests.unit.policy.builders import NOW, REGION, budget, offer
from tests.unit.policy.situations import situation

OTHER = RegionId("cn-other")
DAY = 86_400.0


def basket(*budgets: Budget, spent: Sequence[tuple[RegionId, float, int]] = ()) -> Basket:
    """Budgets, and what was spent where, how many seconds ago, in hundredths."""
    return Basket(budgets, [Charge(region, NOW - ago, Money(amount)) for region, ago, amount in spent], NOW)


@pytest.mark.parametrize(("most", "after"), [(100_000, 4), (99_999, 3), (249_999, 5), (300_000, None)])
def test_as_many_nodes_are_bought_as_the_budget_pays_for(most: int, after: int | None) -> None:
    step = guard(situation(3, offers=[offer(price=100_000)], basket=basket(budget(per_day=most))), 6)
    assert (step.after if step else None) == after


def test_the_step_names_the_budget_and_its_numbers() -> None:
    spent = [(REGION, 60.0, 80_000)]
    step = guard(situation(3, offers=[offer(price=15_050)], basket=basket(budget(per_day=100_000), spent=spent)), 6)
    message = "budget north, day: 200.00 of 1000.00 left, a node costs 150.50"
    assert step == GuardStep("budget", 6, 4, Reason.BUDGET_EXHAUSTED, message)


@pytest.mark.parametrize(
    ("regions", "spent", "counts"),
    [
        (None, (OTHER, 60.0, 90_000), True),
        ([REGION, OTHER], (OTHER, 60.0, 90_000), True),
        ([REGION], (OTHER, 60.0, 90_000), False),
        ([REGION], (REGION, 60.0, 90_000), True),
        ([REGION], (REGION, 2 * DAY, 90_000), False),
    ],
)
def test_what_counts_is_what_the_budgets_regions_spent_since_midnight(
    regions: list[RegionId] | None, spent: tuple[RegionId, float, int], counts: bool
) -> None:
    filled = basket(budget(per_day=100_000, regions=regions), spent=[spent])
    step = guard(situation(3, offers=[offer(price=50_000)], basket=filled), 5)
    assert (step is not None) is counts


def test_the_tightest_budget_counts() -> None:
    filled = basket(budget(300_000, 150_000), budget(500_000, name="all"))
    step = guard(situation(3, offers=[offer(price=100_000)], basket=filled), 6)
    assert step is not None
    assert step.message.startswith("budget north, month:")


def test_what_the_plan_buys_elsewhere_is_spent_already() -> None:
    filled = basket(budget(per_day=300_000))
    asking = situation(3, offers=[offer(price=100_000)], basket=filled)
    assert guard(asking, 6) is None
    filled.add(OTHER, Money(200_000))
    step = guard(asking, 6)
    assert step is not None
    assert step.after == 4


def test_an_overdrawn_budget_stops_the_region() -> None:
    filled = basket(budget(per_day=100), spent=[(REGION, 60.0, 500)])
    step = guard(situation(3, offers=[offer(price=100)], basket=filled), 6)
    assert step == GuardStep("budget", 6, 3, Reason.BUDGET_EXHAUSTED, "budget north, day: 0.00 of 1.00 left")


def test_a_region_under_a_budget_buys_nothing_without_a_price() -> None:
    step = guard(situation(3, basket=basket(budget(per_day=100_000))), 6)
    message = "budget north, day covers it, and edge-small has no price"
    assert step == GuardStep("budget", 6, 3, Reason.PRICE_UNKNOWN, message)


def test_prices_that_are_asked_for_later_are_not_missed_but_a_used_up_budget_stops_all_the_same() -> None:
    asked = situation(3, basket=basket(budget(per_day=100_000)), prices_from_api=True)
    assert guard(asked, 6) is None
    used_up = basket(budget(per_day=100), spent=[(REGION, 60.0, 100)])
    step = guard(situation(3, basket=used_up, prices_from_api=True), 6)
    assert step is not None
    assert (step.after, step.reason) == (3, Reason.BUDGET_EXHAUSTED)


def test_without_a_budget_no_price_is_needed() -> None:
    assert guard(situation(3), 6) is None
    assert guard(situation(3, basket=basket(budget(per_day=1, regions=[OTHER]))), 6) is None


def test_a_budget_says_nothing_when_nothing_was_to_be_bought() -> None:
    assert guard(situation(3, basket=basket(budget(per_day=0))), 3) is None
