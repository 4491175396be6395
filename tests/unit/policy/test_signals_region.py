"""All signals of a region: each read from its source, ratios made of what is there."""

import math

import pytest

from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.policy.signals.region import RegionSignals, divide
from autoscaler.policy.signals.spec import SignalSpec
from tests.unit.policy.builders import NOW, REGION, said, signal, stating

SPECS = tuple(
    SignalSpec.model_validate(one)
    for one in (
        {"name": "used", "scrape": {"job": "edge", "metric": "used_bytes"}},
        {"name": "limit", "promql": {"server": "main", "query": "limit"}},
        {"name": "share", "ratio": {"of": "used", "to": "limit"}},
    )
)


def quotient(of: Signal, to: Signal) -> Signal:
    return divide("share", of, to)


def test_a_ratio_is_there_once_both_of_its_sources_have_answered() -> None:
    one = RegionSignals(REGION, SPECS)
    assert one.sources == {"edge", "main"}
    one.read("edge", said(stating(30, metric="used_bytes")))
    before = one.signals
    assert set(before) == {"used"}
    one.read("main", said(stating(60, target="limit", metric="limit")))
    assert one.signals["share"].value == 0.5
    assert set(before) == {"used"}, "what was given out does not change"


def test_a_ratio_follows_either_of_its_signals() -> None:
    one = RegionSignals(REGION, SPECS)
    one.read("main", said(stating(60, target="limit", metric="limit")))
    for used, share in ((30, 0.5), (45, 0.75)):
        one.read("edge", said(stating(used, metric="used_bytes")))
        assert one.signals["share"].value == share


def test_a_source_that_no_signal_names_changes_nothing() -> None:
    one = RegionSignals(REGION, SPECS)
    one.read("other", said(stating(30, metric="used_bytes")))
    assert one.signals == {}


def test_a_ratio_is_as_old_and_as_thin_as_the_worse_of_the_two() -> None:
    one = quotient(signal(6, age=5, up=1, total=4), signal(3, age=50, up=3, total=4))
    assert one == Signal(REGION, "share", 2.0, NOW - 50, 1, 4)


@pytest.mark.parametrize("value", [5.0, 0.0, -5.0])
def test_a_ratio_to_zero_is_missing(value: float) -> None:
    one = quotient(signal(value, name="used"), signal(0.0, name="limit"))
    assert (one.value, one.at, one.reason) == (None, None, Reason.DIVISION_BY_ZERO)
    assert one.detail == f"used is {value:g}, limit is 0"


def test_a_ratio_of_what_is_missing_is_missing_for_the_same_reason() -> None:
    lost = signal(None, name="limit", up=0, reason=Reason.TIMED_OUT, detail="none of 4 targets answered")
    for one in (quotient(signal(1.0), lost), quotient(lost, signal(1.0))):
        assert (one.value, one.reason, one.targets_up) == (None, Reason.TIMED_OUT, 0)
        assert one.detail == "limit is missing: none of 4 targets answered"


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_ratio_with_what_is_no_number_is_no_number_and_never_zero(odd: float) -> None:
    for one in (quotient(signal(1.0), signal(odd)), quotient(signal(odd), signal(1.0))):
        assert one.value is not None
        assert math.isnan(one.value)
