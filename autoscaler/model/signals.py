"""What the sources deliver (samples, waves) and what the policies read (signals)."""

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series, as one target stated it.

    `at` is Unix seconds: the sample's own timestamp where it carries one, else the moment it was read.
    `value` may be NaN or infinite: judging it is the policy's business.
    """

    region: RegionId
    target: str
    metric: str
    labels: Mapping[str, str]
    value: float
    at: float


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """Whether a known target answered the last time it was asked, and why not."""

    target: str
    region: RegionId
    up: bool
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wave:
    """All that one source learnt in one pass: every known target is listed, also those that did not answer.

    A wave replaces the former wave of its source whole. `at` is Unix seconds at the end of the pass,
    `took` its duration in seconds.
    """

    source: str
    at: float
    took: float
    targets: tuple[TargetStatus, ...]
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Signal:
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
