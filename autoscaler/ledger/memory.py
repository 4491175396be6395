"""The ledger kept in memory, with the semantics of the durable one: for tests, the simulator and dry runs.

It survives nothing but `close`, so a second daemon can be started on it, as on a file. It must not be used to buy.
"""

from collections.abc import Sequence

from autoscaler.ledger.rules import check_new, check_step, event_of
from autoscaler.model.errors import LedgerError, LedgerUnusable, UnknownOrder, UnsettledOrderExists
from autoscaler.model.names import OrderId
from autoscaler.model.order import Order, OrderEvent


class MemoryLedger:
    """An implementer of ports.Ledger. While `fault` holds a text, every method raises LedgerUnusable with it."""

    def __init__(self) -> None:
        self.fault: str | None = None
        self._orders: dict[OrderId, Order] = {}
        self._events: list[OrderEvent] = []

    async def add(self, order: Order) -> None:
        """See ports.Ledger. Raises LedgerError, too, for an order that is not new."""
        self._check_usable()
        check_new(order)
        if order.id in self._orders:
            raise LedgerError(f"order {order.id} is in the ledger already")
        self._check_only_unsettled(order)
        self._orders[order.id] = order
        self._events.append(event_of(None, order, order.created_at))

    async def replace(self, before: Order, after: Order, at: float) -> None:
        """See ports.Ledger. Raises LedgerError, too, for a step that changes what the order is for."""
        self._check_usable()
        check_step(self._stored(before.id), before, after)
        self._check_only_unsettled(after)
        self._orders[after.id] = after
        self._events.append(event_of(before.state, after, at))

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
        return [event for event in self._events if event.order == order]

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
        place = (order.operation.cluster, order.region)
        for other in self._orders.values():
            same_place = (other.operation.cluster, other.region) == place
            if order.state.unsettled and other.state.unsettled and same_place and other.id != order.id:
                raise UnsettledOrderExists(f"cluster {place[0]}, region {place[1]}: an order is unsettled already")
