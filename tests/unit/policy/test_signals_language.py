"""What a policy file may say about signals, and what it is told when something else would be right."""

from typing import Any

import pytest
from pydantic import ValidationError

from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.signals.spec import SignalSpec
from tests.unit.policy.builders import document, signal_spec


def mistake(*signals: dict[str, Any]) -> tuple[str, str]:
    """Where and what, for the first mistake in a policy's signals."""
    with pytest.raises(ValidationError) as caught:
        ScalingPolicy.model_validate(document(signals=list(signals)))
    error = caught.value.errors()[0]
    return ".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, ")


def scraped(**scrape: object) -> dict[str, Any]:
    return {"name": "rps", "scrape": {"job": "edge", "metric": "rps_total", **scrape}}


def ratio(of: str, to: str, name: str = "share", **more: object) -> dict[str, Any]:
    return {"name": name, "ratio": {"of": of, "to": to}, **more}


def test_every_origin_knows_its_source() -> None:
    written = [
        scraped(),
        {"name": "rps", "promql": {"server": "main", "query": "up"}},
        {"name": "rps", "alert": {"receiver": "pager", "alertname": "Saturated"}},
        ratio("a", "b"),
    ]
    assert [SignalSpec.model_validate(one).source for one in written] == ["edge", "main", "pager", None]


def test_the_defaults_of_a_signal_are_those_of_old_files() -> None:
    spec = SignalSpec.model_validate(scraped())
    assert spec.scrape is not None
    assert (spec.scrape.function, spec.scrape.reduce, spec.scrape.window, spec.absent) == ("last", "sum", 60, "missing")


@pytest.mark.parametrize(
    "scrape",
    [
        {"function": "rate", "windowSeconds": 120},
        {"function": "increase", "reduce": "quantile", "quantile": 0},
        {"reduce": "quantile", "quantile": 1},
        {"metric": "x_bucket", "function": "rate", "reduce": "histogramQuantile", "quantile": 0.99},
    ],
)
def test_what_fits_together_is_taken(scrape: dict[str, object]) -> None:
    assert ScalingPolicy.model_validate(document(signals=[scraped(**scrape)])).spec.signals[0].scrape is not None


@pytest.mark.parametrize(
    ("scrape", "text"),
    [
        (
            {"reduce": "quantile"},
            "`reduce: quantile` needs `quantile`, a number from 0 to 1, e.g. `quantile: 0.99`",
        ),
        (
            {"quantile": 0.5},
            "`quantile` belongs to `reduce: quantile` or `histogramQuantile`; remove it or name one",
        ),
        (
            {"windowSeconds": 60},
            "`windowSeconds` belongs to `function: rate` or `increase`; the last value has no window",
        ),
        (
            {"function": "rate", "reduce": "histogramQuantile", "quantile": 0.5},
            "`reduce: histogramQuantile` reads the buckets of a histogram; write `metric: rps_total_bucket`",
        ),
        (
            {"metric": "x_bucket", "reduce": "histogramQuantile", "quantile": 0.5},
            "buckets count since their process started, a quantile needs what is new; write `function: rate`",
        ),
    ],
)
def test_a_scraped_signal_that_does_not_fit_together_says_what_would_be_right(
    scrape: dict[str, object], text: str
) -> None:
    assert mistake(scraped(**scrape)) == ("spec.signals.0.scrape", text)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("quantile", 1.1, "Input should be less than or equal to 1"),
        ("quantile", -0.1, "Input should be greater than or equal to 0"),
        ("windowSeconds", 0, "Input should be greater than 0"),
        ("windowSeconds", 3601, "Input should be less than or equal to 3600"),
        ("function", "delta", "Input should be 'last', 'rate' or 'increase'"),
    ],
)
def test_a_number_out_of_its_range_is_refused(key: str, value: object, text: str) -> None:
    assert mistake(scraped(**{key: value})) == (f"spec.signals.0.scrape.{key}", text)


@pytest.mark.parametrize("reduce", ["histogramQuantile", "last"])
def test_an_answer_is_reduced_plainly(reduce: str) -> None:
    where, _ = mistake({"name": "rps", "promql": {"server": "main", "query": "up", "reduce": reduce}})
    assert where == "spec.signals.0.promql.reduce"


@pytest.mark.parametrize(
    ("signals", "text"),
    [
        ([ratio("rps", "cpu")], "signals[1].ratio.to: no signal 'cpu'; there is rps"),
        (
            [ratio("share", "rps")],
            "signals[1].ratio.of: 'share' is a ratio itself, name another; there is rps",
        ),
        (
            [ratio("rps", "other"), ratio("rps", "share", "other")],
            "signals[1].ratio.to: 'other' is a ratio itself, name another; there is rps",
        ),
        ([ratio("rps", "rps")], "signals[1].ratio: 'rps' to itself is always 1; name two signals"),
    ],
)
def test_a_ratio_is_made_of_two_other_signals_that_are_there(signals: list[dict[str, Any]], text: str) -> None:
    assert mistake(signal_spec(), *signals) == ("spec.signals", text)


def test_a_ratio_has_no_absence_of_its_own() -> None:
    where, text = mistake(signal_spec(), signal_spec("cpu"), ratio("rps", "cpu", absent="zero"))
    assert (where, text) == (
        "spec.signals.2",
        "a ratio has no series of its own; write `absent: zero` at the signal that it is made of",
    )


def test_a_rule_may_read_a_ratio() -> None:
    signals = [signal_spec(), signal_spec("cpu"), ratio("cpu", "rps", "share")]
    rule = {"type": "TargetTracking", "signal": "share", "target": {"type": "Value", "value": 1}}
    assert ScalingPolicy.model_validate(document(signals=signals, rules=[rule])).spec.rules[0].signal == "share"
