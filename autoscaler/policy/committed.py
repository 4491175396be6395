"""Counting the nodes of a region: what exists and is ordered, and what a signal was measured over.

Facts of one region come in, counts of nodes go out.
"""

from autoscaler.model.decision import RegionFacts
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason

SHOWN_AFTER = 1800.0
"""Seconds after which an instance that no list shows is gone, and not merely late."""
_NOTHING_SOLD = frozenset({Reason.OUT_OF_STOCK, Reason.RESOLVED_NOT_BOUGHT})
_ARRIVING = frozenset({OrderState.ACCEPTED, OrderState.OVERDUE})


def committed_nodes(facts: RegionFacts, now: float) -> int:
    """Nodes that exist or are ordered in a region: the number that an order is measured against.

    Unready and failed nodes count: they are paid for, and a site that lost its uplink must not be bought again.
    Orders count until the API shows their instances as nodes, in doubt included. What an order is known to have bought
    counts for a while after it ended, too: the reading may be older than that end, and lists lag.
    """
    seen = facts.capacity.instances if facts.capacity else frozenset()
    hidden = {one for order in facts.orders if _just_ended(order, facts, now) for one in order.instances - seen}
    return len(seen) + len(hidden) + sum(order.outstanding(seen) for order in facts.orders)


def _just_ended(order: Order, facts: RegionFacts, now: float) -> bool:
    if order.settled_at is None:
        return False
    unread = facts.capacity is None or facts.capacity.at <= order.settled_at
    return unread or now - order.settled_at < SHOWN_AFTER


def established_nodes(facts: RegionFacts) -> int:
    """Ready nodes that were there before any order that is still arriving.

    A ratio to a target must be multiplied by the nodes that it was measured over. While nodes join, the newest sample
    may be older than the newest node: to multiply the old ratio by the new count would buy for the same load again.
    Nodes of orders that have ended are there, however long another order is overdue.
    """
    if facts.capacity is None:
        return 0
    ready = facts.capacity.ready
    ended = frozenset(one for order in facts.orders if order.state.final for one in order.instances)
    for order in facts.orders:
        if order.state in _ARRIVING and order.baseline is not None:
            ready &= order.baseline.instances | ended
    return len(ready)


def sold_nothing(order: Order) -> bool:
    """Whether an order that the API may have taken is known to have bought no node."""
    return order.state is OrderState.FAILED and order.reason in _NOTHING_SOLD and not order.bought
