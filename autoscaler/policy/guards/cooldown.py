"""Cooldown, counted from *ready*: new nodes get time to take load before they are judged too few.

Counting from the order would end the cooldown before the first new node carries anything: the staircase of orders
that users of reactive autoscalers know. The timer derives from the ledger, so a restart changes nothing.
"""

from autoscaler.model.decision import GuardStep
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.timers import settled

_BROUGHT_NODES = frozenset({OrderState.READY, OrderState.PARTIAL})


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold for `cooldownSeconds` from the moment the last order's nodes became ready."""
    done = settled(situation.facts.orders, situation.now)
    ready_at = max((order.settled_at or 0.0 for order in done if order.state in _BROUGHT_NODES), default=None)
    if ready_at is None:
        return None
    left = ready_at + situation.policy.behavior.scale_up.cooldown_seconds - situation.now
    if left <= 0:
        return None
    message = f"nodes became ready {situation.now - ready_at:.0f} s ago; {left:.0f} s of cooldown left"
    return situation.hold("cooldown", desired, Reason.COOLDOWN_FROM_READY, message)
