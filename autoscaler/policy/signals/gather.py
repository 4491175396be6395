"""What the targets of a region state of one metric, made into values that can be reduced. Pure.

Statuses of targets come in, in any order; values go out with their age and with how many targets they are of. Targets
that do not answer, and series that can not be judged yet, give nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.model.signals import Column, TargetStatus
from autoscaler.policy.signals.select import Selection
from autoscaler.policy.signals.series import CounterTrack

BUCKET_LABEL = "le"
"""The label of a histogram's bucket that says its upper bound (Prometheus documentation, "Metric types")."""

Gathered = tuple[list[float], int, float, int, int]
"""Values, series behind them, Unix seconds of their oldest sample, targets that they are of, targets that have the
series at all. A plain tuple: thousands are made in every pass."""


class LastValues:
    """The newest value of every series. `wanted` are the labels that a series must carry."""

    def __init__(self, metric: str, wanted: Mapping[str, str]) -> None:
        self._metric = metric
        self._wanted = wanted
        self._selections: dict[str, Selection] = {}
        self.buckets: Mapping[float, Sequence[float]] = {}
        """Always empty: the last values of buckets count since their process started."""

    def gather(self, targets: Sequence[TargetStatus]) -> Gathered:
        """One pass over the region's targets."""
        metric, values, oldest, stated = self._metric, list[float](), math.inf, 0
        for target in targets:
            column = target.columns.get(metric)
            if column is None or not target.up:
                continue
            if self._wanted:
                column = self._select(target, column)
            if column is None or not column.values:
                continue
            stated += 1
            values += column.values
            at = column.at if isinstance(column.at, (float, int)) else min(column.at)
            if at < oldest:
                oldest = at
        if len(self._selections) > len(targets):
            forget_vanished(self._selections, targets)
        return values, len(values), oldest, stated, stated

    def _select(self, target: TargetStatus, column: Column) -> Column | None:
        selection = self._selections.get(target.target)
        if selection is None:
            selection = self._selections[target.target] = Selection(self._wanted)
        return selection.of(target, column)


@dataclass(slots=True)
class _Watched:
    """One target's counters. `bounds` are those of `series`, if they are buckets."""

    selection: Selection | None
    track: CounterTrack
    series: Sequence[Mapping[str, str]] | None = None
    bounds: Sequence[float | None] = ()


class Growth:
    """How much every series of a counter grew in a window of seconds.

    With `as_sums` a target gives the sum of its series. With `by_bucket` the values are kept in `buckets` too, by the
    upper bounds of their series; series without one are left out.
    """

    def __init__(
        self,
        metric: str,
        wanted: Mapping[str, str],
        window: float,
        *,
        per_second: bool,
        as_sums: bool = False,
        by_bucket: bool = False,
    ) -> None:
        self._metric = metric
        self._wanted = wanted
        self._window = window
        self._per_second = per_second
        self._as_sums = as_sums
        self._by_bucket = by_bucket
        self.buckets: dict[float, list[float]] = {}
        """Of the last pass."""
        self._watched: dict[str, _Watched] = {}

    def gather(self, targets: Sequence[TargetStatus]) -> Gathered:
        """One pass over the region's targets. Each wave must be gathered once: it moves the windows on."""
        values, series, oldest, grew, stated, known = list[float](), 0, math.inf, 0, 0, 0
        self.buckets = {}
        for target in targets:
            watched = self._watched.get(target.target)
            column = target.columns.get(self._metric) if target.up else None
            if column is not None:
                watched = watched or self._watch(target.target)
                column = column if watched.selection is None else watched.selection.of(target, column)
            known += watched is not None
            if watched is None or column is None or not column.values:
                continue
            stated += 1
            track = watched.track
            track.take(column.series, column.values, column.at)
            if track.grown:
                grew += 1
                series += track.grown
                oldest = min(oldest, track.at)
                values += self._values(watched, target, column)
        if known < len(self._watched):  # exactly those that are no longer known: a silent one goes on
            forget_vanished(self._watched, targets)
        return values, series, oldest, grew, stated

    def _values(self, watched: _Watched, target: TargetStatus, column: Column) -> Sequence[float]:
        track = watched.track
        if self._as_sums:
            return (track.total(per_second=self._per_second),)
        values = track.each(per_second=self._per_second)
        if self._by_bucket:
            self._sort(values, track.indexes(), _bounds(watched, target, column))
        return values

    def _sort(self, values: Sequence[float], indexes: Iterable[int], bounds: Sequence[float | None]) -> None:
        for index, value in zip(indexes, values, strict=True):
            bound = bounds[index]
            if bound is not None:
                self.buckets.setdefault(bound, []).append(value)

    def _watch(self, target: str) -> _Watched:
        watched = _Watched(Selection(self._wanted) if self._wanted else None, CounterTrack(self._window))
        self._watched[target] = watched
        return watched


def forget_vanished(kept: dict[str, _Watched] | dict[str, Selection], targets: Sequence[TargetStatus]) -> None:
    """Drop what is kept of targets that are no longer known."""
    known = {target.target for target in targets}
    for target in [target for target in kept if target not in known]:
        del kept[target]


def _bounds(watched: _Watched, target: TargetStatus, column: Column) -> Sequence[float | None]:
    if watched.series is not column.series:
        watched.series = column.series
        watched.bounds = [_bound(target.label(labels, BUCKET_LABEL)) for labels in column.series]
    return watched.bounds


def _bound(written: str) -> float | None:
    """The upper bound of a bucket; None for a series that is no bucket, as in Prometheus."""
    try:
        bound = float(written)
    except ValueError:
        return None
    return None if math.isnan(bound) else bound
