"""The executor's order book: the open and the recently settled orders, in memory what the ledger holds on disk.

Every change goes to the ledger first and becomes visible here only when it is durable.
"""

from collections.abc import Callable, Iterable, Sequence

from autoscaler.executor.sums import Sums
from autoscaler.model.errors import LedgerUnusable, StaleOrder
from autoscaler.model.events import LedgerFailed, LedgerMended, OrderChanged
from autoscaler.model.names import InstanceId, OrderId, RegionId, TaskId
from autoscaler.model.order import Order, OrderIntent, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from autoscaler.ports import Clock, Ledger, Observer

REMEMBERED = 3 * 86_400.0
"""Seconds for which settled orders stay in memory: longer than any cooldown, backoff or window of a policy (2 days)."""
_LEDGER_RETRY = 1.0


class OrderBook:
    """Open and recent orders. One writer: the executor that owns it.

    `may_hold_unknown`: a new order was refused by the ledger, and nobody has looked since whether it is there.
    """

    def __init__(self, ledger: Ledger, clock: Clock, observer: Observer, new_id: Callable[[], OrderId]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._observer = observer
        self._new_id = new_id
        self._orders: dict[OrderId, Order] = {}
        self._regions: dict[RegionId, dict[OrderId, Order]] = {}
        self._buyers: dict[InstanceId, OrderId] = {}
        self._first_seen: dict[OrderId, float] = {}
        self.bought: set[InstanceId] = set()
        self.newest_settled = 0.0
        self.sums = Sums()
        self.ledger_fault: str | None = None
        self.may_hold_unknown = False
        self._being_added: set[OrderId] = set()

    async def load(self) -> None:
        """Take up what a former process left. Raises LedgerUnusable."""
        horizon = self._clock.now() - REMEMBERED
        self.sums.restore(await self._ledger.totals(), await self._ledger.acts())
        for order in (*await self._ledger.settled_since(0.0), *await self._ledger.open()):
            self._note(order)
            if not order.state.final or (order.settled_at or 0.0) >= horizon:
                self._keep(order)

    def all(self) -> Sequence[Order]:
        """Open and recent orders, oldest first."""
        return tuple(self._orders.values())

    def open(self) -> Sequence[Order]:
        """Orders that are not final."""
        return tuple(order for order in self._orders.values() if not order.state.final)

    def in_region(self, region: RegionId) -> Sequence[Order]:
        """Open and recent orders of one region."""
        return tuple(self._regions.get(region, {}).values())

    def current(self, order: OrderId) -> Order:
        """The newest version of an order."""
        return self._orders[order]

    def claimed_tasks(self) -> frozenset[TaskId]:
        """Tasks that some order is known to have made."""
        return frozenset(o.receipt.task for o in self._orders.values() if o.receipt and o.receipt.task)

    def unclaimed(self, instances: Iterable[InstanceId], by: OrderId) -> frozenset[InstanceId]:
        """Those of the instances that no order but `by` is known to have bought."""
        return frozenset(one for one in instances if self._buyers.get(one, by) == by)

    def age(self, order: Order) -> float:
        """Seconds since an order was decided, by the clock that says more: the wall clock may have been set back."""
        seen = self._clock.monotonic() - self._first_seen.get(order.id, self._clock.monotonic())
        return max(self._clock.now() - order.created_at, seen)

    async def add(self, intent: OrderIntent, deadline: float, limits: Sequence[SpendingLimit] = ()) -> Order:
        """A new PLANNED order, durable when this returns. Raises LedgerError; then there is no order."""
        order = Order(
            self._new_id(),
            intent.tick,
            intent.region,
            intent.operation,
            intent.nodes,
            self._clock.now() if intent.at is None else intent.at,
            deadline,
            desired=intent.desired,
            cost=intent.cost,
            for_region=intent.for_region,
        )
        self._being_added.add(order.id)
        try:
            await self._ledger.add(order, limits)
        except LedgerUnusable as error:
            self.may_hold_unknown = True
            self.refused(error)
            raise
        finally:
            self._being_added.discard(order.id)
        self._written(order, None)
        return order

    async def take_up_unknown(self) -> Sequence[Order]:
        """Open orders of the ledger that are not in the book: their write was reported as failed and is on disk.

        They are in the book afterwards. Raises LedgerUnusable.
        """
        self.may_hold_unknown = False  # before the reading: a write that fails meanwhile must be looked for again
        try:
            stored = await self._ledger.open()
        except LedgerUnusable:
            self.may_hold_unknown = True
            raise
        # One that is just being added is on disk a moment before it is in the book: nobody reported it as failed.
        unknown = [one for one in stored if one.id not in self._orders and one.id not in self._being_added]
        for order in unknown:
            self._written(order, None)
        return unknown

    def take(self, stored: Order) -> None:
        """Take over what the ledger holds, where the book is behind: a write that was reported as failed is on disk."""
        known = self._orders.get(stored.id)
        if known is None or known.version < stored.version:
            self._written(stored, known.state if known else None)

    async def move(self, order: Order, to: OrderState, reason: Reason, detail: str = "", **changes: object) -> Order:
        """Move an order on; durable when this returns. Raises LedgerError; then nothing has changed."""
        now = self._clock.now()
        after = order.moved(to, reason, now, detail, **changes)
        try:
            await self._ledger.replace(order, after, now)
        except LedgerUnusable as error:
            self.refused(error)
            raise
        except StaleOrder:
            self.take(await self._ledger.get(order.id))
            raise
        self._written(after, order.state)
        return after

    async def record(self, order: Order, to: OrderState, reason: Reason, detail: str = "", **changes: object) -> Order:
        """Like `move`, for what has already happened: the API's answer must be kept, so a full disk is waited out."""
        refused = False
        while True:
            try:
                return await self.move(order, to, reason, detail, **changes)
            except LedgerUnusable:
                refused = True
                await self._clock.sleep(_LEDGER_RETRY)
            except StaleOrder:
                stored = self.current(order.id)
                # A write that was reported as failed may be on disk all the same; then it is this very step.
                if not refused or (stored.state, stored.version) != (to, order.version + 1):
                    raise
                return stored

    def _note(self, order: Order) -> None:
        """Add an order up, for as long as this process lives."""
        self.sums.note(order)
        self._buyers.update(dict.fromkeys(order.instances, order.id))
        if order.state.final:
            self.bought |= order.instances
            self.newest_settled = max(self.newest_settled, order.settled_at or 0.0)

    def _keep(self, order: Order) -> None:
        self._first_seen.setdefault(order.id, self._clock.monotonic())
        self._orders[order.id] = order
        self._regions.setdefault(order.region, {})[order.id] = order

    def usable(self) -> None:
        """The ledger took a write."""
        if self.ledger_fault is not None:
            self.ledger_fault = None
            self._observer.notice(LedgerMended())

    def _written(self, order: Order, before: OrderState | None) -> None:
        self.usable()
        self._keep(order)
        self._note(order)
        if order.state.final:
            self._forget_old(order.region)
        self._observer.notice(OrderChanged(order, before))

    def refused(self, error: LedgerUnusable) -> None:
        """The ledger refused a write: nothing is ready until it takes one again."""
        self.ledger_fault = str(error)
        self._observer.notice(LedgerFailed(str(error)))

    def _forget_old(self, region: RegionId) -> None:
        horizon = self._clock.now() - REMEMBERED
        of_region = self._regions.get(region, {})
        for order in [o for o in of_region.values() if o.settled_at is not None and o.settled_at < horizon]:
            del self._orders[order.id], of_region[order.id], self._first_seen[order.id]
