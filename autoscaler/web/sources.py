"""What the status page knows of the sources: the last wave of each, and whether it fails at present.

Events come in (`ports.Observer`), the status document's entries go out. Samples are not kept: only the policies read
them, and they are what is large in a wave.
"""

from autoscaler.model.events import Event, SourceFailed, WaveArrived
from autoscaler.model.signals import Wave


class SourceBoard:
    """An Observer that remembers the state of every source."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, object]] = {}

    def notice(self, event: Event) -> None:
        """Take what a wave or the failure of a source says; other events pass by."""
        match event:
            case WaveArrived(wave):
                self._entries[wave.source] = _entry(wave)
            case SourceFailed(source, detail):
                # What its last wave said stays: it is what the policies still decide on, while it grows old.
                before = self._entries.get(source) or _entry(Wave(source, 0.0, 0.0, (), ())) | {"at": None}
                self._entries[source] = before | {"fault": detail}

    def entries(self) -> list[dict[str, object]]:
        """One entry per source, by name; `at` (Unix seconds) is null before a source's first wave."""
        return [self._entries[source] for source in sorted(self._entries)]


def _entry(wave: Wave) -> dict[str, object]:
    down = [target for target in wave.targets if not target.up]
    return {
        "source": wave.source,
        "at": wave.at,
        "took_seconds": wave.took,
        "targets_up": len(wave.targets) - len(down),
        "targets_total": len(wave.targets),
        "down": [
            {"target": one.target, "region": one.region, "reason": one.reason, "detail": one.detail} for one in down
        ],
        "fault": None,
    }
