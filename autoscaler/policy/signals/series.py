"""The counters of one target, each over a window: how much they grew, and how fast. Pure.

Columns of samples come in as the target is read, growth per series goes out. It must not look at labels on the way
that is taken for nearly every column: the same series as before, in the same order, read at one time.
"""

import math
from array import array
from collections.abc import Mapping, Sequence
from itertools import repeat
from operator import add, lt

from autoscaler.policy.signals.points import GRAIN, CounterPoints
from autoscaler.policy.signals.reduce import total

Series = Sequence[Mapping[str, str]]

_HEAD = 2
"""What a row begins with: its time, and the sum of its values."""


class CounterTrack:
    """The window of one target's series of one counter.

    The rate is the increase between the oldest sample in the window and the newest, over the time between these two.
    Prometheus' `rate` extrapolates to the edges of the window instead, so that windows that follow each other add up
    on a graph; here each number is acted on by itself, and what was not measured is not guessed. Therefore `increase`
    is over what the window holds, at most `window` seconds.

    A series' first sample has no rate; one that a page no longer states is forgotten. See CounterPoints for resets,
    gaps and times that repeat or go back.
    """

    __slots__ = ("_asked", "_offsets", "_points", "_raw", "_rows", "_series", "_width", "_window", "at", "grown")

    def __init__(self, window: float) -> None:
        self.grown = 0
        """How many of the newest column's series have grown, if only by nothing: those that have two samples."""
        self.at = math.inf
        """Unix seconds of the oldest among the newest samples of those; infinite while there are none."""
        self._window = window
        self._series: Series = ()
        self._rows = array("d")
        """While all series have the same times: a time, the sum of the values, the values; again for each time.

        Resets are taken out. It is one stretch of memory, for a fleet's worth of these is far larger than any cache.
        """
        self._width = _HEAD
        self._raw: array[float] | None = None
        """The newest values as they were read; None while no counter was reset: those in the rows are the same then."""
        self._offsets: array[float] | None = None
        self._asked = -math.inf
        """When the target was last asked, by the clock of this machine (Unix seconds)."""
        self._points: list[CounterPoints] | None = None
        """While they have not the same times: each series by itself, and there are no rows."""

    def take(self, series: Series, values: Sequence[float], at: float | Sequence[float]) -> None:
        """Take a column; `series` is the same object as before while the series are the same.

        One time for all of it is that of asking, and goes back only if the clock is set back: how long ago the samples
        before were can not be told then, and too short a time would make too high a rate. So all begins anew.
        """
        if isinstance(at, (float, int)):
            if at < self._asked:
                self._forget()
            self._asked = at
        if self._points is None and isinstance(at, (float, int)):
            if not self._rows:
                self._series, self._width = series, len(values) + _HEAD
            if series is self._series and self._add_row(values, at):
                return
        self._add_points(series, values, at)

    def each(self, *, per_second: bool) -> Sequence[float]:
        """The growth of each series that has grown."""
        if self._points is not None:
            growths = (one.growth(per_second=per_second) for one in self._points)
            return [growth for growth in growths if growth is not None]
        rows, width = self._rows, self._width
        if not self.grown:
            return ()
        span = self.at - rows[0] if per_second else 1.0
        newest, oldest = rows[_HEAD - width :], rows[_HEAD:width]
        return [(new - old) / span for new, old in zip(newest, oldest, strict=True)]

    def total(self, *, per_second: bool) -> float:
        """The growth of all series as one sum; 0 where none has grown."""
        if self._points is not None or not self.grown:
            return total(self.each(per_second=per_second))
        rows = self._rows
        growth = rows[1 - self._width] - rows[1]
        return growth / (self.at - rows[0]) if per_second else growth

    def indexes(self) -> Sequence[int]:
        """Which of the newest column's series have grown, in the order of `each`."""
        if self._points is None:
            return range(self.grown)
        return [index for index, one in enumerate(self._points) if one.grown]

    def _forget(self) -> None:
        del self._rows[:]
        self._points = self._raw = self._offsets = None

    def _add_row(self, values: Sequence[float], at: float) -> bool:
        """Take a column of one time; False if its values must be looked at one by one."""
        rows, width, window = self._rows, self._width, self._window
        try:
            counted = math.fsum(values)
        except (OverflowError, ValueError):
            return False
        if not counted < math.inf:  # NaN as well
            return False
        if rows:
            former = rows[-width]
            if at == former:
                return True
            if at - former > window:
                del rows[:]
        fell = not rows or any(map(lt, values, rows[_HEAD - width :] if self._raw is None else self._raw))
        if fell and not self._begin_again(values):
            return False
        while rows and rows[0] < at - window:
            del rows[:width]
        if len(rows) > width and rows[-width] - rows[-2 * width] < GRAIN * window:
            del rows[-width:]
        if self._offsets is None:
            rows.fromlist([at, counted, *values])
        else:
            self._raw = array("d", values)
            since_ever = list(map(add, values, self._offsets))
            rows.fromlist([at, total(since_ever), *since_ever])
        self.grown, self.at = (width - _HEAD, at) if len(rows) > width else (0, math.inf)
        return True

    def _begin_again(self, values: Sequence[float]) -> bool:
        """The first values, or some that fell: False if one is negative, and so no count.

        A counter that fell began again at zero: what it had counted before is added from now on.
        """
        if min(values, default=0.0) < 0.0:
            return False
        if not self._rows:
            self._raw = self._offsets = None
            return True
        raw = self._rows[_HEAD - self._width :] if self._raw is None else self._raw
        triples = zip(values, raw, self._offsets or repeat(0.0), strict=False)
        self._offsets = array("d", [offset + old if new < old else offset for new, old, offset in triples])
        return True

    def _add_points(self, series: Series, values: Sequence[float], at: float | Sequence[float]) -> None:
        points = self._scattered()
        if series is not self._series:
            known = {_key(labels): one for labels, one in zip(self._series, points, strict=True)}
            keys = [_key(labels) for labels in series]
            points = [known.pop(key) if key in known else CounterPoints(self._window) for key in keys]
            self._series = series
        times = repeat(at, len(values)) if isinstance(at, (float, int)) else at
        for point, value, time in zip(points, values, times, strict=True):
            point.add(time, value)
        self._points = points
        ats = [one.at for one in points if one.grown]
        self.grown, self.at = len(ats), min(ats, default=math.inf)
        self._align()

    def _scattered(self) -> list[CounterPoints]:
        """Each series by itself."""
        if self._points is not None:
            return self._points
        rows, width = self._rows, self._width
        points = [CounterPoints(self._window) for _ in range(len(self._series))]
        for index, one in enumerate(points if rows else ()):
            one.ats, one.values = rows[::width], rows[_HEAD + index :: width]
            one.at = rows[-width]
            one.raw = one.values[-1] if self._raw is None else self._raw[index]
            one.offset = 0.0 if self._offsets is None else self._offsets[index]
        del rows[:]
        return points

    def _align(self) -> None:
        """Go back to rows once all series have the same times."""
        points = self._points
        if not points or any(one.broken or not one.ats for one in points):
            return
        first = points[0]
        if any(one.at != first.at or one.ats != first.ats for one in points):
            return
        for at, *values in zip(first.ats, *(one.values for one in points), strict=True):
            self._rows.fromlist([at, total(values), *values])
        offsets = array("d", [one.offset for one in points])
        resets = any(offsets)
        self._offsets = offsets if resets else None
        self._raw = array("d", [one.raw for one in points]) if resets else None
        self._width, self._points = len(points) + _HEAD, None


def _key(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())
