"""How many nodes a region may buy in a day, and in its life."""

import pytest

from autoscaler.model.decision import GuardStep, Tally
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.quota import guard
from tests.unit.policy.builders import ids, order, policy
from tests.unit.policy.situations import situation

DAILY = policy(scale_up={"maxNodesPerDay": 6})


@pytest.mark.parametrize(
    ("state", "settled_ago", "born", "used"),
    [
        (OrderState.PLANNED, None, 0, 4),
        (OrderState.IN_DOUBT, None, 0, 4),
        (OrderState.ACCEPTED, None, 0, 4),
        (OrderState.READY, 60.0, 4, 4),
        (OrderState.PARTIAL, 60.0, 3, 3),
        (OrderState.FAILED, 60.0, 0, 0),
        (OrderState.ABANDONED, 60.0, 0, 4),
    ],
)
def test_the_day_counts_what_must_be_taken_for_paid(
    state: OrderState, settled_ago: float | None, born: int, used: int
) -> None:
    one = order(state, 4, settled_ago=settled_ago, instances=ids("new", born))
    step = guard(situation(3, served=DAILY, orders=[one]), 13)
    message = f"{used} nodes were ordered in 24 h, maxNodesPerDay is 6"
    assert step == GuardStep("quota", 13, 3 + 6 - used, Reason.QUOTA_OF_DAY, message)


@pytest.mark.parametrize(("created_ago", "after"), [(0, 5), (86_399, 5), (86_400, 9), (90_000, 9)])
def test_the_day_is_any_24_hours(created_ago: float, after: int) -> None:
    one = order(OrderState.READY, 4, created_ago=created_ago, settled_ago=0)
    step = guard(situation(3, served=DAILY, orders=[one]), 13)
    assert step is not None
    assert step.after == after


def test_a_used_up_quota_stops_the_region_and_is_never_negative() -> None:
    orders = [order(OrderState.ACCEPTED, 4, id=name) for name in ("one", "two")]
    step = guard(situation(3, served=DAILY, orders=orders), 5)
    assert step is not None
    assert (step.after, step.reason) == (3, Reason.QUOTA_OF_DAY)


def test_the_life_counts_what_the_ledger_sums_up() -> None:
    for_life = policy(scale_up={"maxNodesEver": 10})
    step = guard(situation(3, served=for_life, tally=Tally(bought=9)), 6)
    message = "9 nodes were bought so far, maxNodesEver is 10"
    assert step == GuardStep("quota", 6, 4, Reason.QUOTA_OF_LIFETIME, message)


@pytest.mark.parametrize(("bought", "reason"), [(6, Reason.QUOTA_OF_LIFETIME), (1, Reason.QUOTA_OF_DAY)])
def test_the_tighter_quota_counts(bought: int, reason: Reason) -> None:
    both = policy(scale_up={"maxNodesPerDay": 2, "maxNodesEver": 7})
    step = guard(situation(3, served=both, tally=Tally(bought=bought)), 9)
    assert step is not None
    assert (step.after, step.reason) == (3 + min(2, 7 - bought), reason)


def test_without_a_quota_nothing_is_cut() -> None:
    assert guard(situation(3, tally=Tally(bought=10_000)), 20) is None


def test_what_fits_into_the_quota_is_left_alone() -> None:
    assert guard(situation(3, served=DAILY), 9) is None
