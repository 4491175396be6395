"""Events into metrics.

Events come in (`ports.Observer`), the series of one registry change. Nothing here is global: two observers with two
registries know nothing of each other. It must not look anything up: an event says all that a series needs.
"""

from collections.abc import Collection, Iterable

from prometheus_client import CollectorRegistry, Gauge

from autoscaler.model.decision import Decision, Plan
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
from autoscaler.model.signals import Signal, Wave
from autoscaler.telemetry.human import HumanSeries
from autoscaler.telemetry.instruments import (
    CloudInstruments,
    DecisionInstruments,
    HumanInstruments,
    OrderInstruments,
    SourceInstruments,
    build_info,
)
from autoscaler.telemetry.names import DOWN, UP
from autoscaler.telemetry.orders import OrderSeries


class MetricsObserver:
    """An Observer that keeps the series of `registry`; `version` is the program's."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        build_info(registry, version)
        self._decisions = DecisionInstruments(registry)
        self._cloud = CloudInstruments(registry)
        self._sources = SourceInstruments(registry)
        orders = OrderInstruments(registry)
        self._nodes_bought = orders.nodes
        self._orders = OrderSeries(orders)
        self._human = HumanSeries(HumanInstruments(registry))
        self._signals: dict[RegionId, frozenset[str]] = {}

    def notice(self, event: Event) -> None:
        """Change the series that this event is about."""
        match event:
            case WaveArrived(wave):
                self._wave(wave)
            case SourceFailed(source):
                self._sources.wave_failures.labels(source).inc()
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
        """Remove the gauges of all other regions: after a reload a region without a policy has no last decision."""
        for region in [known for known in self._signals if known not in regions]:
            d = self._decisions
            for gauge in (d.desired, d.ready, d.committed, d.shortfall, d.decided_at):
                gauge.remove(region)
            for signal in self._signals.pop(region):
                self._forget_signal(region, signal)
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

    def _wave(self, wave: Wave) -> None:
        s = self._sources
        up = sum(target.up for target in wave.targets)
        s.targets.labels(wave.source, UP).set(up)
        s.targets.labels(wave.source, DOWN).set(len(wave.targets) - up)
        for target in wave.targets:
            if not target.up:
                s.failures.labels(wave.source, target.reason).inc()
        s.wave_failures.labels(wave.source)  # the series starts at zero, so that its first increase is seen
        s.duration.labels(wave.source).observe(wave.took)
        s.last_wave_at.labels(wave.source).set(wave.at)

    def _plan(self, plan: Plan, took: float) -> None:
        self._decisions.plan_duration.observe(took)
        for decision in plan.decisions:
            self._decision(decision)

    def _decision(self, decision: Decision) -> None:
        d, region = self._decisions, decision.region
        ready = len(decision.capacity.ready) if decision.capacity else None
        _set(d.ready, (region,), ready)
        _set(d.shortfall, (region,), None if ready is None else max(0, decision.desired - ready))
        d.desired.labels(region).set(decision.desired)
        d.committed.labels(region).set(decision.committed)
        d.decided_at.labels(region).set(decision.at)
        d.decisions.labels(decision.reason).inc()
        self._nodes_bought.labels(region)  # as above: it starts at zero
        self._human.decided(decision)
        present = frozenset(signal.name for signal in decision.signals)
        for gone in self._signals.get(region, frozenset()) - present:
            self._forget_signal(region, gone)
        self._signals[region] = present
        for signal in decision.signals:
            self._signal(signal, decision.at)

    def _signal(self, signal: Signal, now: float) -> None:
        labels = (signal.region, signal.name)
        self._decisions.signal_coverage.labels(*labels).set(signal.coverage)
        _set(self._decisions.signal_value, labels, signal.value)
        _set(self._decisions.signal_age, labels, signal.age(now))

    def _forget_signal(self, region: RegionId, signal: str) -> None:
        d = self._decisions
        for gauge in (d.signal_value, d.signal_coverage, d.signal_age):
            gauge.remove(region, signal)


def _set(gauge: Gauge, labels: tuple[str, ...], value: float | None) -> None:
    """Missing is no series at all: a zero would be a lie, and the old value would be another."""
    if value is None:
        gauge.remove(*labels)
    else:
        gauge.labels(*labels).set(value)
