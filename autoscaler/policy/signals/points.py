"""One counter series over a window, whatever its timestamps. Pure.

Samples come in one at a time, growth goes out. This is the general way, taken where the fast one (series.py) does not
fit: samples with timestamps of their own, values that are no numbers, series that come and go.
"""

import math
from array import array

GRAIN = 1 / 60
"""Share of the window: of samples that lie closer together the newer one replaces the older, so memory is bounded."""


class CounterPoints:
    """The samples of one series that lie in the last `window` seconds before the newest, resets taken out.

    A value below the one before it means that the counter started again from zero. A sample that is as old as the
    newest one, or older, is not a new sample; one that is older by more than a window means that the clock was set, and
    begins anew, as does one after a gap of more than a window.
    """

    __slots__ = ("at", "ats", "broken", "offset", "raw", "values", "window")

    def __init__(self, window: float) -> None:
        self.window = window
        self.ats = array("d")
        self.values = array("d")
        """What was counted, as if the counter had never been reset."""
        self.offset = 0.0
        self.raw = 0.0
        self.at = -math.inf
        """Unix seconds of the newest sample, be it a number or not."""
        self.broken = False
        """Whether the newest sample is no count: NaN, infinite, negative."""

    def add(self, at: float, raw: float) -> None:
        """Take a sample of `at` (Unix seconds)."""
        if self.at - self.window <= at <= self.at:
            return
        self.at = at
        self.broken = not 0.0 <= raw < math.inf
        if self.broken:
            return
        if self.ats and not 0.0 < at - self.ats[-1] <= self.window:
            del self.ats[:], self.values[:]
        if not self.ats:
            self.offset = 0.0
        elif raw < self.raw:
            self.offset += self.raw
        self.raw = raw
        self._forget(at - self.window)
        if len(self.ats) > 1 and self.ats[-1] - self.ats[-2] < GRAIN * self.window:
            del self.ats[-1], self.values[-1]
        self.ats.append(at)
        self.values.append(self.offset + raw)

    @property
    def grown(self) -> bool:
        """Whether there are two samples, or the newest is no count."""
        return self.broken or len(self.ats) > 1

    def growth(self, *, per_second: bool) -> float | None:
        """From the oldest sample in the window to the newest; None with one sample, NaN if the newest is no count."""
        if not self.grown:
            return None
        if self.broken:
            return math.nan
        grown = self.values[-1] - self.values[0]
        return grown / (self.ats[-1] - self.ats[0]) if per_second else grown

    def _forget(self, before: float) -> None:
        while self.ats and self.ats[0] < before:
            del self.ats[0], self.values[0]
