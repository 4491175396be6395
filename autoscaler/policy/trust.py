"""Whether a signal may be acted on: missing, stale, not-a-number and thinly covered ones may not.

None is not zero: what can not be trusted has no value, and says why.
"""

import math
from functools import partial
from typing import NamedTuple

from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal

CLOCK_SKEW = 60.0
"""Seconds that a sample may be stamped ahead of this machine's clock: one from the future would never grow old."""


class Reading(NamedTuple):
    """A signal's value when it can be trusted, else None with the reason."""

    value: float | None
    reason: Reason = Reason.UP
    detail: str = ""


_trusted = partial(tuple.__new__, Reading)
"""A reading from all three of its fields, at half the cost of `Reading(...)`."""
_UP = Reason.UP


def read(signal: Signal | None, *, max_age: float, min_coverage: float, now: float) -> Reading:
    """Judge a signal at `now` (Unix seconds). `max_age` is seconds, `min_coverage` 0 to 1."""
    if signal is None:
        return Reading(None, Reason.SIGNAL_MISSING, "its source has not answered yet")
    value, at = signal.value, signal.at
    if value is None or at is None:
        return Reading(None, Reason.SIGNAL_MISSING, signal.detail or "no sample")
    if not math.isfinite(value):
        return Reading(None, Reason.SIGNAL_NOT_A_NUMBER, f"value is {value}")
    if at > now + CLOCK_SKEW:
        return Reading(None, Reason.SIGNAL_IN_FUTURE, f"stamped {at - now:.0f} s ahead of this machine's clock")
    if not now - at <= max_age:  # a time that is no number never grows old
        return Reading(None, Reason.SIGNAL_STALE, f"{now - at:.0f} s old, at most {max_age:.0f} s")
    up, total = signal.targets_up, signal.targets_total
    if (up / total if total else 0.0) < min_coverage:
        detail = f"{up} of {total} targets answered, at least {min_coverage:.0%} needed"
        return Reading(None, Reason.COVERAGE_TOO_LOW, detail)
    return _trusted((value, _UP, ""))
