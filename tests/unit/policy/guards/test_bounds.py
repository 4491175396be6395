"""minNodes <= desired <= maxNodes, but never below what is committed."""

from dataclasses import replace

import pytest

from autoscaler.model.decision import GuardStep
from autoscaler.model.names import OrderId, RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.bounds import guard, vanished
from tests.unit.policy.builders import TOLD, capacity, ids, order, policy
from tests.unit.policy.situations import situation

SERVED = policy(minNodes=2, maxNodes=8)


def test_a_number_below_the_minimum_is_raised_to_it() -> None:
    assert guard(situation(0, served=SERVED), 1) == GuardStep("bounds", 1, 2, Reason.BELOW_MINIMUM, "minNodes is 2")


def test_a_number_above_the_maximum_is_cut_to_it() -> None:
    assert guard(situation(3, served=SERVED), 9) == GuardStep("bounds", 9, 8, Reason.ABOVE_MAXIMUM, "maxNodes is 8")


def test_the_cut_stops_at_what_is_committed() -> None:
    step = guard(situation(11, served=SERVED), 15)
    assert step == GuardStep("bounds", 15, 11, Reason.ABOVE_MAXIMUM, "maxNodes is 8")
    assert guard(situation(11, served=SERVED), 11) is None


@pytest.mark.parametrize("desired", [2, 5, 8])
def test_a_number_within_both_bounds_is_left_alone(desired: int) -> None:
    assert guard(situation(0, served=SERVED), desired) is None


def bought(
    state: OrderState, nodes: int, *, reason: Reason = Reason.TASK_FAILED, ago: float = 60, seen: int = 0
) -> Order:
    """An order that the API took and that is settled; `seen` of its nodes are in the capacity below."""
    instances = sorted(ids("ready", 3))[:seen] + sorted(ids("lost", nodes - seen))
    known = instances if state is OrderState.READY else instances[:seen]
    return order(state, nodes, settled_ago=ago, reason=reason, receipt=TOLD, instances=known)


@pytest.mark.parametrize(
    ("one", "gone"),
    [
        (bought(OrderState.FAILED, 2), 2),
        (bought(OrderState.ABANDONED, 2), 2),
        (bought(OrderState.PARTIAL, 3, seen=1), 2),
        (bought(OrderState.READY, 3, seen=3), 0),
        (bought(OrderState.READY, 3, seen=1), 2),
        (bought(OrderState.FAILED, 2, ago=86_399), 2),
        (bought(OrderState.FAILED, 2, ago=86_400), 0),
        (bought(OrderState.FAILED, 2, reason=Reason.OUT_OF_STOCK), 0),
        (bought(OrderState.FAILED, 2, reason=Reason.RESOLVED_NOT_BOUGHT), 0),
        (order(OrderState.FAILED, 2, settled_ago=60, reason=Reason.REJECTED), 0),
        (order(OrderState.ACCEPTED, 2), 0),
    ],
)
def test_the_maximum_counts_what_was_bought_in_the_window_and_never_came(one: Order, gone: int) -> None:
    seen = situation(3, served=SERVED, capacity_=capacity(3), orders=[one])
    assert vanished(seen) == gone
    step = guard(seen, 8)
    assert (step.after if step else 8) == 8 - gone


def test_vanished_nodes_are_named_when_they_cut_the_number() -> None:
    step = guard(situation(3, served=SERVED, capacity_=capacity(3), orders=[bought(OrderState.FAILED, 4)]), 8)
    message = "maxNodes is 8, and 4 nodes bought in the last 24 h never came or are gone"
    assert step == GuardStep("bounds", 8, 4, Reason.ABOVE_MAXIMUM, message)


def test_the_minimum_is_not_bought_for_ever_when_its_nodes_never_come() -> None:
    tight = policy(minNodes=4, maxNodes=4)
    lost = [bought(OrderState.FAILED, 2), replace(bought(OrderState.FAILED, 1), id=OrderId("order-2"))]
    step = guard(situation(0, served=tight, orders=lost), 0)
    message = "minNodes is 4, maxNodes is 4, and 3 nodes bought in the last 24 h never came or are gone"
    assert step == GuardStep("bounds", 0, 1, Reason.BELOW_MINIMUM, message)
    step = guard(situation(0, served=tight, orders=[*lost, *lost]), 0)
    assert step is not None
    assert (step.after, step.reason) == (0, Reason.ABOVE_MAXIMUM)


def test_the_window_is_the_policys() -> None:
    short = policy(maxNodes=8, scale_up={"windowSeconds": 3600})
    old = bought(OrderState.FAILED, 4, ago=3600)
    assert vanished(situation(3, served=short, orders=[old])) == 0


def test_another_regions_shortfall_does_not_raise_a_region_to_its_own_minimum() -> None:
    assert guard(situation(0, served=SERVED, for_region=RegionId("cn-other")), 1) is None
