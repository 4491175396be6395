"""Backoff: after an order that the API refused, the region waits, so that it is not asked every few seconds.

Other waits have guards of their own: `stock` for what is out of stock, `account` for what no order of the account may
do, `breaker` for orders that were taken and brought nothing.
"""

from autoscaler.model.decision import GuardStep
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.timers import settled

_BROUGHT_NOTHING = frozenset({OrderState.FAILED, OrderState.ABANDONED})
_NO_REFUSAL = frozenset(
    {
        Reason.EXPIRED_UNSENT,
        Reason.DECISION_WITHDRAWN,
        Reason.RESOLVED_NOT_BOUGHT,
        Reason.OUT_OF_STOCK,
        Reason.ACCOUNT_STOPPED,
        Reason.FORBIDDEN,
        Reason.BALANCE_EXHAUSTED,
    }
)


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold for `failureBackoffSeconds` from the moment the last refused order was settled."""
    refused = [order for order in settled(situation.facts.orders, situation.now) if _refused(order)]
    last = max(refused, key=lambda order: order.settled_at or 0.0, default=None)
    if last is None or last.settled_at is None:
        return None
    left = last.settled_at + situation.scale_up.failure_backoff_seconds - situation.now
    if left <= 0:
        return None
    message = f"order {last.id} failed ({last.reason}); next try in {left:.0f} s"
    return situation.hold("backoff", desired, Reason.BACKOFF_AFTER_FAILURE, message)


def _refused(order: Order) -> bool:
    return order.state in _BROUGHT_NOTHING and order.receipt is None and order.reason not in _NO_REFUSAL
