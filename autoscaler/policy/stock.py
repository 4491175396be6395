"""Stock: which of a region's offers can be bought now.

Offers and the region's orders come in, a Pick goes out. That an instance type is out of stock is known from the orders
that were turned down for it, so that a restart forgets none of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from autoscaler.model.names import OrderId
from autoscaler.model.operation import Offer
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.timers import settled


@dataclass(frozen=True, slots=True)
class StockOut:
    """An instance type that could not be sold to `order`. It is not ordered before `until` (Unix seconds).

    Only the `left` nodes that the region said it still has may be ordered earlier.
    """

    instance_type: str
    order: OrderId
    until: float
    left: int


@dataclass(frozen=True, slots=True)
class Pick:
    """The offer to buy by; None when there is none. `most` nodes may be bought by it, None sets no limit.

    `passed_over` are the preferred types that are out of stock.
    """

    offer: Offer | None = None
    most: int | None = None
    passed_over: tuple[StockOut, ...] = ()


def pick(offers: Iterable[Offer], orders: Iterable[Order], backoff: float, now: float) -> Pick:
    """The first offer whose type may be ordered. `backoff` is seconds, `now` Unix seconds."""
    outs = stock_outs(tuple(orders), backoff, now)
    passed_over: list[StockOut] = []
    for offer in offers:
        out = outs.get(offer.operation.worker_instance_type)
        if out is None or out.left > 0:
            return Pick(offer, out.left if out else None, tuple(passed_over))
        passed_over.append(out)
    return Pick(None, None, tuple(dict.fromkeys(passed_over)))


def turned_down(order: Order) -> bool:
    """Whether the order ended because the region had no such instances, or not as many."""
    return order.state in {OrderState.FAILED, OrderState.PARTIAL} and order.reason is Reason.OUT_OF_STOCK


def stock_outs(orders: Iterable[Order], backoff: float, now: float) -> dict[str, StockOut]:
    """The stock-outs that still stand, by instance type: the newest of each."""
    known = tuple(orders)
    outs: dict[str, StockOut] = {}
    for order in sorted(
        filter(turned_down, settled(known, now)), key=lambda order: (order.settled_at or 0.0, order.id)
    ):
        kind, since = order.operation.worker_instance_type, order.settled_at or 0.0
        if now < since + backoff:
            outs[kind] = StockOut(kind, order.id, since + backoff, _left(order, known, since))
    return outs


def _left(out: Order, orders: Iterable[Order], since: float) -> int:
    kind = out.operation.worker_instance_type
    later = (o for o in orders if o.operation.worker_instance_type == kind and o.created_at >= since)
    return max(0, (out.in_stock or 0) - sum(order.bought for order in later))
