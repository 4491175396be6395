"""The executor: owns the order book, the purchase gate and the poll that turns orders into ready nodes."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from autoscaler.executor.book import OrderBook
from autoscaler.executor.limiter import LimitedReads, PurchaseGate
from autoscaler.executor.measured import MeasuredCloud
from autoscaler.executor.recover import Recoverer
from autoscaler.executor.submit import Submitter
from autoscaler.executor.survey import Memory, Survey, survey
from autoscaler.executor.track import Tracker
from autoscaler.model.capacity import Capacity
from autoscaler.model.errors import CloudError, LedgerError, LedgerUnusable
from autoscaler.model.events import CapacityRead, CapacityUnreadable
from autoscaler.model.names import ClusterId, OrderId, RegionId
from autoscaler.model.order import Order, OrderIntent, OrderState
from autoscaler.model.reason import Reason
from autoscaler.ports import Clock, Cloud, Ledger, Observer
from autoscaler.settings.sections import ExecutorSettings

Wake = Callable[[Iterable[RegionId]], None]
_FOLLOWED = frozenset({OrderState.ACCEPTED, OrderState.OVERDUE})
_POLLED = _FOLLOWED | {OrderState.IN_DOUBT}
_log = logging.getLogger(__name__)


class Executor:
    """Implements ports.OrderDesk. `clusters` says which ENS regions each cluster has nodes in."""

    def __init__(  # each is a port or a fact of the fleet; a bag of them would only hide that
        self,
        cloud: Cloud,
        ledger: Ledger,
        clock: Clock,
        observer: Observer,
        settings: ExecutorSettings,
        clusters: Mapping[ClusterId, Iterable[RegionId]],
        new_id: Callable[[], OrderId],
        wake: Wake,
    ) -> None:
        measured = MeasuredCloud(cloud, clock, observer)
        self._cloud = LimitedReads(measured, settings.reads.per_second, settings.reads.burst, clock, observer)
        self._clock = clock
        self._observer = observer
        self._settings = settings
        self._clusters = {cluster: tuple(sorted(regions)) for cluster, regions in clusters.items()}
        self._wake = wake
        self._gate = PurchaseGate(settings.purchases, clock, observer)
        self.book = OrderBook(ledger, clock, observer, new_id)
        self._submitter = Submitter(self._cloud, self.book, self._gate, clock, settings.decision_valid_for)
        self._tracker = Tracker(self._cloud, self.book, clock, settings.settle_after)
        self._recoverer = Recoverer(self._cloud, self.book, clock, settings.settle_after, settings.clock_skew)
        self._capacities: dict[RegionId, Capacity] = {}
        self._planned: asyncio.Queue[Order] = asyncio.Queue()
        self._sending: set[asyncio.Task[None]] = set()
        self._memory = Memory()

    def capacity(self, region: RegionId) -> Capacity | None:
        """The last reading of a region's nodes, however old; None before the first."""
        return self._capacities.get(region)

    def orders(self, region: RegionId) -> Sequence[Order]:
        """The region's open and recent orders."""
        return self.book.in_region(region)

    def open_orders(self) -> Sequence[Order]:
        """All orders that are not final."""
        return self.book.open()

    def readiness(self) -> Mapping[str, str | None]:
        """Each check with None when it is well, else why it is not."""
        unread = [region for regions in self._clusters.values() for region in regions if region not in self._capacities]
        missing = f"nodes of {len(unread)} regions not read yet, {unread[0]} among them" if unread else None
        return {"ledger": self.book.ledger_fault, "capacity": missing}

    async def place(self, intents: Iterable[OrderIntent]) -> None:
        """Make the intents durable and send them, each at its turn. An intent the ledger refuses is not an order.

        That is right for the next decision too: it sees the order that stands in the way, or the ledger's fault.
        """
        for intent in intents:
            deadline = self._clock.now() + self._settings.node_deadline
            try:
                self._planned.put_nowait(await self.book.add(intent, deadline))
            except LedgerUnusable:
                return  # the others would wait for the same fault; they are decided again
            except LedgerError as error:
                _log.warning("no order for %s: %s", intent.region, error)
                await self._adopt()

    async def _adopt(self) -> None:
        """Send what stands in the ledger without this process knowing: a write that was reported as failed."""
        try:
            for order in await self.book.take_up_unknown():
                self._planned.put_nowait(order)
        except LedgerError as error:
            _log.warning("the ledger's open orders can not be read: %s", error)

    async def start(self) -> None:
        """Take up what a former process left. Raises LedgerUnusable."""
        await self.book.load()
        await self._recoverer.take_up()
        for order in self.book.open():
            if order.state is OrderState.PLANNED:
                self._planned.put_nowait(order)

    async def run(self) -> None:
        """Send and poll until canceled. What is being sent then is finished by `drain`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send_planned(), name="executor: send")
            group.create_task(self._poll(), name="executor: poll")

    async def drain(self, seconds: float) -> None:
        """Let the calls that have left finish and be recorded, at most `seconds`.

        Orders that still wait for their turn stay PLANNED. A call without an answer by then stays SUBMITTING in the
        ledger, and is settled by evidence after the next start.
        """
        flying = {order.id for order in self.book.open() if order.state is OrderState.SUBMITTING}
        for task in self._sending:
            if task.get_name() not in flying:
                task.cancel()
        if self._sending:
            await asyncio.wait(self._sending, timeout=seconds)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _send_planned(self) -> None:
        """Each order is sent by a task of its own, outside the group: stopping must not cut a call that has left."""
        while True:
            order = await self._planned.get()
            task = asyncio.create_task(self._submit(order), name=order.id)
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _submit(self, order: Order) -> None:
        try:
            await self._submitter.submit(order)
        except LedgerError as error:
            _log.warning("order %s waits for the ledger: %s", order.id, error)
            await self._again(order)
        except Exception:  # noqa: BLE001  # one order's fault stays with that order
            _log.exception("order %s met a fault of this program while it was being sent", order.id)
            await self._again(order)
        self._wake((order.region,))

    async def _again(self, order: Order) -> None:
        """After a fault: what was not sent is sent later, what may have been sent is in doubt."""
        await self._clock.sleep(self._settings.poll_interval)
        stored = self.book.current(order.id)
        if stored.state is OrderState.SUBMITTING:
            await self.book.record(stored, OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN, "a fault while it was sent")
        elif stored.state is OrderState.PLANNED:
            self._planned.put_nowait(stored)

    async def _poll(self) -> None:
        while True:
            results = await asyncio.gather(*(self._poll_cluster(cluster) for cluster in self._clusters_to_read()))
            self._wake(region for regions in results for region in regions)
            await self._clock.sleep(self._settings.poll_interval)

    def _clusters_to_read(self) -> frozenset[ClusterId]:
        """The configured clusters, and those of open orders: an order outlives its line in the fleet."""
        return frozenset(self._clusters) | {order.operation.cluster for order in self.book.open()}

    async def _poll_cluster(self, cluster: ClusterId) -> tuple[RegionId, ...]:
        # Chosen before the reading begins: it must be later than the call of every order that it is held against.
        mine = [o for o in self.book.open() if o.operation.cluster == cluster and o.state in _POLLED]
        regions = tuple(sorted({*self._clusters.get(cluster, ()), *(order.region for order in mine)}))
        self._memory.bought = self.book.bought
        try:
            seen = await survey(self._cloud, cluster, regions, self._clock, self._memory)
        except CloudError as error:
            self._observer.notice(CapacityUnreadable(f"cluster {cluster}: {error}"))
            return ()
        self._capacities.update(seen.capacities)
        self._observer.notice(CapacityRead(tuple(seen.capacities.values()), seen.at))
        await asyncio.gather(*(self._advance(order, seen) for order in mine))
        return regions

    async def _advance(self, order: Order, seen: Survey) -> None:
        """Move one order on by what was seen; its trouble stays its own."""
        try:
            if order.state in _FOLLOWED:
                await self._tracker.follow(order, seen)
            elif order.state is OrderState.IN_DOUBT:
                settled = await self._recoverer.settle(order, seen)
                if settled.state is OrderState.PLANNED:
                    self._planned.put_nowait(settled)
        except LedgerError as error:
            _log.warning("order %s can not be moved on: %s", order.id, error)
        except Exception:  # noqa: BLE001  # as above
            _log.exception("order %s met a fault of this program while it was followed", order.id)
