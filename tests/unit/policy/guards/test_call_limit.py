"""One call buys no more than the operation takes."""

import pytest

from autoscaler.model.decision import GuardStep
from autoscaler.model.operation import Offer
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.call_limit import guard
from tests.unit.policy.builders import pool_operation
from tests.unit.policy.situations import situation


@pytest.mark.parametrize(("desired", "after"), [(503, None), (504, 503), (5000, 503), (3, None)])
def test_a_pool_call_adds_at_most_500(desired: int, after: int | None) -> None:
    step = guard(situation(3, offers=[Offer(pool_operation())]), desired)
    message = "one call of ScaleClusterNodePool adds at most 500 nodes"
    expected = None if after is None else GuardStep("call_limit", desired, after, Reason.CALL_LIMITED, message)
    assert step == expected


def test_an_operation_without_a_limit_is_left_alone() -> None:
    assert guard(situation(3), 5000) is None
    assert guard(situation(3, offers=()), 5000) is None
