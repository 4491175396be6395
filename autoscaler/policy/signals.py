"""From samples to signals: one number per region, with the age of its oldest sample and its coverage."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Sample, Signal, TargetStatus, Wave
from autoscaler.policy.language import PromqlSignal, Reducer, ScrapeSignal, SignalSpec

_REDUCERS: Mapping[Reducer, Callable[[Sequence[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
}


class WaveIndex:
    """One wave, sorted by region once, so that a thousand regions read it in one pass each over their own part."""

    def __init__(self, wave: Wave) -> None:
        self.wave = wave
        self._samples: dict[tuple[RegionId, str], list[Sample]] = defaultdict(list)
        self._targets: dict[RegionId, list[TargetStatus]] = defaultdict(list)
        for sample in wave.samples:
            self._samples[sample.region, sample.metric].append(sample)
        for target in wave.targets:
            self._targets[target.region].append(target)

    @property
    def regions(self) -> frozenset[RegionId]:
        """Every region that the wave knows a target of."""
        return frozenset(self._targets)

    def samples(self, region: RegionId, metric: str) -> Sequence[Sample]:
        """The region's samples of one metric."""
        return self._samples.get((region, metric), ())

    def targets(self, region: RegionId) -> Sequence[TargetStatus]:
        """The region's targets, those that did not answer included."""
        return self._targets.get(region, ())


def measure(spec: SignalSpec, region: RegionId, index: WaveIndex) -> Signal:
    """The signal `spec` of one region, read from its source's newest wave."""
    if spec.scrape is not None:
        return _from_scrape(spec.name, spec.scrape, region, index)
    assert spec.promql is not None  # noqa: S101  # SignalSpec has exactly one origin
    return _from_promql(spec.name, spec.promql, region, index)


def _from_scrape(name: str, scrape: ScrapeSignal, region: RegionId, index: WaveIndex) -> Signal:
    targets = index.targets(region)
    up = [target for target in targets if target.up]
    samples = [s for s in index.samples(region, scrape.metric) if scrape.match_labels.items() <= s.labels.items()]
    answered = len({sample.target for sample in samples})
    if not samples:
        why = _why_missing(f"no series of {scrape.metric}", targets, up)
        return Signal(region, name, None, None, answered, len(targets), _first_fault(targets), why)
    values = [sample.value for sample in samples]
    value = math.nan if any(math.isnan(v) for v in values) else _reduced(scrape.reduce, values)
    return Signal(region, name, value, min(sample.at for sample in samples), answered, len(targets))


def _reduced(reducer: Reducer, values: Sequence[float]) -> float:
    try:
        return _REDUCERS[reducer](values)
    except (OverflowError, ValueError):  # fsum of huge values, or of inf and -inf: no number to act on
        return math.nan


def _from_promql(name: str, promql: PromqlSignal, region: RegionId, index: WaveIndex) -> Signal:
    samples = index.samples(region, promql.query)
    if len(samples) == 1:
        return Signal(region, name, samples[0].value, samples[0].at, 1, 1)
    of_query = [t for t in (*index.targets(region), *index.targets(RegionId(""))) if t.target == promql.query]
    faults = [target for target in of_query if not target.up]
    if faults:
        return Signal(region, name, None, None, 0, 1, faults[0].reason, f"{faults[0].reason}: {faults[0].detail}")
    if samples:
        several = f"{len(samples)} series for one region; aggregate the query by the region label"
        return Signal(region, name, None, None, 0, 1, Reason.SEVERAL_SERIES, several)
    return Signal(region, name, None, None, 0, 1, detail="the answer has no series for this region")


def _why_missing(what: str, targets: Sequence[TargetStatus], up: Sequence[TargetStatus]) -> str:
    if not targets:
        return "the source knows no target in this region"
    if up:
        return f"{what} on {len(up)} answering targets"
    return f"none of {len(targets)} targets answered ({_first_fault(targets)})"


def _first_fault(targets: Iterable[TargetStatus]) -> Reason:
    return next((target.reason for target in targets if not target.up), Reason.UP)
