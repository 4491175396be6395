"""The series of decisions: what each region's last one wants, has and saw.

Plans come in and only the newest decision of each region is kept; its series are written when a scrape asks, a bounded
number of regions at a time (`exposition.Backlog`). So a tick pays for counting and for nothing else, and a region that
was decided ten times between two scrapes is written once. Nothing is judged here.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice

from autoscaler.model.decision import Decision, Plan
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.telemetry.families import Labels
from autoscaler.telemetry.instruments import DecisionFamilies, DecisionInstruments
from autoscaler.telemetry.names import REGION, SIGNAL


class DecisionSeries:
    """Keeps the series of `instruments` and `families`."""

    def __init__(self, instruments: DecisionInstruments, families: DecisionFamilies) -> None:
        self._is = instruments
        self._families = families
        self._waiting: dict[RegionId, Decision] = {}
        self._regions: dict[RegionId, _RegionSeries] = {}

    def decided(self, plan: Plan, took: float) -> None:
        """A tick was decided. Counts now, since no decision may be missed, and leaves the rest to `write`."""
        self._is.plan_duration.observe(took)
        waiting = self._waiting
        for decision in plan.decisions:
            waiting[decision.region] = decision
        for reason, times in Counter([decision.reason for decision in plan.decisions]).items():
            self._is.decisions.labels(reason).inc(times)
        for reason, times in Counter(_abstained(plan)).items():
            self._is.abstentions.labels(reason).inc(times)
        for signal, times in Counter(_missing(plan)).items():
            self._is.missing.labels(*signal).inc(times)

    def __len__(self) -> int:
        """Regions whose last decision is not in their series yet."""
        return len(self._waiting)

    def write(self, most: int) -> None:
        """Write the series of at most so many regions, the longest waiting first."""
        for region in list(islice(self._waiting, most)):
            if region not in self._regions:
                self._regions[region] = _RegionSeries(region, self._families)
            self._regions[region].write(self._waiting.pop(region))

    def keep(self, regions: Collection[RegionId]) -> None:
        """Remove the gauges of all other regions."""
        for gone in [region for region in self._waiting if region not in regions]:
            del self._waiting[gone]
        for gone in [region for region in self._regions if region not in regions]:
            self._regions.pop(gone).remove()


class _SignalSeries:
    """The gauges of one signal in one region."""

    __slots__ = ("age", "coverage", "value")

    def __init__(self, region: RegionId, signal: str, families: DecisionFamilies) -> None:
        labels = Labels({REGION: region, SIGNAL: signal})
        self.value = families.signal_value.series(labels)
        self.coverage = families.signal_coverage.series(labels)
        self.age = families.signal_age.series(labels)

    def write(self, signal: Signal, now: float) -> None:
        self.value.set(signal.value)
        self.coverage.set(signal.coverage)
        self.age.set(signal.age(now))

    def remove(self) -> None:
        for series in (self.value, self.coverage, self.age):
            series.set(None)


class _RegionSeries:
    """The gauges of one region."""

    __slots__ = ("_families", "_region", "_signals", "committed", "decided_at", "desired", "ready", "shortfall")

    def __init__(self, region: RegionId, families: DecisionFamilies) -> None:
        labels = Labels({REGION: region})
        self._region = region
        self._families = families
        self._signals: dict[str, _SignalSeries] = {}
        self.desired = families.desired.series(labels)
        self.ready = families.ready.series(labels)
        self.committed = families.committed.series(labels)
        self.shortfall = families.shortfall.series(labels)
        self.decided_at = families.decided_at.series(labels)

    def write(self, decision: Decision) -> None:
        ready = len(decision.capacity.ready) if decision.capacity else None
        self.ready.set(ready)
        self.shortfall.set(None if ready is None else max(0, decision.desired - ready))
        self.desired.set(decision.desired)
        self.committed.set(decision.committed)
        self.decided_at.set(decision.at)
        for signal in decision.signals:
            series = self._signals.get(signal.name)
            if series is None:
                series = self._signals[signal.name] = _SignalSeries(self._region, signal.name, self._families)
            series.write(signal, decision.at)
        if len(self._signals) > len(decision.signals):
            present = {signal.name for signal in decision.signals}
            for gone in [name for name in self._signals if name not in present]:
                self._signals.pop(gone).remove()

    def remove(self) -> None:
        for series in (self.ready, self.shortfall, self.desired, self.committed, self.decided_at):
            series.set(None)
        for signal in self._signals.values():
            signal.remove()


def _abstained(plan: Plan) -> Iterator[Reason]:
    return (vote.reason for decision in plan.decisions for vote in decision.votes if vote.desired is None)


def _missing(plan: Plan) -> Iterator[tuple[str, Reason]]:
    return (
        (signal.name, signal.reason)
        for decision in plan.decisions
        for signal in decision.signals
        if signal.value is None
    )
