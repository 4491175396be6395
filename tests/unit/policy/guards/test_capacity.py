"""No order on an unread or an old count of nodes."""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.capacity import guard
from tests.unit.policy.builders import CAPACITY_MAX_AGE, capacity
from tests.unit.policy.situations import situation


def test_nothing_is_ordered_while_the_nodes_have_not_been_read() -> None:
    step = guard(situation(3), 5)
    assert step == GuardStep("capacity", 5, 3, Reason.CAPACITY_UNKNOWN, "the region's nodes have not been read")


def test_nothing_is_ordered_on_an_old_count() -> None:
    step = guard(situation(3, capacity_=capacity(age=CAPACITY_MAX_AGE + 1)), 5)
    message = "the region's nodes were read 121 s ago, at most 120 s"
    assert step == GuardStep("capacity", 5, 3, Reason.CAPACITY_UNKNOWN, message)


def test_a_count_exactly_at_the_limit_is_good_enough() -> None:
    assert guard(situation(3, capacity_=capacity(age=CAPACITY_MAX_AGE)), 5) is None


def test_an_unknown_count_stops_nothing_when_nothing_was_to_be_bought() -> None:
    assert guard(situation(3), 3) is None
