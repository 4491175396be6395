"""Attention: what a human must be told about a region, because it will not come right by itself, or not soon.

A region's last decision and its orders come in, Attentions go out. They stand for as long as the trouble does; an
alert waits before it calls somebody.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autoscaler.model.decision import Decision
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason

_HELD = frozenset(
    {
        Reason.ABOVE_MAXIMUM,
        Reason.ACCOUNT_STOPPED,
        Reason.BREAKER_OPEN,
        Reason.BUDGET_EXHAUSTED,
        Reason.CAPACITY_UNKNOWN,
        Reason.FLEET_UNREADY,
        Reason.JOINS_LATCHED,
        Reason.NO_OFFER,
        Reason.PRICE_UNKNOWN,
        Reason.QUOTA_OF_DAY,
        Reason.QUOTA_OF_LIFETIME,
        Reason.REGION_DARK,
        Reason.STOCK_BACKOFF,
    }
)
"""Guards that may stop a region for long. The others end by themselves, or show in an order that is told."""
_WAITS_FOR_GOOD_WEATHER = frozenset(
    {
        Reason.BALANCE_EXHAUSTED,
        Reason.BASELINE_UNREADABLE,
        Reason.CLUSTER_BUSY,
        Reason.FORBIDDEN,
        Reason.NEVER_SENT,
        Reason.POOL_BUSY,
        Reason.QUOTA_EXCEEDED,
        Reason.THROTTLED,
    }
)
"""A planned order that was tried, or could not be."""
_NOTHING_WENT_WRONG = frozenset({Reason.DECISION_WITHDRAWN, Reason.RESOLVED_NOT_BOUGHT, Reason.RESOLVED_BOUGHT})


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing to tell. `reason` is a stable code, `detail` says what and what to do, in words."""

    region: RegionId
    reason: Reason
    detail: str


def attention(decision: Decision | None, orders: Iterable[Order]) -> tuple[Attention, ...]:
    """Everything a human must be told about one region, each thing once.

    `decision` is the region's last one, `orders` are its open ones and at least the last one that was settled.
    """
    known = tuple(orders)
    found = [*_of_orders(known), *_of_failure(decision, known)]
    if decision is not None:
        found += [*_of_decision(decision), *_of_nodes(decision, known)]
    return tuple(dict.fromkeys(found))


def _of_orders(orders: Iterable[Order]) -> Iterator[Attention]:
    for order in orders:
        what = f"order {order.id} for {order.nodes} nodes is {order.state}: {order.detail or order.reason}"
        resolve = f"; autoscaler orders resolve {order.id} --as bought|not-bought --reason ..."
        if order.state is OrderState.IN_DOUBT:
            yield Attention(order.region, Reason.OUTCOME_UNKNOWN, what + resolve)
        elif order.state is OrderState.OVERDUE:
            yield Attention(order.region, Reason.PAST_DEADLINE, what + resolve)
        elif order.state is OrderState.ACCEPTED and order.reason is Reason.TASK_STALLED:
            yield Attention(order.region, Reason.TASK_STALLED, what)
        elif order.state is OrderState.PLANNED and order.reason in _WAITS_FOR_GOOD_WEATHER:
            yield Attention(order.region, order.reason, what)


def _of_failure(decision: Decision | None, orders: Sequence[Order]) -> Iterator[Attention]:
    """The last order failed, and there is still a need: what comes next is likely to fail as well."""
    settled = [order for order in orders if order.settled_at is not None]
    last = max(settled, key=lambda order: (order.settled_at or 0.0, order.id), default=None)
    if last is None or last.state not in {OrderState.FAILED, OrderState.ABANDONED}:
        return
    trying = any(order.state.unsettled for order in orders)
    if last.reason not in _NOTHING_WENT_WRONG and (trying or decision is None or _wants_more(decision)):
        what = f"order {last.id} for {last.nodes} nodes is {last.state}: {last.detail or last.reason}"
        yield Attention(last.region, last.reason, what)


def _of_decision(decision: Decision) -> Iterator[Attention]:
    for step in decision.steps:
        if step.reason is Reason.ALL_VOTES_ABSTAIN:
            yield Attention(decision.region, step.reason, step.message)
        stopped = step.after < step.before or step.reason is Reason.ABOVE_MAXIMUM
        if step.reason in _HELD and stopped and decision.delta == 0:
            yield Attention(decision.region, step.reason, step.message)


def _of_nodes(decision: Decision, orders: Sequence[Order]) -> Iterator[Attention]:
    """Nodes that are paid for and do not serve, while the region needs them and nothing is on its way."""
    capacity = decision.capacity
    if capacity is None or any(not order.state.final for order in orders) or decision.purchase is not None:
        return
    idle = len(capacity.unready) + len(capacity.failed)
    if idle and len(capacity.ready) < decision.desired:
        what = (
            f"{decision.desired} nodes are needed and {len(capacity.ready)} are ready: {idle} that are paid for are not"
        )
        yield Attention(decision.region, Reason.NODES_NOT_READY, what)


def _wants_more(decision: Decision) -> bool:
    return any(max(step.before, step.after) > decision.committed for step in decision.steps) or decision.delta > 0
