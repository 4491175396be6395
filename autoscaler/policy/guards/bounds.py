"""Bounds: minNodes <= desired <= maxNodes, but never below what is committed.

The maximum counts every node that exists or is ordered, failed ones included: paid is paid. For `windowSeconds` it
also counts nodes that were bought and never came, or came and are gone: nodes that vanish must not be bought for ever.
"""

from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import GuardStep
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.committed import sold_nothing
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.stock import turned_down


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Clamp the number. A region that takes another one's shortfall is not raised to its own minimum by it."""
    low = situation.policy.min_nodes if situation.for_region is None else 0
    if low <= desired <= situation.committed:
        return None  # the ceiling is never below what is committed, whatever has vanished
    high, gone = situation.policy.max_nodes, vanished(situation)
    ceiling = max(high - gone, situation.committed)
    after = min(max(desired, low), ceiling)
    if after == desired >= low:
        return None
    minimum, maximum = f"minNodes is {low}", f"maxNodes is {high}"
    if gone:
        hours = situation.scale_up.window_seconds / 3600
        maximum += f", and {gone} nodes bought in the last {hours:g} h never came or are gone"
    if after > desired:
        message = minimum if low <= ceiling else f"{minimum}, {maximum}"
        return GuardStep("bounds", desired, after, Reason.BELOW_MINIMUM, message)
    return GuardStep("bounds", desired, after, Reason.ABOVE_MAXIMUM, maximum)


def vanished(situation: Situation) -> int:
    """Nodes that were bought in the window and are neither seen nor on their way."""
    since = situation.now - situation.scale_up.window_seconds
    return sum(
        _missing(order, situation.facts.capacity)
        for order in situation.facts.orders
        if order.receipt is not None and order.settled_at is not None and order.settled_at > since
    )


def _missing(order: Order, capacity: Capacity | None) -> int:
    if sold_nothing(order):
        return 0
    seen = capacity.instances if capacity else frozenset()
    if order.state is OrderState.READY or turned_down(order):  # only what was made can be missed
        return len(order.instances - seen)
    return max(0, order.nodes - len(order.instances & seen))
