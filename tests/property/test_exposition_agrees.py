"""Pages are read as prometheus_client's parsers read them, wherever these take a page, and as the reference reads them.

The client's parsers take more than the formats allow ("a laxer parser than the main Go parser", it says), so that what
they take and we refuse proves nothing; there the reference must refuse, too. What we take and they refuse is no
deviation either: they judge lines and metadata that nobody wants.
"""

import random
import re
from collections.abc import Callable, Iterable, Mapping

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import generate_latest as as_text
from prometheus_client.openmetrics.exposition import generate_latest as as_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from prometheus_client.registry import Collector

from autoscaler.model.signals import Column
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.exposition import PageMemory, Pages, Unparsable
from tests.fuzz import exporter
from tests.property.exposition_reference import Malformed, reading

TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NOW = 1_800_000_000.0
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
    family = CounterMetricFamily("requests", "counted", labels=["zone", "host.name"])
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


@st.composite
def summaries(draw: st.DrawFn) -> Metric:
    family = SummaryMetricFamily("pause.seconds", "a name in quotes", labels=["zone", "host"])
    for labels in draw(label_sets):
        family.add_metric(labels, int(draw(counts)), draw(counts))
    return family


pages = st.tuples(gauges(), counters(), histograms(), summaries())


def client_text(body: str) -> Iterable[Metric]:
    return read_text(body)


def client_openmetrics(body: str) -> Iterable[Metric]:
    families: Iterable[Metric] = read_openmetrics(body)  # type: ignore[no-untyped-call]  # the client leaves it untyped
    return families


def stated(families: Iterable[Metric], wanted: Callable[[str], bool] = lambda _: True) -> Read:
    """An empty label is no label. A series that stands twice has no single value."""
    found: Read = {}
    for sample in (sample for family in families for sample in family.samples if wanted(sample.name)):
        labels = frozenset((name, value) for name, value in sample.labels.items() if value)
        key = sample.name, labels
        at = None if sample.timestamp is None else float(sample.timestamp)
        found[key] = ("twice", None) if key in found else (repr(float(sample.value)), at)
    return found


def client_reading(body: bytes, *, openmetrics: bool) -> Read | None:
    """Of the wanted metrics; None if the client refuses the page, or reads it in a way that is known and its own.

    Its own: it takes any white space of Unicode for blanks, names for labels, and counters by another name.
    """
    text = body.decode(errors="replace")
    if re.search(r"[^\S \t\n\r]|\x00|counter", text):
        return None
    try:
        return stated((client_openmetrics if openmetrics else client_text)(text), exporter.WANTED.__contains__)
    except Exception:  # noqa: BLE001  # it refuses pages with whatever exception it meets
        return None


def read(columns: Mapping[str, Column]) -> Read:
    found: Read = {}
    for metric, column in columns.items():
        at = [column.at] * len(column.values) if isinstance(column.at, float | int) else column.at
        for labels, value, time in zip(column.series, column.values, at, strict=True):
            found[metric, frozenset(labels.items())] = repr(value), None if time == NOW else time
    return found


def target(wanted: Iterable[str]) -> PageMemory:
    return Pages(frozenset(wanted), ScrapeConfig(job_name="edge")).target()


@given(st.lists(pages, min_size=1, max_size=3))
def test_pages_of_text_say_what_was_put_in(several: list[tuple[Metric, ...]]) -> None:
    memory = target(name for families in several for name, _ in stated(families))
    for families in several:
        body = as_text(Fixed(families), escaping="allow-utf-8")
        found = read(memory.read(body, TEXT, NOW)) if body else {}
        assert found == stated(families)
        assert found == stated(client_text(body.decode()))


@given(st.lists(pages, min_size=1, max_size=3))
def test_openmetrics_pages_say_what_was_put_in(several: list[tuple[Metric, ...]]) -> None:
    memory = target(name for families in several for name, _ in stated(families))
    for families in several:
        body: bytes = as_openmetrics(Fixed(families), escaping="allow-utf-8")  # type: ignore[no-untyped-call]  # as above
        found = read(memory.read(body, OPENMETRICS, NOW))
        assert found == stated(families)
        assert found == stated(client_openmetrics(body.decode()))


def broken_pages(seed: int) -> Iterable[tuple[bytes, bool]]:
    """A few pages of one exporter, some of them broken, and whether they are meant to be OpenMetrics."""
    dice = random.Random(seed)  # noqa: S311  # a page needs no secret
    program = exporter.Exporter(dice)
    for _ in range(4):
        body = program.page()
        yield (exporter.broken(body, dice) if dice.randrange(2) else body), program.openmetrics
        program.change()


@settings(max_examples=400)
@given(st.integers(min_value=0, max_value=2**64))
def test_pages_broken_at_random_are_read_as_the_client_and_the_reference_read_them(seed: int) -> None:
    memory = target(exporter.WANTED)
    for body, openmetrics in broken_pages(seed):
        expected: object
        try:
            expected = reading(body, exporter.WANTED, openmetrics=openmetrics)
        except (Malformed, ValueError, IndexError):
            expected = None
        try:
            found = read(memory.read(body, OPENMETRICS if openmetrics else TEXT, NOW))
        except Unparsable:
            found = None
        assert found == expected
        client = client_reading(body, openmetrics=openmetrics)
        if found is not None and client is not None:
            assert found == client
