"""Counting the nodes of a region: what exists and is ordered, and what a signal was measured over.

Facts of one region come in, counts of nodes go out.
"""

import math

from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import RegionFacts
from autoscaler.model.names import InstanceId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason

SHOWN_AFTER = 1800.0
"""Seconds after which an instance that no list shows is gone, and not merely late."""
_NOTHING_SOLD = frozenset({Reason.OUT_OF_STOCK, Reason.RESOLVED_NOT_BOUGHT})
_ARRIVING = frozenset({OrderState.ACCEPTED, OrderState.OVERDUE})
_OPEN = frozenset(state for state in OrderState if not state.final)
_NOBODY: frozenset[InstanceId] = frozenset()


def committed_nodes(facts: RegionFacts, now: float) -> int:
    """Nodes that exist or are ordered in a region: the number that an order is measured against.

    Unready and failed nodes count: they are paid for, and a site that lost its uplink must not be bought again.
    Orders count until the API shows their instances as nodes, in doubt included. What an order is known to have bought
    counts for a while after it ended, too: the reading may be older than that end, and lists lag.
    """
    capacity = facts.capacity
    there, read_at = (nodes_there(capacity), capacity.at) if capacity else (0, -math.inf)
    orders = facts.orders
    ended = [o for o in orders if (at := o.settled_at) is not None and (read_at <= at or now - at < SHOWN_AFTER)]
    ahead = [o for o in orders if o.state in _OPEN]
    if not ended and not ahead:
        return there
    seen = capacity.instances if capacity else _NOBODY
    hidden = _NOBODY.union(*(order.instances - seen for order in ended))
    return there + len(hidden) + sum(order.outstanding(seen) for order in ahead)


def nodes_there(capacity: Capacity) -> int:
    """How many instances there are: each is in one set only, so that they can be counted without being joined."""
    return len(capacity.ready) + len(capacity.unready) + len(capacity.joining) + len(capacity.failed)


def established_nodes(facts: RegionFacts) -> int:
    """Ready nodes that were there before any order that is still arriving.

    A ratio to a target must be multiplied by the nodes that it was measured over. While nodes join, the newest sample
    may be older than the newest node: to multiply the old ratio by the new count would buy for the same load again.
    Nodes of orders that have ended are there, however long another order is overdue.
    """
    if facts.capacity is None:
        return 0
    ready = facts.capacity.ready
    baselines = [o.baseline.instances for o in facts.orders if o.state in _ARRIVING and o.baseline is not None]
    if baselines:
        ended = frozenset(one for order in facts.orders if order.state.final for one in order.instances)
        ready = ready.intersection(*(before | ended for before in baselines))
    return len(ready)


def sold_nothing(order: Order) -> bool:
    """Whether an order that the API may have taken is known to have bought no node."""
    return order.state is OrderState.FAILED and order.reason in _NOTHING_SOLD and not order.bought
