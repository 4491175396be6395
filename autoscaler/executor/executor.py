"""The executor: owns the order book, the purchase gate and the poll that turns orders into ready nodes."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence

from autoscaler.executor.book import OrderBook
from autoscaler.executor.dispatch import Dispatcher
from autoscaler.executor.intake import Intake, Limits
from autoscaler.executor.limiter import LimitedReads, PurchaseGate
from autoscaler.executor.measured import MeasuredCloud
from autoscaler.executor.poll import Poller
from autoscaler.executor.prices import Prices
from autoscaler.executor.recover import Recoverer
from autoscaler.executor.submit import Submitter
from autoscaler.executor.track import Tracker
from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import FleetFacts, Tally
from autoscaler.model.names import ClusterId, InstanceId, OrderId, RegionId
from autoscaler.model.order import Order, OrderIntent, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.committed import nodes_there
from autoscaler.ports import Clock, Cloud, Ledger, Observer
from autoscaler.settings.sections import ExecutorSettings

Wake = Callable[[Iterable[RegionId]], None]


class Executor:
    """Implements ports.OrderDesk. `clusters` says which ENS regions each cluster has nodes in.

    `limits` gives what an order of a region may not exceed at a moment; `dice` decides the pauses between tries;
    `retention` is seconds for which settled orders are kept.
    """

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
        *,
        limits: Limits,
        dice: random.Random,
        retention: float,
    ) -> None:
        measured = MeasuredCloud(cloud, clock, observer)
        share = settings.reads.purchase_share
        polls = LimitedReads(measured, settings.reads, 1.0 - share, clock, observer)
        purchases = LimitedReads(measured, settings.reads, share, clock, observer)
        gate = PurchaseGate(settings.purchases, clock, observer)
        self._gate = gate
        self._clock = clock
        self.book = OrderBook(ledger, clock, observer, new_id)
        submitter = Submitter(purchases, self.book, gate, clock, settings)
        self._dispatcher = Dispatcher(submitter, self.book, gate, clock, wake, settings.backoff, dice)
        prices = Prices(purchases, clock, wake) if settings.price_from == "api" else None
        self._intake = Intake(self.book, clock, observer, settings, limits, prices, self._dispatcher.put)
        self._recoverer = Recoverer(polls, self.book, clock, settings.settle_after, settings.clock_skew)
        self._poller = Poller(
            polls,
            ledger,
            self.book,
            clock,
            observer,
            clusters,
            wake,
            tracker=Tracker(self.book, clock, settings.settle_after),
            recoverer=self._recoverer,
            send=self._dispatcher.put,
            drop_withdrawn=self._dispatcher.drop_withdrawn,
            withdraw_unknown=self._intake.withdraw_unknown,
            must_withdraw=lambda: self._intake.must_withdraw,
            settings=settings,
            retention=retention,
        )

    def capacity(self, region: RegionId) -> Capacity | None:
        """The last reading of a region's nodes, however old; None before the first."""
        return self._poller.capacities.get(region)

    def orders(self, region: RegionId) -> Sequence[Order]:
        """The region's open and recent orders."""
        return self.book.in_region(region)

    def tally(self, region: RegionId) -> Tally:
        """What the ledger sums up over the region's whole life."""
        return self.book.sums.tally(region, self._clock.now(), self._serving)

    def _serving(self, region: RegionId) -> frozenset[InstanceId] | None:
        capacity = self.capacity(region)
        return None if capacity is None else capacity.instances - capacity.failed

    def fleet(self) -> FleetFacts:
        """The fleet as a whole."""
        read = self._poller.capacities.values()
        return FleetFacts(
            nodes=sum(nodes_there(capacity) for capacity in read),
            unready=sum(len(capacity.unready) for capacity in read),
            stop=self.book.sums.stop(),
            charges=self.book.sums.charges(self._clock.now()),
        )

    def open_orders(self) -> Sequence[Order]:
        """All orders that are not final."""
        return self.book.open()

    def readiness(self) -> Mapping[str, str | None]:
        """Each check with None when it is well, else why it is not."""
        unread = self._poller.unread()
        missing = f"nodes of {len(unread)} regions not read yet, {unread[0]} among them" if unread else None
        return {"ledger": self.book.ledger_fault, "capacity": missing}

    async def place(self, intents: Iterable[OrderIntent]) -> None:
        """Make the intents durable and send them, each at its turn. An intent the ledger refuses is not an order."""
        await self._intake.place(intents)

    async def start(self) -> None:
        """Take up what a former process left. Raises LedgerUnusable.

        What was being sent is in doubt now. What was not sent is withdrawn: the regions are decided afresh, by the
        policies and the fleet as they are today.
        """
        await self.book.load()
        self._gate.restore(self.book.all())
        await self._poller.start()
        await self._recoverer.take_up()
        for order in self.book.open():
            if order.state is OrderState.PLANNED:
                detail = "left unsent by a former process; the region is decided afresh"
                await self.book.move(order, OrderState.FAILED, Reason.DECISION_WITHDRAWN, detail)

    async def run(self) -> None:
        """Send and poll until canceled. What is being sent then is finished by `drain`."""
        await self._dispatcher.run_with(self._poller.run())

    async def drain(self, seconds: float) -> None:
        """Let the calls that have left finish and be recorded, at most `seconds`.

        Orders that still wait for their turn stay PLANNED. A call without an answer by then stays SUBMITTING in the
        ledger, and is settled by evidence after the next start.
        """
        await self._intake.close()
        await self._dispatcher.drain(seconds)
