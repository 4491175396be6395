"""Whether a signal may be acted on: missing, stale, not-a-number and thinly covered ones may not.

None is not zero: what can not be trusted has no value, and says why.
"""

import math
from dataclasses import dataclass

from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal

CLOCK_SKEW = 60.0
"""Seconds that a sample may be stamped ahead of this machine's clock: one from the future would never grow old."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A signal's value when it can be trusted, else None with the reason."""

    value: float | None
    reason: Reason = Reason.UP
    detail: str = ""


def read(signal: Signal | None, *, max_age: float, min_coverage: float, now: float) -> Reading:
    """Judge a signal at `now` (Unix seconds). `max_age` is seconds, `min_coverage` 0 to 1."""
    if signal is None:
        return Reading(None, Reason.SIGNAL_MISSING, "its source has not answered yet")
    age = signal.age(now)
    if signal.value is None or age is None:
        return Reading(None, Reason.SIGNAL_MISSING, signal.detail or "no sample")
    if not math.isfinite(signal.value):
        return Reading(None, Reason.SIGNAL_NOT_A_NUMBER, f"value is {signal.value}")
    if signal.at is not None and signal.at > now + CLOCK_SKEW:
        return Reading(None, Reason.SIGNAL_IN_FUTURE, f"stamped {signal.at - now:.0f} s ahead of this machine's clock")
    if age > max_age:
        return Reading(None, Reason.SIGNAL_STALE, f"{age:.0f} s old, at most {max_age:.0f} s")
    if signal.coverage < min_coverage:
        detail = f"{signal.targets_up} of {signal.targets_total} targets answered, at least {min_coverage:.0%} needed"
        return Reading(None, Reason.COVERAGE_TOO_LOW, detail)
    return Reading(signal.value)
