"""Whatever the reference client exposes is read back as it was put in, and as the reference parser reads it."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest as as_text
from prometheus_client.openmetrics.exposition import generate_latest as as_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from prometheus_client.registry import Collector

from autoscaler.sources.exposition import Exposed, parse

Key = tuple[str, frozenset[tuple[str, str]]]
Read = dict[Key, tuple[str, float | None]]

label_values = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=8)
label_sets = st.lists(st.tuples(label_values, label_values), max_size=4, unique=True)
numbers = st.floats(allow_nan=True, allow_infinity=True)
counts = st.integers(min_value=0, max_value=10**9).map(float)
times = st.none() | st.integers(min_value=0, max_value=16_000_000_000).map(lambda eighths: eighths / 8)
"""Seconds, in steps that milliseconds, nanoseconds and floats can all say exactly."""


class Fixed(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


@st.composite
def gauges(draw: st.DrawFn) -> Metric:
    family = GaugeMetricFamily("load", 'with "quotes",\nlines and \\', labels=["zone", "host"])
    for labels in draw(label_sets):
        family.add_metric(labels, draw(numbers), draw(times))
    return family


@st.composite
def counters(draw: st.DrawFn) -> Metric:
    family = CounterMetricFamily("requests", "counted", labels=["zone", "host"])
    for labels in draw(label_sets):
        family.add_metric(labels, draw(counts), timestamp=draw(times))
    return family


@st.composite
def histograms(draw: st.DrawFn) -> Metric:
    family = HistogramMetricFamily("seconds", "observed", labels=["zone", "host"])
    for labels in draw(label_sets):
        small, all_of_them = sorted((draw(counts), draw(counts)))
        family.add_metric(labels, [("0.5", small), ("+Inf", all_of_them)], draw(counts))
    return family


pages = st.tuples(gauges(), counters(), histograms())


def comparable(value: float, at: float | None) -> tuple[str, float | None]:
    """NaN equals NaN here."""
    return repr(value), at


def stated(families: Iterable[Metric]) -> Read:
    return {
        (s.name, frozenset(s.labels.items())): comparable(
            float(s.value), None if s.timestamp is None else float(s.timestamp)
        )
        for family in families
        for s in family.samples
    }


def read(samples: Iterable[Exposed]) -> Read:
    return {(s.metric, frozenset(s.labels.items())): comparable(s.value, s.at) for s in samples}


@given(pages)
def test_a_page_of_text_says_what_was_put_in(families: tuple[Metric, ...]) -> None:
    body = as_text(Fixed(families))
    expected = stated(families)
    found = read(parse(body, "text/plain; version=0.0.4", {name for name, _ in expected}))
    assert found == expected
    assert found == stated(read_text(body.decode()))


@given(pages)
def test_an_openmetrics_page_says_what_was_put_in(families: tuple[Metric, ...]) -> None:
    body: bytes = as_openmetrics(Fixed(families))  # type: ignore[no-untyped-call]  # the client leaves it untyped
    expected = stated(families)
    found = read(parse(body, "application/openmetrics-text; version=1.0.0", {name for name, _ in expected}))
    assert found == expected
    assert found == stated(read_openmetrics(body.decode()))  # type: ignore[no-untyped-call]  # as above
