"""Comparing the books, and telling how far an order was when its daemon was killed. Pure.

The demand, the simulator's sales, the ledger's orders and their histories come in; differences and moments go out.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from autoscaler.model.names import RegionId
from autoscaler.model.order import BOUGHT, Order, OrderEvent, OrderState


class Sale(Protocol):
    """What the simulator writes down when it sells."""

    @property
    def region(self) -> str:
        """The ens_region_id."""
        ...

    @property
    def nodes(self) -> int:
        """How many were paid for."""
        ...

    @property
    def instances(self) -> Sequence[str]:
        """Their ids."""
        ...


class Moment(StrEnum):
    """Where a kill fell in the life of a region's order."""

    UNSENT = "before it was sent"
    SENT = "sent, before the sale"
    SOLD = "between sale and answer"
    RECORDED = "after the answer was recorded"


def differences(wanted: Mapping[RegionId, int], sales: Sequence[Sale], orders: Sequence[Order]) -> Sequence[str]:
    """What the three disagree about once all is quiet: the demand, the simulator's books and the ledger."""
    problems = [f"order {order.id} is still {order.state}" for order in orders if not order.state.final]
    for region, nodes in wanted.items():
        sold = sum(sale.nodes for sale in sales if sale.region == region)
        known = bought(region, orders)
        if not nodes == sold == known:
            problems.append(f"{region}: wanted {nodes}, sold {sold}, bought by the ledger {known}")
    paid = sorted(instance for sale in sales for instance in sale.instances)
    claimed = sorted(instance for order in orders for instance in order.instances)
    if paid != claimed:
        problems.append(f"instances sold and claimed differ: {sorted(set(paid) ^ set(claimed)) or 'claimed twice'}")
    return problems


def bought(region: RegionId, orders: Iterable[Order]) -> int:
    """Nodes of a region that the ledger says were bought."""
    return sum(order.nodes for order in orders if order.region == region and order.state in BOUGHT)


def moment(at: float, events: Iterable[OrderEvent], sales: Iterable[float]) -> Moment:
    """Where `at` lies, by the history of a region's orders since its demand rose and by the times of its sales.

    All times are Unix seconds.
    """
    so_far = sorted((event for event in events if event.at <= at), key=lambda event: event.at)
    if any(event.after in BOUGHT for event in so_far):
        return Moment.RECORDED
    if any(sale <= at for sale in sales):
        return Moment.SOLD
    sent = bool(so_far) and so_far[-1].after in {OrderState.SUBMITTING, OrderState.IN_DOUBT}
    return Moment.SENT if sent else Moment.UNSENT
