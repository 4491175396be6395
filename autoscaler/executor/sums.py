"""What the ledger sums up: nodes bought, joins that failed, money charged, and whether the account can buy at all.

Orders and a human's releases come in, Tally, Charge and Stop values go out. Everything derives from the ledger, so a
restart changes no sum.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.decision import Charge, Stop, Tally
from autoscaler.model.names import Money, OrderId, RegionId
from autoscaler.model.operation import ScaleOutCluster
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit

MONTH = 30 * 86_400.0
"""Seconds of a paid month; the API's own may be a day longer."""
CHARGES_REACH_BACK = 33 * 86_400.0
"""Seconds: longer than a month and a day, whatever the time zone."""
_STOPPING = frozenset({Reason.FORBIDDEN, Reason.BALANCE_EXHAUSTED})
_BROUGHT_NODES = frozenset({OrderState.READY, OrderState.PARTIAL})


@dataclass(frozen=True, slots=True)
class _Line:
    """What the sums need of one order; an order in full would be too much for years of them."""

    region: RegionId
    for_region: RegionId | None
    settled_at: float | None
    state: OrderState
    bought: int
    paid_until: float


class Sums:
    """Kept up to date by the order book. `pruned` are the nodes bought by orders that the ledger no longer has."""

    def __init__(self) -> None:
        self._lines: dict[OrderId, _Line] = {}
        self._by_region: dict[RegionId, set[OrderId]] = {}
        self._charges: dict[OrderId, Charge] = {}
        self._pruned: Mapping[RegionId, int] = {}
        self._released: dict[str, float] = {}
        self._stop: Stop | None = None
        self._sold_at = 0.0

    def restore(self, pruned: Mapping[RegionId, int], acts: Iterable[Act]) -> None:
        """Take over what is not in any order."""
        self._pruned = pruned
        for act in acts:
            if act.kind is ActKind.RELEASE and act.done_at is not None:
                self.release(act.subject, act.done_at)

    def release(self, subject: str, at: float) -> None:
        """A human released a region, or EVERYWHERE: what failed before does not count any more."""
        self._released[subject] = max(at, self._released.get(subject, 0.0))
        if subject == EVERYWHERE and self._stop is not None and self._stop.at <= at:
            self._stop = None

    def newest(self, subject: str) -> float:
        """When the newest order of a region, or EVERYWHERE, was settled or the account was refused (Unix seconds)."""
        everywhere = subject == EVERYWHERE
        orders = self._lines if everywhere else self._by_region.get(RegionId(subject), ())
        settled = [self._lines[order].settled_at or 0.0 for order in orders]
        return max([*settled, self._stop.at if self._stop and everywhere else 0.0], default=0.0)

    def note(self, order: Order) -> None:
        """Take an order as it now is."""
        self._lines[order.id] = _Line(
            order.region, order.for_region, order.settled_at, order.state, order.bought, _paid_until(order)
        )
        self._charges.pop(order.id, None)
        if order.charged:
            self._charges[order.id] = Charge(order.region, order.created_at, order.charged)
        for region in {order.region, order.for_region or order.region}:
            self._by_region.setdefault(region, set()).add(order.id)
        self._note_stop(order)

    def tally(self, region: RegionId, now: float) -> Tally:
        """The sums of one region. Nodes elsewhere count as long as they are paid for."""
        lines = [self._lines[order] for order in self._by_region.get(region, ())]
        here = [line for line in lines if line.region == region]
        return Tally(
            bought=self._pruned.get(region, 0) + sum(line.bought for line in here),
            failed_joins=self._failed_joins(region, here),
            spilled=sum(
                line.bought for line in lines if line.for_region == region != line.region and now < line.paid_until
            ),
        )

    def charges(self, now: float) -> tuple[Charge, ...]:
        """What orders of the last month and more cost."""
        horizon = now - CHARGES_REACH_BACK
        for old in [order for order, charge in self._charges.items() if charge.at < horizon]:
            del self._charges[old]
        return tuple(self._charges.values())

    def spent(self, limit: SpendingLimit) -> Money:
        """What the orders that a limit covers cost so far."""
        charges = (charge for charge in self._charges.values() if charge.at >= limit.since)
        return Money(sum(charge.amount for charge in charges if limit.covers(charge.region)))

    def stop(self) -> Stop | None:
        """The refusal of the account that still stands."""
        return self._stop

    def _failed_joins(self, region: RegionId, lines: Iterable[_Line]) -> int:
        since = max(self._released.get(region, 0.0), self._released.get(EVERYWHERE, 0.0))
        settled = sorted(
            (line for line in lines if line.settled_at is not None and line.settled_at > since),
            key=lambda line: line.settled_at or 0.0,
            reverse=True,
        )
        failed = 0
        for line in settled:
            if line.state in _BROUGHT_NODES:
                break
            failed += line.bought
        return failed

    def _note_stop(self, order: Order) -> None:
        """The newest word of the API about the account counts: a refusal, or a sale."""
        if order.state is OrderState.FAILED and order.reason in _STOPPING and order.settled_at is not None:
            newest = max(self._sold_at, self._released.get(EVERYWHERE, 0.0), self._stop.at if self._stop else 0.0)
            if order.settled_at > newest:
                self._stop = Stop(order.reason, order.settled_at, order.detail)
        elif order.receipt is not None and order.submitted_at is not None:
            self._sold_at = max(self._sold_at, order.submitted_at)
            if self._stop is not None and self._stop.at < order.submitted_at:
                self._stop = None


def _paid_until(order: Order) -> float:
    """Unix seconds until which an order's nodes are there: renewed ones for ever, the others for their period."""
    operation = order.operation
    if isinstance(operation, ScaleOutCluster) and operation.worker_auto_renew:
        return math.inf
    return (order.submitted_at or order.created_at) + operation.worker_period * MONTH
