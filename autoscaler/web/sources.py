"""What the status page knows of the sources: what each learnt of its targets, and whether it fails at present.

Events come in (`ports.Observer`), the status document's entries go out. Samples are not kept: only the policies read
them, and they are what is large in a wave.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autoscaler.model.events import Event, SourceFailed, WaveArrived
from autoscaler.model.names import RegionId
from autoscaler.model.signals import TargetStatus, Wave


class SourceBoard:
    """An Observer that remembers the state of every source."""

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}

    def notice(self, event: Event) -> None:
        """Take what a wave or the failure of a source says; other events pass by."""
        match event:
            case WaveArrived(wave):
                self._sources.setdefault(wave.source, _Source()).take(wave)
            case SourceFailed(source, detail):
                # What its last waves said stays: it is what the policies still decide on, while it grows old.
                self._sources.setdefault(source, _Source()).fault = detail

    def entries(self) -> list[dict[str, object]]:
        """One entry per source, by name; `at` (Unix seconds) is null before a source's first wave.

        `at` and `took_seconds` are those of the last wave, which may have been about some of the targets only.
        """
        return [self._sources[name].entry(name) for name in sorted(self._sources)]


@dataclass(slots=True)
class _Region:
    """The targets of one source in one region."""

    total: int = 0
    down: list[Mapping[str, object]] = field(default_factory=list)

    def add(self, target: TargetStatus) -> None:
        self.total += 1
        if not target.up:
            told = {"region": target.region, "reason": target.reason, "detail": target.detail}
            self.down.append({"target": target.target} | told)


@dataclass(slots=True)
class _Source:
    """One source: its last wave's time, and its targets by region, since a wave may be about a part of the regions."""

    at: float | None = None
    took: float = 0.0
    fault: str | None = None
    regions: dict[RegionId, _Region] = field(default_factory=dict)

    def take(self, wave: Wave) -> None:
        self.at, self.took, self.fault = wave.at, wave.took, None
        found: dict[RegionId, _Region] = {}
        for target in wave.targets:
            found.setdefault(target.region, _Region()).add(target)
        if wave.regions is None:
            self.regions = found
            return
        for lost in wave.regions - found.keys():
            self.regions.pop(lost, None)
        self.regions.update(found)

    def entry(self, name: str) -> dict[str, object]:
        down = [target for _, region in sorted(self.regions.items()) for target in region.down]
        total = sum(region.total for region in self.regions.values())
        return {
            "source": name,
            "at": self.at,
            "took_seconds": self.took,
            "targets_up": total - len(down),
            "targets_total": total,
            "down": down,
            "fault": self.fault,
        }
