"""Breaker: after an order that the API took and that brought no ready node, the region waits, longer each time.

An incremental order that is repeated while nothing comes is a standing order: users of other autoscalers saw their
size walk away from what was running. Refusals are `backoff`, stock-outs are `stock`.
"""

from collections.abc import Iterable, Sequence

from autoscaler.model.decision import GuardStep
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.committed import sold_nothing
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.language import DAY
from autoscaler.policy.timers import settled

_MOST_DOUBLINGS = 20
_BROUGHT_NODES = frozenset({OrderState.READY, OrderState.PARTIAL})


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold beside an overdue order without a ready node, and for `breakerSeconds`, doubling, after such orders."""
    capacity = situation.facts.capacity
    ready = capacity.ready if capacity else frozenset()
    for order in situation.facts.orders:
        if order.state is OrderState.OVERDUE and not order.instances & ready:
            message = (
                f"order {order.id} for {order.nodes} nodes is overdue and none of them is ready; "
                f"if they do not come: autoscaler orders resolve {order.id} --as bought|not-bought --reason ..."
            )
            return situation.hold("breaker", desired, Reason.BREAKER_OPEN, message)
    row = in_vain(settled(situation.facts.orders, situation.now))
    times = len(row) if situation.facts.tally.in_vain is None else situation.facts.tally.in_vain
    if not row or not times:
        return None
    last = row[0]
    wait = min(DAY, situation.scale_up.breaker_seconds * 2.0 ** min(times - 1, _MOST_DOUBLINGS))
    left = (last.settled_at or 0.0) + wait - situation.now
    if left <= 0:
        return None
    message = f"order {last.id} was taken and is {last.state} ({last.reason}), {times} in a row; {left:.0f} s left"
    return situation.hold("breaker", desired, Reason.BREAKER_OPEN, message)


def in_vain(orders: Iterable[Order]) -> Sequence[Order]:
    """The orders that the API took and that failed without a node since the last one that brought some, newest first.

    What a human closed is not among them.
    """
    taken = (o for o in orders if o.state.final and o.receipt is not None and not sold_nothing(o))
    row: list[Order] = []
    for order in sorted(taken, key=lambda o: (o.settled_at or 0.0, o.id), reverse=True):
        if order.state in _BROUGHT_NODES:
            break
        if order.state is OrderState.FAILED:
            row.append(order)
    return row
