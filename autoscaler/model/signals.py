"""What the sources deliver (waves of columns of samples) and what the policies read (signals)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason


class Column(NamedTuple):
    """All series of one metric that one target stated: `values[i]` belongs to the series with the labels `series[i]`.

    The labels are those on the page, without the target's (see `TargetStatus.label`). While a target states the same
    series in the same order, `series` is the same object, and targets that state equal series share it: what follows
    from labels can be kept by identity. Values may be NaN or infinite: judging them is the policy's business.
    `at` is Unix seconds: one time for all values, or one for each where samples carry their own.
    """

    series: tuple[Mapping[str, str], ...]
    values: Sequence[float]
    at: float | Sequence[float]

    @property
    def oldest(self) -> float:
        """Unix seconds of the oldest value. Raises ValueError if there are no series."""
        return self.at if isinstance(self.at, float | int) else min(self.at)


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """What a known target said the last time it was asked, or why it said nothing.

    `labels` are the target's own, after relabelling; `columns` what it stated, by metric. They win over labels on the
    page, which are then called `exported_<name>`; with `honors_labels` those of the page win, as in Prometheus.
    """

    target: str
    region: RegionId
    up: bool
    reason: Reason
    detail: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Column] = field(default_factory=dict)
    honors_labels: bool = False

    def label(self, series: Mapping[str, str], name: str) -> str:
        """What label `name` of one of the target's series says; "" where the series has no such label."""
        if self.honors_labels:
            return series.get(name) or self.labels.get(name, "")
        if name in self.labels:
            return self.labels[name]
        own = name.removeprefix("exported_")
        if own != name and own in self.labels and own in series:
            return series[own]
        return series.get(name, "")


@dataclass(frozen=True, slots=True)
class Wave:
    """What one source learnt in one pass: every known target of the regions that it covers, the silent ones too.

    A wave replaces all that its source said before of the `regions` that it covers; None: of every region. A region
    that is covered and has no target has lost its last one. `at` is Unix seconds at the end of the pass, `took` its
    duration in seconds.
    """

    source: str
    at: float
    took: float
    targets: tuple[TargetStatus, ...]
    regions: frozenset[RegionId] | None = None


class Signal(NamedTuple):
    """One number for one region, with what is needed to judge it.

    `value` is None where the number is missing; None is never zero. `at` is Unix seconds of the oldest
    sample that went into the value (None when there is none).
    """

    region: RegionId
    name: str
    value: float | None
    at: float | None
    targets_up: int
    targets_total: int
    reason: Reason = Reason.UP
    detail: str = ""

    def age(self, now: float) -> float | None:
        """Seconds since the oldest sample in the value; None if there is no value."""
        return None if self.at is None else max(0.0, now - self.at)

    @property
    def coverage(self) -> float:
        """Targets that answered in time / targets known, 0 to 1; 0 when no target is known."""
        return self.targets_up / self.targets_total if self.targets_total else 0.0
