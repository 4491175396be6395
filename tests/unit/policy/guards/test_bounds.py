"""minNodes <= desired <= maxNodes, but never below what is committed."""

import pytest

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.bounds import guard
from tests.unit.policy.builders import policy, situation

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
