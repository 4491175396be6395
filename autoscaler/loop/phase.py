"""Phases: when a region is decided without any news, so that a thousand regions are not decided in one moment.

A region's place in the interval derives from a hash of its name: it is the same after every restart, and in every
process.
"""

import hashlib
import heapq
from collections.abc import Iterable

from autoscaler.model.names import RegionId


def phase(region: RegionId) -> float:
    """The region's place in the interval, 0 (included) to 1 (not included)."""
    return int.from_bytes(hashlib.sha256(region.encode()).digest()[:8]) / 2**64


class Phases:
    """When each region is due. `interval` is seconds; all times are seconds of the clock that `now` is read from.

    Every region is due at once when it is first asked for: after a start nothing waits for its phase.
    """

    def __init__(self, regions: Iterable[RegionId], interval: float, now: float) -> None:
        self._interval = interval
        self._due = [(now, region) for region in sorted(regions)]

    def next(self) -> float | None:
        """When the next region is due; None when there is none."""
        return self._due[0][0] if self._due else None

    def take(self, now: float) -> frozenset[RegionId]:
        """The regions that are due by `now`; each is due again at its phase in the next interval."""
        taken: set[RegionId] = set()
        while self._due and self._due[0][0] <= now:
            region = self._due[0][1]
            taken.add(region)
            heapq.heapreplace(self._due, (self._after(region, now), region))
        return frozenset(taken)

    def _after(self, region: RegionId, now: float) -> float:
        """The first moment after `now` that lies at the region's phase; never further than one interval."""
        place = now // self._interval + phase(region)
        return place * self._interval if place * self._interval > now else (place + 1.0) * self._interval
