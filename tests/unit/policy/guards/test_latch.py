"""After too many failed joins only a human lets the region buy again."""

import pytest

from autoscaler.model.decision import GuardStep, Tally
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.latch import guard
from tests.unit.policy.builders import policy
from tests.unit.policy.situations import situation


@pytest.mark.parametrize(
    ("most", "failed", "held"), [(3, 2, False), (3, 3, True), (3, 9, True), (1, 1, True), (0, 9, False)]
)
def test_the_latch_falls_at_the_stated_number_and_0_is_never(most: int, failed: int, held: bool) -> None:
    served = policy(scale_up={"failedJoinsToLatch": most})
    assert (guard(situation(3, served=served, tally=Tally(failed_joins=failed)), 5) is not None) is held


def test_the_step_says_how_to_release_the_region() -> None:
    step = guard(situation(3, tally=Tally(failed_joins=4)), 5)
    message = (
        "4 nodes failed to join since an order came whole, failedJoinsToLatch is 3; "
        "after a look: autoscaler release cn-beijing-cmcc-2 --reason ..."
    )
    assert step == GuardStep("latch", 5, 3, Reason.JOINS_LATCHED, message)


def test_a_latch_stops_nothing_when_nothing_was_to_be_bought() -> None:
    assert guard(situation(3, tally=Tally(failed_joins=4)), 3) is None
