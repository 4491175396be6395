"""Backoff: after an order that failed, the region waits, so that a stock-out is not asked every few seconds."""

from autoscaler.model.decision import GuardStep
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation

_BROUGHT_NOTHING = frozenset({OrderState.FAILED, OrderState.ABANDONED})
_NOTHING_WENT_WRONG = frozenset({Reason.EXPIRED_UNSENT})


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold for `failureBackoffSeconds` from the moment the last failed order was settled."""
    failed = [
        order
        for order in situation.facts.orders
        if order.state in _BROUGHT_NOTHING and order.settled_at is not None and order.reason not in _NOTHING_WENT_WRONG
    ]
    last = max(failed, key=lambda order: order.settled_at or 0.0, default=None)
    if last is None or last.settled_at is None:
        return None
    left = last.settled_at + situation.policy.behavior.scale_up.failure_backoff_seconds - situation.now
    if left <= 0:
        return None
    message = f"order {last.id} failed ({last.reason}); next try in {left:.0f} s"
    return situation.hold("backoff", desired, Reason.BACKOFF_AFTER_FAILURE, message)
