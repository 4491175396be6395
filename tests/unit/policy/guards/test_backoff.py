"""After an order that the API refused the region waits."""

import pytest

from autoscaler.model.decision import GuardStep
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.backoff import guard
from tests.unit.policy.builders import TOLD, order, policy
from tests.unit.policy.situations import situation

SERVED = policy(backoff=600)


def test_a_failed_order_holds_the_region_until_the_backoff_is_over() -> None:
    failed = order(OrderState.FAILED, settled_ago=200, reason=Reason.QUOTA_EXCEEDED)
    step = guard(situation(3, served=SERVED, orders=[failed]), 5)
    message = "order order-1 failed (QuotaExceeded); next try in 400 s"
    assert step == GuardStep("backoff", 5, 3, Reason.BACKOFF_AFTER_FAILURE, message)


@pytest.mark.parametrize(("ago", "held"), [(599.5, True), (600, False), (601, False)])
def test_the_backoff_ends_on_its_last_second(ago: float, held: bool) -> None:
    failed = order(OrderState.FAILED, settled_ago=ago, reason=Reason.TASK_FAILED)
    assert (guard(situation(3, served=SERVED, orders=[failed]), 5) is not None) is held


def test_the_latest_failure_counts_whatever_the_order_of_the_list() -> None:
    old = order(OrderState.FAILED, id="old", settled_ago=5000, reason=Reason.REJECTED)
    new = order(OrderState.FAILED, id="new", settled_ago=100, reason=Reason.REJECTED)
    for orders in ([old, new], [new, old]):
        step = guard(situation(3, served=SERVED, orders=orders), 5)
        assert step is not None
        assert "order new failed" in step.message


@pytest.mark.parametrize(
    "reason",
    [Reason.EXPIRED_UNSENT, Reason.DECISION_WITHDRAWN, Reason.RESOLVED_NOT_BOUGHT, Reason.ACCOUNT_STOPPED],
)
def test_an_order_that_was_never_refused_is_no_failure_of_the_region(reason: Reason) -> None:
    unsent = order(OrderState.FAILED, settled_ago=1, reason=reason)
    assert guard(situation(3, served=SERVED, orders=[unsent]), 5) is None


@pytest.mark.parametrize("reason", [Reason.OUT_OF_STOCK, Reason.FORBIDDEN, Reason.BALANCE_EXHAUSTED])
def test_a_refusal_with_a_wait_of_its_own_is_not_waited_for_twice(reason: Reason) -> None:
    refused = order(OrderState.FAILED, settled_ago=1, reason=reason)
    assert guard(situation(3, served=SERVED, orders=[refused]), 5) is None


def test_an_order_that_was_taken_and_failed_is_the_breakers_business() -> None:
    taken = order(OrderState.FAILED, settled_ago=1, reason=Reason.TASK_FAILED, receipt=TOLD)
    assert guard(situation(3, served=SERVED, orders=[taken]), 5) is None


@pytest.mark.parametrize("state", [s for s in OrderState if s not in {OrderState.FAILED, OrderState.ABANDONED}])
def test_no_other_state_backs_off(state: OrderState) -> None:
    one = order(state, settled_ago=1 if state.final else None)
    assert guard(situation(3, served=SERVED, orders=[one]), 5) is None


def test_a_failure_stops_nothing_when_nothing_was_to_be_bought() -> None:
    failed = order(OrderState.FAILED, settled_ago=1, reason=Reason.QUOTA_EXCEEDED)
    assert guard(situation(3, served=SERVED, orders=[failed]), 3) is None
