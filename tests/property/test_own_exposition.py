"""The page of kept lines is the page of the Prometheus client library, whatever the names, labels, values and order."""

import math
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import ALLOWUTF8, DOTS, UNDERSCORES, VALUES
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from prometheus_client.registry import Collector

from autoscaler.telemetry.exposition import SAMPLES_A_SLICE, Encode, Exposition
from autoscaler.telemetry.families import Families, Family, Labels, Series, as_text
from autoscaler.telemetry.instruments import build_info

FORMATS: dict[str, Encode] = {
    "text 0.0.4": generate_latest,
    "OpenMetrics": generate_openmetrics,
    **{f"text 1.0.0, {how}": partial(generate_latest, escaping=how) for how in (ALLOWUTF8, UNDERSCORES, DOTS, VALUES)},
    **{f"OpenMetrics, {how}": partial(generate_openmetrics, escaping=how) for how in (ALLOWUTF8, DOTS, VALUES)},
}
REGIONS = (
    "cn-beijing-cmcc-2",
    "cn-wuxi",
    'with "quotes"',
    "two\nlines",
    "back\\slash\\n",
    "",
    "région 東京 \U0001f600",
    "\r\t ",
)
VALUES_OF_ANY_KIND = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**18), 10**18),
    st.sampled_from([0, 0.0, -0.0, 1e6, 999999.5, -1e6, 1e15, 1e16, 1e-5, 1.7e9 + 0.25, math.inf, -math.inf, math.nan]),
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(REGIONS), st.one_of(st.none(), VALUES_OF_ANY_KIND)), max_size=40
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.fixture(autouse=True, scope="module")
def no_created_series() -> None:
    """As in the daemon, where `build_info` turns them off: a switch of the whole process."""
    build_info(CollectorRegistry(), "1.2.3")


class Both:
    """The same series, kept by the library and by us."""

    def __init__(self, documentation: str = "Help.") -> None:
        self.library = CollectorRegistry()
        self.families = Families()
        self.page = Exposition(CollectorRegistry(), self.families, ())
        self._gauges = [Gauge(f"our_gauge_{n}", documentation, ["region"], registry=self.library) for n in range(3)]
        self._kept: list[Family] = [self.families.gauge(f"our_gauge_{n}", documentation) for n in range(3)]
        self._series: dict[tuple[int, str], Series] = {}

    def change(self, which: int, region: str, value: float | None) -> None:
        if (which, region) not in self._series:
            self._series[which, region] = self._kept[which].series(Labels({"region": region}))
        self._series[which, region].set(value)
        if value is None:
            self._gauges[which].remove(region)
        else:
            self._gauges[which].labels(region).set(value)


def rendered(page: Exposition, encode: Encode, meanwhile: Callable[[], object] = lambda: None) -> bytes:
    """The page, made turn by turn; `meanwhile` has the event loop between two turns."""
    making: Coroutine[Any, Any, bytes] = page.render(encode)
    try:
        while True:
            making.send(None)
            meanwhile()
    except StopIteration as done:
        return bytes(done.value)


@pytest.mark.parametrize("encode", FORMATS.values(), ids=FORMATS.keys())
@settings(max_examples=40)
@given(changes=CHANGES, documentation=TEXT)
@example(changes=[(0, "cn-wuxi", -0.0), (0, "cn-wuxi", 0.0)], documentation='a \\ \n"b"')
@example(changes=[(0, "cn-wuxi", 1), (1, "b", 2), (0, "cn-wuxi", None), (1, "b", None), (1, "b", 2)], documentation="")
def test_the_page_is_byte_for_byte_what_the_library_prints(
    encode: Encode, changes: list[tuple[int, str, float | None]], documentation: str
) -> None:
    both = Both(documentation)
    for change in changes:
        both.change(*change)
    assert rendered(both.page, encode) == encode(both.library)
    assert encode(both.page) == encode(both.library)  # by way of the library's own classes, too


@given(changes=CHANGES)
def test_the_librarys_parsers_read_back_every_value(changes: list[tuple[int, str, float | None]]) -> None:
    both, expected = Both(), dict[tuple[str, str], float]()
    for which, region, value in changes:
        both.change(which, region, value)
        expected.pop((f"our_gauge_{which}", region), None)
        if value is not None:
            expected[f"our_gauge_{which}", region] = float(value)
    for encode, read in ((generate_latest, parse), (generate_openmetrics, parse_openmetrics)):
        families = list(read(rendered(both.page, encode).decode()))
        samples = [sample for family in families for sample in family.samples]
        found = {(sample.name, sample.labels["region"]): sample.value for sample in samples}
        assert len(found) == len(samples)
        assert repr(dict(sorted(found.items()))) == repr(dict(sorted(expected.items())))
        assert {family.type for family in families} == {"gauge"}


@given(changes=CHANGES)
def test_a_number_is_written_as_the_library_writes_it(changes: list[tuple[int, str, float | None]]) -> None:
    for _, _, value in changes:
        if value is not None:
            library = CollectorRegistry()
            Gauge("g", "Help.", registry=library).set(value)
            assert f"g {as_text(value)}\n" in generate_latest(library).decode()


@settings(max_examples=40)
@given(name=TEXT, amounts=st.lists(st.floats(0, 1e12), max_size=5))
@pytest.mark.parametrize("encode", FORMATS.values(), ids=FORMATS.keys())
def test_counters_are_equal_too_and_have_several_labels(encode: Encode, name: str, amounts: list[float]) -> None:
    library, families = CollectorRegistry(), Families()
    counter = Counter("things_total", "Help.", ["zone", "kind"], registry=library).labels(name, "a")
    series = families.counter("things_total", "Help.").series(Labels({"zone": name, "kind": "a"}))
    series.set(0)
    for amount in amounts:
        counter.inc(amount)
        series.add(amount)
    assert rendered(Exposition(CollectorRegistry(), families, ()), encode) == encode(library)


@pytest.mark.parametrize("kind", ["changed", "removed"])
@pytest.mark.parametrize("encode", FORMATS.values(), ids=FORMATS.keys())
def test_what_changes_while_the_page_is_made_does_not_tear_it(
    encode: Encode, kind: Literal["changed", "removed"]
) -> None:
    both = Both()
    regions = [f"region-{n}" for n in range(2 * SAMPLES_A_SLICE)]
    for which in range(3):
        for region in regions:
            both.change(which, region, 1)
    before = encode(both.library)
    left = iter([(which, region) for which in (2, 1, 0) for region in regions])

    def meanwhile() -> None:
        for change, _ in zip(left, range(200), strict=False):
            both.change(*change, 2 if kind == "changed" else None)

    assert rendered(both.page, encode, meanwhile) == before


@pytest.mark.parametrize("encode", FORMATS.values(), ids=FORMATS.keys())
def test_the_librarys_own_families_are_printed_in_bounded_slices_and_equal(encode: Encode) -> None:
    library = CollectorRegistry()
    histogram = Histogram("took_seconds", "Help.", ["source"], registry=library)
    for n in range(SAMPLES_A_SLICE // 5):
        histogram.labels(f"source {n}").observe(n)
    Gauge("of_nothing", "No series yet.", ["source"], registry=library)
    sizes: list[int] = []

    def counting(collector: Collector) -> bytes:
        sizes.append(sum(len(metric.samples) for metric in collector.collect()))
        return encode(collector)

    assert rendered(Exposition(library, Families(), ()), counting) == encode(library)
    assert SAMPLES_A_SLICE // 2 < max(sizes) <= SAMPLES_A_SLICE < sum(sizes)
