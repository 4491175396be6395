"""What a source said about one region in one wave, and how a signal that it does not give is put. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal, TargetStatus


@dataclass(frozen=True, slots=True)
class Said:
    """`targets` are those of the region, `whole` those that stand for the source as a whole (their region is "").

    `asked` is Unix seconds when the wave began: what was absent, was absent then.
    """

    targets: Sequence[TargetStatus]
    whole: Sequence[TargetStatus]
    asked: float


def missing(region: RegionId, name: str, up: int, total: int, reason: Reason, detail: str) -> Signal:
    """No number, and why."""
    return Signal(region, name, None, None, up, total, reason, detail)


def stated_zero(region: RegionId, name: str, up: int, total: int, said: Said, what: str) -> Signal:
    """Zero, since the policy says that absence means it."""
    detail = f"{what}: zero, as `absent` states"
    return Signal(region, name, 0.0, said.asked, up, total, Reason.ABSENT_IS_ZERO, detail)


def faults(targets: Sequence[TargetStatus]) -> str:
    """Why targets did not answer, the most frequent reason first: `TimedOut 3, DnsFailed 1`."""
    counted = Counter(target.reason for target in targets if not target.up)
    return ", ".join(f"{reason} {times}" for reason, times in sorted(counted.items(), key=lambda it: (-it[1], it[0])))


def main_fault(targets: Sequence[TargetStatus]) -> Reason:
    """The most frequent reason why targets did not answer; there is at least one that did not."""
    counted = Counter(target.reason for target in targets if not target.up)
    return min(counted, key=lambda reason: (-counted[reason], reason))
