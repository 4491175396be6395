"""All signals of one region, by one policy: each source's answer read as it comes, ratios made of what is there.

What a source said comes in, signals by name go out. The signals of a source that says nothing more stay as they are and
grow old; those of one that has never answered are absent.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.policy.signals.answers import AlertMeasure, QueryMeasure
from autoscaler.policy.signals.said import Said, missing
from autoscaler.policy.signals.scraped import ScrapeMeasure
from autoscaler.policy.signals.spec import SignalSpec


class Measure(Protocol):
    """Makes one signal of one region of what its source says."""

    def read(self, said: Said) -> Signal:
        """The signal of one wave; each wave must be read once, in order."""
        ...


class RegionSignals:
    """The signals that a policy's specs ask for in one region."""

    def __init__(self, region: RegionId, specs: Sequence[SignalSpec]) -> None:
        self.region = region
        self.signals: Mapping[str, Signal] = {}
        """The newest signals by name; another mapping after each reading."""
        self._measures: dict[str, list[tuple[str, Measure]]] = {}
        self._ratios = [(spec.name, spec.ratio) for spec in specs if spec.ratio is not None]
        for spec in specs:
            if spec.source is not None:
                self._measures.setdefault(spec.source, []).append((spec.name, measure(region, spec)))

    @property
    def sources(self) -> frozenset[str]:
        """The names of the sources that are read."""
        return frozenset(self._measures)

    def read(self, source: str, said: Said) -> None:
        """Take what a source says; a source that no signal names changes nothing."""
        signals = dict(self.signals)
        for name, one in self._measures.get(source, ()):
            signals[name] = one.read(said)
        for name, ratio in self._ratios:
            if ratio.of in signals and ratio.to in signals:
                signals[name] = divide(name, signals[ratio.of], signals[ratio.to])
        self.signals = signals


def measure(region: RegionId, spec: SignalSpec) -> Measure:
    """What measures a signal that has a source. Raises ValueError for one that has none: a ratio."""
    zero = spec.absent == "zero"
    if spec.scrape is not None:
        return ScrapeMeasure(region, spec.name, spec.scrape, zero_from=spec.min_coverage if zero else None)
    if spec.promql is not None:
        return QueryMeasure(region, spec.name, spec.promql, absent_is_zero=zero)
    if spec.alert is not None:
        return AlertMeasure(region, spec.name, spec.alert, absent_is_zero=zero)
    raise ValueError(f"signal {spec.name} has no source: it is made of others")


def divide(name: str, of: Signal, to: Signal) -> Signal:
    """The ratio of two signals of a region: as old as the older one, as well covered as the one that is less so.

    It is missing where one of them is, and where `to` is 0. NaN where one of them is no finite number: a number over
    infinity would be zero.
    """
    region, thinner = of.region, min(of, to, key=lambda one: one.coverage)
    up, known = thinner.targets_up, thinner.targets_total
    if of.value is None or of.at is None or to.value is None or to.at is None:
        lost = of if of.value is None or of.at is None else to
        return missing(region, name, up, known, lost.reason, f"{lost.name} is missing: {lost.detail or lost.reason}")
    if to.value == 0:
        return missing(region, name, up, known, Reason.DIVISION_BY_ZERO, f"{of.name} is {of.value:g}, {to.name} is 0")
    value = of.value / to.value if math.isfinite(of.value) and math.isfinite(to.value) else math.nan
    return Signal(region, name, value, min(of.at, to.at), up, known)
