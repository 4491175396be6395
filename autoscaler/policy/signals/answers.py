"""Signals that something else has computed or decided: a Prometheus server's answer, an Alertmanager's alerts. Pure.

What the source said of one region, and as a whole, comes in; the region's Signal goes out. There is one target for it,
the server, which covers the region or does not. What it says as a whole stands at statuses of region "": that a query
failed, or that it was answered, so that a region without a series is known to have none.
"""

from collections.abc import Sequence
from itertools import chain

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Column, Signal, TargetStatus
from autoscaler.policy.signals.reduce import Reduce, reduction, total
from autoscaler.policy.signals.said import Said, missing, stated_zero
from autoscaler.policy.signals.select import Selection
from autoscaler.policy.signals.spec import AlertSignal, PromqlSignal


class QueryMeasure:
    """A query's answer for one region: the target and the metric of its column are the query's text.

    `absent_is_zero` holds once the source says that the query was answered.
    """

    def __init__(self, region: RegionId, name: str, promql: PromqlSignal, *, absent_is_zero: bool) -> None:
        self._region = region
        self._name = name
        self._query = promql.query
        self._reduce = None if promql.reduce is None else reduction(promql.reduce, promql.quantile)
        self._zero = absent_is_zero

    def read(self, said: Said) -> Signal:
        """The signal of one wave."""
        own, whole = ([one for one in part if one.target == self._query] for part in (said.targets, said.whole))
        giving = [one for one in own if one.up and (column := one.columns.get(self._query)) and column.values]
        columns = [one.columns[self._query] for one in giving]
        if not columns:
            return _none(self._region, self._name, (*own, *whole), said, zero=self._zero, of="the answer")
        count = sum(len(column.values) for column in columns)
        if self._reduce is None and count > 1:
            detail = f"{count} series for one region; group the query by the region label, or name `reduce`"
            return missing(self._region, self._name, 0, 1, Reason.SEVERAL_SERIES, detail)
        return _reduced(self._region, self._name, columns, self._reduce or total, giving)


class AlertMeasure:
    """The alerts of one name that fire in one region; columns are called by it."""

    def __init__(self, region: RegionId, name: str, alert: AlertSignal, *, absent_is_zero: bool) -> None:
        self._region = region
        self._name = name
        self._alert = alert
        self._reduce = reduction(alert.reduce, None)
        self._zero = absent_is_zero

    def read(self, said: Said) -> Signal:
        """The signal of one wave."""
        columns, giving = [], []
        for target in said.targets:
            column = target.columns.get(self._alert.alertname) if target.up else None
            chosen = None if column is None else Selection(self._alert.match_labels).of(target, column)
            if chosen is not None and chosen.values:
                columns.append(chosen)
                giving.append(target)
        if not columns:
            said_by = (*said.targets, *said.whole)
            return _none(self._region, self._name, said_by, said, zero=self._zero, of=f"alert {self._alert.alertname}")
        return _reduced(self._region, self._name, columns, self._reduce, giving)


def _reduced(
    region: RegionId, name: str, columns: Sequence[Column], reduce: Reduce, said_by: Sequence[TargetStatus]
) -> Signal:
    """The value, and beside it what the server remarked: that a store was missing, or that alerts were cut off."""
    values = list(chain.from_iterable(column.values for column in columns))
    at, remarks = min(column.oldest for column in columns), "; ".join(one.detail for one in said_by if one.detail)
    return Signal(region, name, reduce(values, len(values)), at, 1, 1, detail=remarks)


def _none(region: RegionId, name: str, said_by: Sequence[TargetStatus], said: Said, *, zero: bool, of: str) -> Signal:
    fault = next((one for one in said_by if not one.up), None)
    if fault is not None:
        return missing(region, name, 0, 1, fault.reason, f"{fault.reason}: {fault.detail}")
    what = f"{of} has no series for this region"
    if zero and said_by:
        return stated_zero(region, name, 1, 1, said, what)
    return missing(region, name, 0, 1, Reason.SERIES_ABSENT, what)
