"""How many series become one number, as in Prometheus, but that one value which is no number spoils the result.

Values come in, one float goes out; NaN means that there is no number to act on. Nothing here depends on the order of
the values: sums are rounded once, at the end (`math.fsum`). Source: Prometheus documentation, "Aggregation operators"
and "histogram_quantile()"; promql/quantile.go.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import accumulate

from autoscaler.model.reason import Reason
from autoscaler.policy.signals.spec import Reducer

_SMALL_DELTA = 1e-12
"""Neighbouring buckets that differ by less than this share of themselves are equal: Prometheus' smallDeltaTolerance."""

Reduce = Callable[[Sequence[float], int], float]
"""Values and the number of series behind them: a value may be the sum of many series where the reducer is linear."""


def reduction(reducer: Reducer, quantile_: float | None) -> Reduce:
    """The function of a reducer other than histogramQuantile. There is always at least one value."""
    if reducer == "quantile":
        share = 0.0 if quantile_ is None else quantile_
        return lambda values, _: quantile(share, values)
    return _REDUCTIONS[reducer]


def linear(reducer: Reducer) -> bool:
    """Whether the sums of parts are as good as the series themselves."""
    return reducer in {"sum", "avg", "count"}


def total(values: Iterable[float], _: int = 0) -> float:
    """The sum, whatever the order.

    >>> total([1e16, 1.0, -1e16, 1.0])
    2.0
    """
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # huge values, or inf and -inf: no number to act on
        return math.nan


def quantile(share: float, values: Sequence[float]) -> float:
    """The value that `share` (0 to 1) of the values do not exceed, interpolated between neighbours.

    >>> quantile(0.5, [4.0, 1.0, 2.0, 3.0])
    2.5
    """
    if any(map(math.isnan, values)):
        return math.nan
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    below = math.floor(rank)
    weight = rank - below
    if not weight:
        return ordered[below]
    return ordered[below] * (1 - weight) + ordered[below + 1] * weight


def histogram_quantile(share: float, buckets: Mapping[float, float]) -> tuple[float, Reason]:
    """The value that `share` (0 to 1) of the observations do not exceed, and Reason.UP or why there is none (NaN).

    `buckets` are upper bounds (`le`) with how many observations do not exceed them. Observations are taken as spread
    evenly over their bucket; the first one begins at 0 if its bound is positive, and of the last one, which has no
    bound, its lower bound is told. Counts that fall from one bucket to the next (targets were read at different
    moments) are raised to the former. As in Prometheus there is no answer without a bucket +Inf, with one bucket only,
    or without an observation.

    >>> histogram_quantile(0.9, {0.1: 50.0, 0.5: 80.0, 1.0: 100.0, math.inf: 100.0})
    (0.75, <Reason.UP: 'Up'>)
    """
    bounds = sorted(buckets)
    if len(bounds) < 2 or bounds[-1] != math.inf:  # one bucket has no shape
        return math.nan, Reason.HISTOGRAM_INCOMPLETE
    if not all(map(math.isfinite, buckets.values())):
        return math.nan, Reason.UP
    counts = list(accumulate((buckets[bound] for bound in bounds), _never_less))
    if not counts[-1]:
        return math.nan, Reason.NO_OBSERVATIONS
    rank = share * counts[-1]
    found = bisect_left(counts, rank, hi=len(counts) - 1)
    if found == len(counts) - 1:
        return bounds[-2], Reason.UP
    if found == 0 and bounds[0] <= 0:
        return bounds[0], Reason.UP
    start, before = (bounds[found - 1], counts[found - 1]) if found else (0.0, 0.0)
    within = counts[found] - before
    if not within:  # the quantile 0 of a histogram whose first bucket is empty: Prometheus has NaN for it too
        return math.nan, Reason.NO_OBSERVATIONS
    return start + (bounds[found] - start) * ((rank - before) / within), Reason.UP


def _never_less(former: float, count: float) -> float:
    close = abs(count - former) < _SMALL_DELTA * (abs(count) + abs(former))
    return former if close or count < former else count


def _average(values: Sequence[float], count: int) -> float:
    return total(values) / count


def _least(pick: Callable[[Sequence[float]], float], values: Sequence[float], _: int) -> float:
    return math.nan if any(map(math.isnan, values)) else pick(values)


def _count(_: Sequence[float], count: int) -> float:
    return float(count)


_REDUCTIONS: Mapping[str, Reduce] = {
    "sum": total,
    "avg": _average,
    "min": partial(_least, min),
    "max": partial(_least, max),
    "count": _count,
}
