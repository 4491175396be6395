"""What comes out of windows: medians, ratios, and whether a goal is met. Pure."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row promises: the peer's number over ours is at least so much, or ours is at most so much."""

    kind: Literal["ratio at least", "ours at most"]
    limit: float

    def met(self, ours: float, ratio: float | None) -> bool | None:
        """Whether it is met; None where there is no peer to compare with."""
        if self.kind == "ours at most":
            return ours <= self.limit
        return None if ratio is None else ratio >= self.limit

    def __str__(self) -> str:
        return f"{'peer/ours >=' if self.kind == 'ratio at least' else '<='} {self.limit:g}"


def at_least(limit: float) -> Goal:
    """The peer's number is at least `limit` times ours."""
    return Goal("ratio at least", limit)


def at_most(limit: float) -> Goal:
    """Our number is at most `limit`."""
    return Goal("ours at most", limit)


def ratio(ours: float, peer: float | None) -> float | None:
    """peer / ours; None without a peer. A peer that pays where we pay nothing is infinitely dearer.

    >>> ratio(2.0, 10.0), ratio(2.0, None)
    (5.0, None)
    """
    if peer is None:
        return None
    return peer / ours if ours else math.inf


def per_scrape(cpu_seconds: float, scrapes: float) -> float:
    """Microseconds of CPU a scrape. Raises ValueError if there was no scrape: a silent client is not a cheap one."""
    if scrapes <= 0:
        raise ValueError("no scrape was answered in the window")
    return cpu_seconds / scrapes * 1e6


def steps(readings: Sequence[float]) -> list[float]:
    """What was added from each reading to the next.

    >>> steps([1.0, 4.0, 6.0])
    [3.0, 2.0]
    """
    return [after - before for before, after in pairwise(readings)]


def median(values: Sequence[float]) -> float:
    """The middle value. Raises ValueError if there is none."""
    if not values:
        raise ValueError("no window was measured")
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all values do not exceed. Raises ValueError if none is.

    >>> percentile([3.0, 1.0, 2.0], 0.5), percentile([3.0, 1.0, 2.0], 0.99)
    (2.0, 3.0)
    """
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
