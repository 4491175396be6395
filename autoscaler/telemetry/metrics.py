"""Events into metrics.

Events come in (`ports.Observer`), the series of one registry change. Nothing here is global: two observers with two
registries know nothing of each other. It must not look anything up: an event says all that a series needs.
"""

from collections.abc import Collection, Iterable

from prometheus_client import CollectorRegistry

from autoscaler.model.decision import Plan
from autoscaler.model.events import (
    ActDone,
    CapacityRead,
    CapacityUnreadable,
    CloudCalled,
    Event,
    LedgerFailed,
    LedgerMended,
    LimiterWaited,
    OrderChanged,
    OrderRefused,
    PlanMade,
    SourceFailed,
    WaveArrived,
)
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order
from autoscaler.telemetry.decisions import DecisionSeries
from autoscaler.telemetry.exposition import Exposition
from autoscaler.telemetry.families import Families
from autoscaler.telemetry.human import HumanSeries
from autoscaler.telemetry.instruments import (
    CloudInstruments,
    DecisionFamilies,
    DecisionInstruments,
    HumanInstruments,
    LoopInstruments,
    OrderFamilies,
    OrderInstruments,
    SourceInstruments,
    build_info,
)
from autoscaler.telemetry.orders import OrderSeries
from autoscaler.telemetry.sources import SourceSeries


class MetricsObserver:
    """An Observer that keeps the series of `registry`; `version` is the program's.

    `page` makes the same page as the registry does, for a small part of the CPU and without holding the event loop.
    Who counts something else registers it with `scarce`: few series, whatever the size of the fleet.
    """

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self.scarce = scarce = CollectorRegistry()
        families = Families()
        build_info(scarce, version)
        self._cloud = CloudInstruments(scarce)
        self._sources = SourceSeries(SourceInstruments(scarce))
        self._orders = OrderSeries(OrderInstruments(scarce), OrderFamilies(families))
        self._human = HumanSeries(HumanInstruments(scarce, families))
        self._decisions = DecisionSeries(DecisionInstruments(scarce), DecisionFamilies(families))
        self.loop = LoopInstruments(scarce)
        self.page = Exposition(scarce, families, (self._decisions, self._human, self._orders))
        registry.register(self.page)

    def notice(self, event: Event) -> None:
        """Change the series that this event is about."""
        match event:
            case WaveArrived(wave):
                self._sources.wave(wave)
            case SourceFailed(source):
                self._sources.failed(source)
            case CapacityRead(at=at):
                self._cloud.capacity_read_at.set(at)
            case CapacityUnreadable():
                self._cloud.capacity_failures.inc()
            case PlanMade(plan, took):
                self._plan(plan, took)
            case OrderChanged() | OrderRefused() | ActDone() | LedgerFailed() | LedgerMended():
                self._ordered(event)
            case CloudCalled(action, outcome, took):
                self._cloud.requests.labels(action, outcome).inc()
                self._cloud.duration.labels(action).observe(took)
            case LimiterWaited(action, waited):
                self._cloud.limiter_wait.labels(action).observe(waited)

    def restore(self, orders: Iterable[Order]) -> None:
        """Take the orders of the ledger as the present ones: at start, and when leadership is taken over.

        They count as open, not as transitions: this process did not see them happen. Of the settled ones the last of
        each region is of use, to tell whether the region needs a human; without them that is told later.
        """
        present = tuple(orders)
        self._orders.restore(present)
        self._human.restore(present)

    def keep(self, regions: Collection[RegionId]) -> None:
        """Remove the gauges of all other regions: after a reload a region without a policy has no last decision.

        What was bought there stays counted: that money was spent.
        """
        self._decisions.keep(regions)
        self._human.keep(regions)

    def _ordered(self, event: OrderChanged | OrderRefused | ActDone | LedgerFailed | LedgerMended) -> None:
        match event:
            case OrderChanged(order, before):
                self._orders.changed(order, before)
                self._human.order_changed(order)
            case OrderRefused(region, reason):
                self._orders.refused(event)
                self._human.order_refused(region, reason)
            case ActDone(act):
                self._orders.ledger_written()
                self._human.act_done(act)
            case LedgerFailed():
                self._orders.ledger_failed()
            case LedgerMended():
                self._orders.ledger_written()

    def _plan(self, plan: Plan, took: float) -> None:
        self._decisions.decided(plan, took)
        for decision in plan.decisions:
            self._orders.expect(decision.region)
            self._human.decided(decision)
