"""What the ledger sums up: nodes bought, joins that failed, money charged, and whether the account can buy at all.

Orders and a human's releases come in, Tally, Charge and Stop values go out. Everything derives from the ledger, so a
restart changes no sum.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.decision import Charge, Stop, Tally
from autoscaler.model.names import InstanceId, Money, OrderId, RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from autoscaler.policy.committed import SHOWN_AFTER, sold_nothing
from autoscaler.policy.language import DAY

CHARGES_REACH_BACK = 33 * 86_400.0
"""Seconds: longer than a month and a day, whatever the time zone."""
_STOPPING = frozenset({Reason.FORBIDDEN, Reason.BALANCE_EXHAUSTED})


@dataclass(frozen=True, slots=True)
class _Line:
    """What the sums need of one order; an order in full would be too much for years of them."""

    region: RegionId
    for_region: RegionId | None
    created_at: float
    settled_at: float | None
    state: OrderState
    bought: int
    failed_joins: int
    in_vain: bool
    elsewhere: frozenset[InstanceId]
    outstanding: int


class Sums:
    """Kept up to date by the order book. `pruned` are the nodes bought by orders that the ledger no longer has."""

    def __init__(self) -> None:
        self._lines: dict[OrderId, _Line] = {}
        self._by_region: dict[RegionId, set[OrderId]] = {}
        self._added_up: dict[RegionId, tuple[Tally, Sequence[_Line]]] = {}
        self._charges: dict[OrderId, Charge] = {}
        self._oldest_charge = math.inf
        self._pruned: Mapping[RegionId, int] = {}
        self._released: dict[str, float] = {}
        self._stop: Stop | None = None
        self._sold_at = 0.0

    def restore(self, pruned: Mapping[RegionId, int], acts: Iterable[Act]) -> None:
        """Take over what is not in any order."""
        self._pruned = pruned
        self._added_up.clear()
        for act in acts:
            if act.kind is ActKind.RELEASE and act.done_at is not None:
                self.release(act.subject, act.done_at)

    def release(self, subject: str, at: float) -> None:
        """A human released a region, or EVERYWHERE: what failed before does not count any more."""
        self._released[subject] = max(at, self._released.get(subject, 0.0))
        self._added_up.clear()
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
            order.region,
            order.for_region,
            order.created_at,
            order.settled_at,
            order.state,
            order.bought,
            order.failed_joins,
            order.state is OrderState.FAILED and order.receipt is not None and not sold_nothing(order),
            order.instances if order.for_region else frozenset(),
            0 if order.state.final else order.nodes,
        )
        self._charges.pop(order.id, None)
        if order.charged:
            self._charges[order.id] = Charge(order.region, order.created_at, order.charged)
            self._oldest_charge = min(self._oldest_charge, order.created_at)
        for region in {order.region, order.for_region or order.region}:
            self._by_region.setdefault(region, set()).add(order.id)
            self._added_up.pop(region, None)
        self._note_stop(order)

    def tally(self, region: RegionId, now: float, serving: Callable[[RegionId], frozenset[InstanceId] | None]) -> Tally:
        """The sums of one region. `serving` gives a region's nodes that have not failed, None while it is unread."""
        if region not in self._added_up:
            self._added_up[region] = self._add_up(region)
        own, for_it = self._added_up[region]
        if not for_it:
            return own
        return replace(
            own,
            spilled=sum(_serves(line, now, serving(line.region)) for line in for_it),
            spilled_today=sum(line.bought for line in for_it if now - DAY < line.created_at),
        )

    def charges(self, now: float) -> tuple[Charge, ...]:
        """What orders of the last month and more cost."""
        horizon = now - CHARGES_REACH_BACK
        if self._oldest_charge < horizon:
            for old in [order for order, charge in self._charges.items() if charge.at < horizon]:
                del self._charges[old]
            self._oldest_charge = min((charge.at for charge in self._charges.values()), default=math.inf)
        return tuple(self._charges.values())

    def spent(self, limit: SpendingLimit) -> Money:
        """What the orders that a limit covers cost so far."""
        charges = (charge for charge in self._charges.values() if charge.at >= limit.since)
        return Money(sum(charge.amount for charge in charges if limit.covers(charge.region)))

    def stop(self) -> Stop | None:
        """The refusal of the account that still stands."""
        return self._stop

    def _add_up(self, region: RegionId) -> tuple[Tally, Sequence[_Line]]:
        """What no clock and no reading changes: the sums of the region's own orders; and those for it elsewhere."""
        lines = [self._lines[order] for order in self._by_region.get(region, ())]
        here = [line for line in lines if line.region == region]
        row = self._since_success(region, here)
        own = Tally(
            bought=self._pruned.get(region, 0) + sum(line.bought for line in here),
            failed_joins=sum(line.failed_joins for line in row),
            in_vain=sum(line.in_vain for line in row),
        )
        return own, [line for line in lines if line.region != region]

    def _since_success(self, region: RegionId, lines: Iterable[_Line]) -> Sequence[_Line]:
        """What was settled since the last order that became ready, and since the last release."""
        since = max(self._released.get(region, 0.0), self._released.get(EVERYWHERE, 0.0))
        settled = [line for line in lines if line.settled_at is not None and line.settled_at > since]
        ready_at = max((line.settled_at or 0.0 for line in settled if line.state is OrderState.READY), default=0.0)
        return [line for line in settled if (line.settled_at or 0.0) > ready_at]

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


def _serves(line: _Line, now: float, nodes: frozenset[InstanceId] | None) -> int:
    """Nodes of an order for another region that are there, on their way, or may be: no reading says otherwise."""
    if line.outstanding or nodes is None:
        return max(line.outstanding, line.bought)
    if line.settled_at is not None and now - line.settled_at < SHOWN_AFTER:
        return line.bought
    return len(line.elsewhere & nodes)
