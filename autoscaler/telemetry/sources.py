"""The series of sources: their targets, and why some of them do not answer.

Waves come in, instruments change. A wave may be about a part of its source's regions, so the numbers of targets are
remembered for each region; a region that has no target any more is forgotten.
"""

from collections import Counter
from collections.abc import Mapping

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Wave
from autoscaler.telemetry.instruments import SourceInstruments
from autoscaler.telemetry.names import DOWN, UP

TARGET_REASONS = tuple(Reason)[tuple(Reason).index(Reason.UP) + 1 :]
"""Why a target may be down: the last section of the codes, after the one for those that answer."""


class SourceSeries:
    """Keeps the series of `instruments`."""

    def __init__(self, instruments: SourceInstruments) -> None:
        self._is = instruments
        self._targets: dict[str, dict[RegionId, tuple[int, int]]] = {}

    def wave(self, wave: Wave) -> None:
        """A source finished a pass."""
        source = wave.source
        self._know(source)
        down = Counter(target.reason for target in wave.targets if not target.up)
        for reason, times in down.items():
            self._is.failures.labels(source, reason).inc(times)
        found = _counted(wave)
        if wave.regions is None:
            known = self._targets[source] = found
        else:
            known = self._targets[source]
            for lost in wave.regions - found.keys():
                known.pop(lost, None)
            known.update(found)
        self._is.targets.labels(source, UP).set(sum(up for up, _ in known.values()))
        self._is.targets.labels(source, DOWN).set(sum(down for _, down in known.values()))
        self._is.duration.labels(source).observe(wave.took)
        self._is.last_wave_at.labels(source).set(wave.at)

    def failed(self, source: str) -> None:
        """A source could not be asked at all; what it said before still stands."""
        self._know(source)
        self._is.wave_failures.labels(source).inc()

    def _know(self, source: str) -> None:
        """Start its counters at zero, so that their first increase is seen as one."""
        if source not in self._targets:
            self._targets[source] = {}
            self._is.wave_failures.labels(source)
            for reason in TARGET_REASONS:
                self._is.failures.labels(source, reason)


def _counted(wave: Wave) -> dict[RegionId, tuple[int, int]]:
    """Targets up and down, by region."""
    counts: Mapping[tuple[RegionId, bool], int] = Counter((target.region, target.up) for target in wave.targets)
    return {region: (counts.get((region, True), 0), counts.get((region, False), 0)) for region, _ in counts}
