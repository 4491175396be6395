"""What can not be trusted has no value, and says why."""

import math

import pytest

from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.policy.trust import Reading, read
from tests.unit.policy.builders import NOW, REGION, signal


def judged(one: Signal | None, max_age: float = 90, min_coverage: float = 0.5) -> Reading:
    return read(one, max_age=max_age, min_coverage=min_coverage, now=NOW)


def test_a_fresh_well_covered_number_is_trusted() -> None:
    assert judged(signal(42.0)) == Reading(42.0)


def test_zero_is_a_number_and_not_a_missing_one() -> None:
    assert judged(signal(0.0)) == Reading(0.0)


@pytest.mark.parametrize(
    ("one", "reason", "detail"),
    [
        (None, Reason.SIGNAL_MISSING, "its source has not answered yet"),
        (signal(None), Reason.SIGNAL_MISSING, "no sample"),
        (signal(None, detail="no series of x"), Reason.SIGNAL_MISSING, "no series of x"),
        (Signal(REGION, "rps", 5.0, None, 4, 4), Reason.SIGNAL_MISSING, "no sample"),
        (signal(math.nan), Reason.SIGNAL_NOT_A_NUMBER, "value is nan"),
        (signal(math.inf), Reason.SIGNAL_NOT_A_NUMBER, "value is inf"),
        (signal(-math.inf), Reason.SIGNAL_NOT_A_NUMBER, "value is -inf"),
        (signal(1.0, age=-61), Reason.SIGNAL_IN_FUTURE, "stamped 61 s ahead of this machine's clock"),
        (signal(0.0, age=91), Reason.SIGNAL_STALE, "91 s old, at most 90 s"),
        (signal(1.0, age=91), Reason.SIGNAL_STALE, "91 s old, at most 90 s"),
        (Signal(REGION, "rps", 5.0, math.nan, 4, 4), Reason.SIGNAL_STALE, "nan s old, at most 90 s"),
        (signal(1.0, up=1, total=4), Reason.COVERAGE_TOO_LOW, "1 of 4 targets answered, at least 50% needed"),
        (signal(1.0, up=0, total=0), Reason.COVERAGE_TOO_LOW, "0 of 0 targets answered, at least 50% needed"),
    ],
)
def test_a_signal_that_can_not_be_trusted_has_no_value_and_a_reason(
    one: Signal | None, reason: Reason, detail: str
) -> None:
    assert judged(one) == Reading(None, reason, detail)


def test_the_limits_themselves_are_still_trusted() -> None:
    assert judged(signal(1.0, age=90)).value == 1.0
    assert judged(signal(1.0, up=2, total=4)).value == 1.0


def test_a_zero_that_is_stated_is_judged_like_any_other_number() -> None:
    stated = signal(0.0, reason=Reason.ABSENT_IS_ZERO, detail="no series of x on 4 answering targets: zero")
    assert judged(stated) == Reading(0.0)
    assert judged(signal(0.0, up=1, reason=Reason.ABSENT_IS_ZERO)).reason is Reason.COVERAGE_TOO_LOW
