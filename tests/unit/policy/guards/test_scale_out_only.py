"""Nodes are prepaid: the number never falls below what is committed."""

import pytest

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.scale_out_only import guard
from tests.unit.policy.situations import situation


def test_a_number_below_committed_is_raised_to_it() -> None:
    assert guard(situation(5), 2) == GuardStep("scale_out_only", 2, 5, Reason.SCALE_OUT_ONLY, "5 nodes are prepaid")


@pytest.mark.parametrize("desired", [5, 6, 500])
def test_a_number_that_is_not_below_is_left_alone(desired: int) -> None:
    assert guard(situation(5), desired) is None
