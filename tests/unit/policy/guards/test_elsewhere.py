"""What sibling regions bought for a region is not bought again in it."""

import pytest

from autoscaler.model.decision import GuardStep, Tally
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.elsewhere import guard
from tests.unit.policy.situations import situation


@pytest.mark.parametrize(("spilled", "after"), [(1, 6), (3, 4), (4, 3), (9, 3)])
def test_what_was_bought_elsewhere_is_taken_off_the_need(spilled: int, after: int) -> None:
    step = guard(situation(3, tally=Tally(spilled=spilled)), 7)
    message = f"{spilled} nodes were bought for it in other regions"
    assert step == GuardStep("elsewhere", 7, after, Reason.SPILLED_OVER, message)


@pytest.mark.parametrize(("spilled", "desired"), [(0, 7), (2, 3)])
def test_nothing_is_said_where_nothing_was_spilled_or_is_needed(spilled: int, desired: int) -> None:
    assert guard(situation(3, tally=Tally(spilled=spilled)), desired) is None


def test_a_region_gives_all_that_it_is_asked_for_whatever_was_once_bought_for_itself() -> None:
    assert guard(situation(3, tally=Tally(spilled=2), for_region=RegionId("cn-other")), 5) is None
