"""When each region of a scrape job is scraped: moments of the wall clock, the same after every restart. Pure.

The interval is cut into slots of about a second, or longer ones where there are few targets, and a hash of its name
gives each region its place among them. All targets of a region are asked in the same slot: its sums are then of one
moment, and it is decided once an interval. Requests that start together are answered together, which costs a fraction
of one wake-up for each.
"""

import math
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from autoscaler.model.names import RegionId

SLOT = 1.0
"""Seconds, about: an interval that is shorter has one slot."""
WORTH_A_SLOT = 50
"""Targets: with so many in each slot, what a slot costs by itself is little beside what they cost."""


class Timetable:
    """The slots of one job. `interval` is seconds; times are Unix seconds."""

    def __init__(self, job: str, interval: float) -> None:
        self._job = job
        self._interval = interval
        self._slots: list[list[RegionId]] = [[]]
        self._step = interval
        self._done: int | None = None

    def arrange(self, regions: Mapping[RegionId, int]) -> None:
        """Put these regions in their slots, in place of all others; each comes with the number of its targets."""
        count = max(1, min(round(self._interval / SLOT), sum(regions.values()) // WORTH_A_SLOT))
        if count != len(self._slots):
            self._step, self._done = self._interval / count, None
        self._slots = [[] for _ in range(count)]
        for region in regions:
            self._slots[int(self._place(region) * count)].append(region)

    def _place(self, region: RegionId) -> float:
        """Where in the interval, 0 to 1: so a fleet that grows moves a region by less than a former slot."""
        digest = blake2b(f"{self._job}\0{region}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest, "big") >> 11) / 2**53

    def due(self, now: float) -> Sequence[RegionId]:
        """The regions whose moment came since the last call, each once however long that is ago.

        At the first call, and when the clock was set back, those of the present slot.
        """
        present = math.floor(now / self._step)
        oldest = present - len(self._slots) + 1
        first = present if self._done is None or self._done > present else max(self._done + 1, oldest)
        self._done = present
        return [region for number in range(first, present + 1) for region in self._slots[number % len(self._slots)]]

    def wait(self, now: float) -> float:
        """Seconds until the next slot begins that has a region in it; an interval if none has."""
        present = math.floor(now / self._step)
        count = len(self._slots)
        ahead = next((k for k in range(1, count + 1) if self._slots[(present + k) % count]), count)
        return max(0.0, (present + ahead) * self._step - now)
