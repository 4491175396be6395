"""Promises of the page: a tick pays little, a scrape is made in short turns and shows one moment."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock, patch

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from autoscaler.model.decision import Decision, Plan, Vote
from autoscaler.model.events import OrderChanged, PlanMade
from autoscaler.model.names import RegionId
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.settings.alertmanager import AlertReceiver
from autoscaler.telemetry import names
from autoscaler.telemetry.exposition import REGIONS_A_SLICE, Encode
from autoscaler.telemetry.families import Series
from autoscaler.telemetry.metrics import MetricsObserver
from autoscaler.web.alerts import AlertPage
from tests.unit.telemetry.test_metrics_observer import Scrape, an_order, everything

AT = 1_700_000_000.0
REGIONS = tuple(RegionId(f"cn-region-{n:04}") for n in range(1000))
DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"


def a_tick(at: float = AT, regions: Iterable[RegionId] = REGIONS, value: float = 0.5) -> PlanMade:
    def decided(region: RegionId) -> Decision:
        signals = (Signal(region, "cpu", value, at - 3, 3, 4), Signal(region, "sessions", 7.0, at - 4, 4, 4))
        votes = (Vote("track", 2, Reason.ABOVE_TARGET), Vote("floor", None, Reason.SIGNAL_STALE))
        return Decision(region, "default", at, None, 1, signals, votes, (), 2)

    return PlanMade(Plan(1, at, tuple(decided(region) for region in regions)), 0.001)


@pytest.fixture
def observer() -> MetricsObserver:
    return MetricsObserver(CollectorRegistry(), "1.2.3")


class Turns:
    """How often series were written, in each turn that the event loop gave to making a page."""

    def __init__(self, observer: MetricsObserver, encode: Encode = generate_latest) -> None:
        self.written: list[int] = []
        self.page = ""
        real, written = Series.set, self.written

        def counted(series: Series, value: float | None) -> None:
            written[-1] += 1
            real(series, value)

        making = observer.page.render(encode)
        with patch.object(Series, "set", counted):
            try:
                while True:
                    written.append(0)
                    making.send(None)
            except StopIteration as done:
                self.page = bytes(done.value).decode()


def test_a_tick_writes_no_gauge_and_the_next_scrape_each_once(observer: MetricsObserver) -> None:
    observer.notice(a_tick())  # the counters of the regions begin
    with patch.object(Series, "set", side_effect=AssertionError("a series was written in a tick")):
        for step in range(5):
            observer.notice(a_tick(AT + step, value=step))
    turns = Turns(observer)
    assert sum(turns.written) == len(REGIONS) * (5 + 2 * 3)
    assert f'autoscaler_signal_value{{region="{REGIONS[7]}",signal="cpu"}} 4.0' in turns.page
    assert sum(Turns(observer).written) == 0


def test_no_turn_writes_more_regions_than_a_slice(observer: MetricsObserver) -> None:
    observer.notice(a_tick())
    turns = Turns(observer)
    assert max(turns.written) <= REGIONS_A_SLICE * (5 + 2 * 3)
    assert len(turns.written) >= len(REGIONS) / REGIONS_A_SLICE


def test_what_is_decided_while_a_page_is_made_does_not_keep_it_from_its_end(observer: MetricsObserver) -> None:
    observer.notice(a_tick())
    making, turns = observer.page.render(generate_latest), 0
    try:
        while True:
            making.send(None)
            turns += 1
            assert turns < 100, "the page does not come to its end"
            observer.notice(a_tick(AT + turns))
    except StopIteration as done:
        page = bytes(done.value).decode()
    assert page.count("autoscaler_desired_nodes{") == len(REGIONS)


@pytest.mark.parametrize("encode", [generate_latest, generate_openmetrics])
def test_the_page_is_what_the_registry_shows(encode: Encode) -> None:
    scrape = Scrape()
    everything(scrape)
    scrape.notice(a_tick(regions=REGIONS[:3]))
    assert Turns(scrape.observer, encode).page == encode(scrape.registry).decode()


def test_a_region_that_left_before_a_scrape_never_comes_to_the_page(observer: MetricsObserver) -> None:
    observer.notice(a_tick(regions=REGIONS[:2]))
    observer.keep({REGIONS[0]})
    gauges = [line for line in Turns(observer).page.splitlines() if REGIONS[1] in line and "_total{" not in line]
    assert gauges == []


def test_a_region_that_comes_back_is_written_afresh(observer: MetricsObserver) -> None:
    for regions in (REGIONS[:2], REGIONS[:1], REGIONS[:2]):
        observer.notice(a_tick(regions=regions))
        assert Turns(observer).page.count("autoscaler_signal_value{") == 2 * len(regions)
        observer.keep({REGIONS[0]})


def test_what_waits_is_bounded_by_the_regions_when_nobody_scrapes(observer: MetricsObserver) -> None:
    for step in range(20):
        observer.notice(a_tick(AT + step, REGIONS[:10]))
    assert (len(observer._decisions), len(observer._human)) == (10, 10)


def test_abstentions_and_missing_signals_are_counted_by_their_reason(observer: MetricsObserver) -> None:
    plan = a_tick(regions=REGIONS[:3]).plan
    missing = Signal(REGIONS[0], "cpu", None, None, 0, 4, Reason.TIMED_OUT)
    first = plan.decisions[0]._replace(signals=(missing, plan.decisions[0].signals[1]))
    for _ in range(2):
        observer.notice(PlanMade(replace(plan, decisions=(first, *plan.decisions[1:])), 0.001))
    lines = Turns(observer).page.splitlines()
    assert 'autoscaler_abstentions_total{reason="SignalStale"} 6.0' in lines
    assert [line for line in lines if line.startswith("autoscaler_signals_missing_total{")] == [
        'autoscaler_signals_missing_total{reason="TimedOut",signal="cpu"} 2.0'
    ]


ROW = re.compile(r"^\| `(autoscaler_\w+)` \| (\w+) \| ([\w, ]*?) ?\|", re.MULTILINE)


def test_the_document_tells_type_and_labels_of_every_family_and_of_no_other() -> None:
    rows = ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    told = {name: (kind, set(labels.replace(",", " ").split())) for name, kind, labels in rows}
    scrape = Scrape()
    AlertPage([(AlertReceiver(name="pager"), Mock())], scrape.observer.scarce)
    everything(scrape)
    missing = Signal(REGIONS[1], "cpu", None, None, 0, 4, Reason.TIMED_OUT)
    decision = a_tick(regions=REGIONS[1:2]).plan.decisions[0]._replace(signals=(missing,))
    scrape.notice(a_tick(regions=REGIONS[:1]), PlanMade(Plan(2, AT, (decision,)), 0.001))
    scrape.notice(OrderChanged(replace(an_order(), state=OrderState.OVERDUE), OrderState.ACCEPTED))
    shown: dict[str, tuple[str, set[str]]] = {}
    for family in parse(scrape.page()):
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        shown[family.name + ("_total" if family.type == "counter" else "")] = (family.type, labels)
    assert told == shown


def test_every_name_is_in_the_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    ours = [
        str(value) for name, value in vars(names).items() if name.isupper() and str(value).startswith("autoscaler_")
    ]
    assert len(ours) > 30
    assert [name for name in ours if name not in text] == []
