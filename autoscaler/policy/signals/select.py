"""Which of a target's series a signal means: those that carry all of its labels. Pure.

A column comes in, the same or a smaller one goes out. Labels are looked at once: while a target states the same series,
only values are picked.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from autoscaler.model.signals import Column, TargetStatus

Series = tuple[Mapping[str, str], ...]
_Pick = Callable[[Sequence[Any]], Sequence[Any]]


class Selection:
    """One signal's series of one target, remembered from scrape to scrape."""

    __slots__ = ("_honors", "_labels", "_pick", "_picked", "_series", "_wanted")

    def __init__(self, wanted: Mapping[str, str]) -> None:
        self._wanted = wanted
        self._series: Series | None = None
        self._labels: Mapping[str, str] | None = None
        self._honors = False
        self._picked: Series = ()
        self._pick: _Pick = _nothing

    def of(self, target: TargetStatus, column: Column) -> Column | None:
        """What is wanted of a target's column; None if that is nothing. Equal series are the same object."""
        if (
            column.series is not self._series
            or target.labels is not self._labels
            or target.honors_labels is not self._honors
        ):
            self._look(target, column.series)
        if self._picked is column.series:
            return column
        if not self._picked:
            return None
        at = column.at
        return Column(self._picked, self._pick(column.values), at if isinstance(at, (float, int)) else self._pick(at))

    def _look(self, target: TargetStatus, series: Series) -> None:
        self._series, self._labels, self._honors = series, target.labels, target.honors_labels
        indexes = [
            index
            for index, labels in enumerate(series)
            if all(target.label(labels, name) == value for name, value in self._wanted.items())
        ]
        if len(indexes) == len(series):
            self._picked, self._pick = series, _everything
            return
        picked = tuple(series[index] for index in indexes)
        # The objects may be others and say the same: what is kept by identity further on must not be lost for that.
        self._picked = self._picked if picked == self._picked else picked
        self._pick = _picker(indexes)


def _picker(indexes: Sequence[int]) -> _Pick:
    if not indexes:
        return _nothing
    if len(indexes) == 1:
        only = indexes[0]
        return lambda values: (values[only],)
    return itemgetter(*indexes)


def _nothing(_: Sequence[Any]) -> Sequence[Any]:
    return ()


def _everything(values: Sequence[Any]) -> Sequence[Any]:
    return values
