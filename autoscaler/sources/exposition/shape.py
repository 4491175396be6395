"""The shape of a page: which wanted metrics stand on it, where and in how many lines, whatever the lines say.

The patterns that a search has found come in, in the order of the page. Many targets' pages have one shape.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from autoscaler.sources.exposition.numbers import NOT_FINITE


class Span(NamedTuple):
    """Where the lines of one metric are among all wanted lines, once they are put together metric by metric."""

    metric: str
    start: int
    stop: int


class Shape:
    """What follows from `patterns`, the matches on a page. Those below `len(metrics)` are lines of wanted metrics.

    `runs` are the first and last match of each run of lines of one metric, metric by metric; `lines` is how many lines
    they have together. `doubtful` are matches that need a look at what follows them: names by themselves, and `eof`.
    `hides`: there are lines in which a wanted metric could hide. `splits`: no metric has a number for a name.
    """

    __slots__ = ("__weakref__", "doubtful", "hides", "lines", "patterns", "runs", "spans", "splits")

    def __init__(self, patterns: tuple[int, ...], metrics: Sequence[str], eof: int) -> None:
        runs: dict[str, list[tuple[int, int]]] = {}
        place = 0
        for pattern, run in groupby(patterns):
            count = sum(1 for _ in run)
            if pattern < len(metrics):
                runs.setdefault(metrics[pattern], []).append((place, place + count - 1))
            place += count
        self.patterns = patterns
        self.runs = tuple(run for of_metric in runs.values() for run in of_metric)
        self.hides = any(pattern > eof for pattern in patterns)
        self.doubtful = tuple(place for place, pattern in enumerate(patterns) if len(metrics) <= pattern <= eof)
        spans = []
        self.lines = 0
        for metric, of_metric in runs.items():
            start = self.lines
            self.lines += sum(last - first + 1 for first, last in of_metric)
            spans.append(Span(metric, start, self.lines))
        self.spans = tuple(spans)
        self.splits = not any(metric.lower().encode() in NOT_FINITE for metric in runs)
