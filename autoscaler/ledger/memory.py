"""The ledger kept in memory, with the semantics of the durable one: for tests, the simulator and dry runs.

It survives nothing but `close`, so a second daemon can be started on it, as on a file. It must not be used to buy.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from autoscaler.ledger.rules import (
    check_alone,
    check_filed,
    check_limit,
    check_new,
    check_step,
    closed_act,
    event_of,
)
from autoscaler.model.act import Act
from autoscaler.model.errors import LedgerError, LedgerUnusable, UnknownOrder
from autoscaler.model.names import InstanceId, OrderId, RegionId
from autoscaler.model.order import Order, OrderEvent
from autoscaler.model.spending import SpendingLimit


class MemoryLedger:
    """An implementer of ports.Ledger. While `fault` holds a text, every method raises LedgerUnusable with it."""

    def __init__(self) -> None:
        self.fault: str | None = None
        self._orders: dict[OrderId, Order] = {}
        self._events: dict[OrderId, list[OrderEvent]] = {}
        self._unsettled: dict[tuple[str, RegionId], OrderId] = {}
        self._acts: list[Act] = []
        self._pruned: Counter[RegionId] = Counter()
        self._nodes: dict[InstanceId, RegionId] = {}

    async def add(self, order: Order, limits: Sequence[SpendingLimit] = ()) -> None:
        """See ports.Ledger. Raises LedgerError, too, for an order that is not new."""
        self._check_usable()
        check_new(order)
        if order.id in self._orders:
            raise LedgerError(f"order {order.id} is in the ledger already")
        self._check_only_unsettled(order)
        for limit in limits:
            if limit.covers(order.region):
                check_limit(limit, self._spent(limit), order)
        self._keep(order, event_of(None, order, order.created_at))

    async def replace(self, before: Order, after: Order, at: float) -> None:
        """See ports.Ledger. Raises LedgerError, too, for a step that changes what the order is for."""
        self._check_usable()
        check_step(self._stored(before.id), before, after)
        self._check_only_unsettled(after)
        self._keep(after, event_of(before.state, after, at))

    async def get(self, order: OrderId) -> Order:
        """Raises UnknownOrder."""
        self._check_usable()
        return self._stored(order)

    async def open(self) -> Sequence[Order]:
        """Every order that is not final, oldest first; equal ages by id."""
        self._check_usable()
        return sorted((o for o in self._orders.values() if not o.state.final), key=lambda o: (o.created_at, o.id))

    async def settled_since(self, since: float) -> Sequence[Order]:
        """Final orders whose `settled_at` >= since (Unix seconds), the longest settled first; equal ages by id."""
        self._check_usable()
        settled = [(o.settled_at, o.id, o) for o in self._orders.values() if o.settled_at is not None]
        return [order for at, _, order in sorted(settled, key=lambda row: row[:2]) if at >= since]

    async def all(self, limit: int) -> Sequence[Order]:
        """The newest `limit` orders, newest first; none for a limit below 1."""
        self._check_usable()
        return sorted(self._orders.values(), key=lambda o: (o.created_at, o.id), reverse=True)[: max(0, limit)]

    async def history(self, order: OrderId) -> Sequence[OrderEvent]:
        """Every step of an order, oldest first, its making included; empty for an unknown order."""
        self._check_usable()
        return list(self._events.get(order, ()))

    async def file(self, act: Act) -> Act:
        """See ports.Ledger. Raises LedgerError for an act that is not new."""
        self._check_usable()
        check_filed(act)
        filed = replace(act, id=len(self._acts) + 1)
        self._acts.append(filed)
        return filed

    async def acts(self) -> Sequence[Act]:
        """Every act, oldest first."""
        self._check_usable()
        return list(self._acts)

    async def close_act(self, act: int, at: float, outcome: str) -> Act:
        """See ports.Ledger."""
        self._check_usable()
        if not 1 <= act <= len(self._acts):
            raise LedgerError(f"no act {act} in the ledger")
        closed = closed_act(self._acts[act - 1], at, outcome)
        self._acts[act - 1] = closed
        return closed

    async def prune(self, before: float) -> int:
        """See ports.Ledger."""
        self._check_usable()
        settled = [o for o in self._orders.values() if o.settled_at is not None and o.for_region is None]
        old = [o for o in settled if (o.settled_at or 0.0) < before]
        for order in old:
            self._pruned[order.region] += order.bought
            del self._orders[order.id], self._events[order.id]
        return len(old)

    async def totals(self) -> Mapping[RegionId, int]:
        """See ports.Ledger. Holds only regions in which something was bought."""
        self._check_usable()
        return dict(+self._pruned)

    async def remember(self, nodes: Mapping[InstanceId, RegionId], at: float) -> None:  # noqa: ARG002  # `at` is for whoever reads the file
        """See ports.Ledger."""
        self._check_usable()
        self._nodes = {**nodes, **self._nodes}

    async def remembered(self) -> Mapping[InstanceId, RegionId]:
        """See ports.Ledger."""
        self._check_usable()
        return dict(self._nodes)

    async def close(self) -> None:
        """Nothing to flush; what is held stays readable."""

    def _check_usable(self) -> None:
        if self.fault is not None:
            raise LedgerUnusable(self.fault)

    def _stored(self, order: OrderId) -> Order:
        try:
            return self._orders[order]
        except KeyError:
            raise UnknownOrder(f"no order {order} in the ledger") from None

    def _check_only_unsettled(self, order: Order) -> None:
        other = self._unsettled.get((order.cluster, order.region))
        if order.state.unsettled and other is not None and other != order.id:
            check_alone(order, self._orders[other])

    def _spent(self, limit: SpendingLimit) -> int:
        orders = self._orders.values()
        return sum(o.charged for o in orders if o.created_at >= limit.since and limit.covers(o.region))

    def _keep(self, order: Order, event: OrderEvent) -> None:
        self._orders[order.id] = order
        self._events.setdefault(order.id, []).append(event)
        place = (order.cluster, order.region)
        if order.state.unsettled:
            self._unsettled[place] = order.id
        elif self._unsettled.get(place) == order.id:
            del self._unsettled[place]
