"""From samples to one number per region, with the age of its oldest sample and its coverage."""

import math

import pytest

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Sample, Signal, TargetStatus
from autoscaler.policy.language import SignalSpec
from autoscaler.policy.signals import WaveIndex, measure
from tests.unit.policy.builders import NOW, REGION, down, sample, up, wave

OTHER = RegionId("cn-shanghai-cmcc-1")
QUERY = "sum by (region) (rate(requests_total[1m]))"


def scraped(targets: list[TargetStatus], samples: list[Sample], **scrape: object) -> Signal:
    spec = SignalSpec.model_validate({"name": "rps", "scrape": {"job": "edge", "metric": "rps_value", **scrape}})
    return measure(spec, REGION, WaveIndex(wave(targets, samples)))


def queried(targets: list[TargetStatus], samples: list[Sample], region: RegionId = REGION) -> Signal:
    spec = SignalSpec.model_validate({"name": "rps", "promql": {"server": "main", "query": QUERY}})
    return measure(spec, region, WaveIndex(wave(targets, samples)))


@pytest.mark.parametrize(("reduce", "value"), [("sum", 12.0), ("avg", 4.0), ("min", 1.0), ("max", 8.0)])
def test_each_reducer_makes_one_number_of_the_regions_series(reduce: str, value: float) -> None:
    series = [sample(1), sample(3, target="b"), sample(8, target="b", path="/x")]
    assert scraped([up("a"), up("b")], series, reduce=reduce).value == value


def test_the_sum_is_taken_when_no_reducer_is_named() -> None:
    assert scraped([up()], [sample(1), sample(2, path="/x")]).value == 3.0


def test_a_sum_does_not_depend_on_the_order_of_its_series() -> None:
    values = [1e16, 1.0, -1e16, 1.0]
    forward = [sample(value, series=str(index)) for index, value in enumerate(values)]
    assert scraped([up()], forward).value == scraped([up()], forward[::-1]).value == 2.0


def test_only_series_with_all_of_the_labels_count() -> None:
    series = [
        sample(1, path="/a", code="200", extra="kept"),
        sample(10, path="/a", code="500"),
        sample(100, path="/a"),
        sample(1000, code="200"),
    ]
    assert scraped([up()], series, matchLabels={"path": "/a", "code": "200"}).value == 1.0


def test_other_regions_and_other_metrics_are_not_mixed_in() -> None:
    series = [sample(1), sample(10, region=OTHER), sample(100, metric="cpu")]
    one = scraped([up(), up("z", OTHER)], series)
    assert (one.value, one.targets_up, one.targets_total) == (1.0, 1, 1)


@pytest.mark.parametrize("reduce", ["sum", "avg", "min", "max"])
def test_one_series_that_is_not_a_number_poisons_the_value_whatever_the_order(reduce: str) -> None:
    for values in ([math.nan, 1.0, 2.0], [1.0, math.nan, 2.0], [1.0, 2.0, math.nan]):
        value = scraped([up()], [sample(v, n=str(i)) for i, v in enumerate(values)], reduce=reduce).value
        assert value is not None
        assert math.isnan(value)


@pytest.mark.parametrize("values", [[math.inf, -math.inf], [1.7e308, 1.7e308]])
def test_a_sum_that_is_no_number_is_no_crash(values: list[float]) -> None:
    value = scraped([up()], [sample(v, n=str(i)) for i, v in enumerate(values)]).value
    assert value is not None
    assert not math.isfinite(value)


def test_the_value_is_as_old_as_its_oldest_sample() -> None:
    one = scraped([up("a"), up("b")], [sample(1, at=NOW - 3), sample(1, target="b", at=NOW - 40)])
    assert one.at == NOW - 40
    assert one.age(NOW) == 40


def test_the_age_ignores_series_that_are_not_in_the_value() -> None:
    one = scraped([up()], [sample(1, at=NOW - 3, path="/a"), sample(1, at=NOW - 40)], matchLabels={"path": "/a"})
    assert one.at == NOW - 3


def test_coverage_counts_the_targets_that_answered_with_the_metric() -> None:
    targets = [up("with"), up("without"), down("dead"), up("also")]
    series = [sample(1, target="with"), sample(1, target="with", path="/x"), sample(1, target="also")]
    one = scraped(targets, [*series, sample(1, target="without", metric="cpu")])
    assert (one.targets_up, one.targets_total, one.coverage) == (2, 4, 0.5)


@pytest.mark.parametrize(
    ("targets", "reason", "detail"),
    [
        ([], Reason.UP, "the source knows no target in this region"),
        ([up("a"), up("b")], Reason.UP, "no series of rps_value on 2 answering targets"),
        ([down("a"), down("b")], Reason.TIMED_OUT, "none of 2 targets answered (TimedOut)"),
        ([up("a"), down("b")], Reason.TIMED_OUT, "no series of rps_value on 1 answering targets"),
    ],
)
def test_a_missing_value_is_none_and_says_why(targets: list[TargetStatus], reason: Reason, detail: str) -> None:
    one = scraped(targets, [])
    assert one == Signal(REGION, "rps", None, None, 0, len(targets), reason, detail)


def test_a_promql_answer_of_one_series_is_the_signal() -> None:
    one = queried([up(QUERY, RegionId(""))], [sample(7.5, metric=QUERY, target=QUERY, at=NOW - 9)])
    assert one == Signal(REGION, "rps", 7.5, NOW - 9, 1, 1)


def test_a_region_that_the_answer_does_not_name_is_missing_and_not_zero() -> None:
    one = queried([up(QUERY, RegionId(""))], [sample(7.5, metric=QUERY, target=QUERY)], OTHER)
    assert one == Signal(OTHER, "rps", None, None, 0, 1, detail="the answer has no series for this region")


def test_a_failed_query_is_missing_in_every_region_with_its_reason() -> None:
    failed = down(QUERY, RegionId(""), Reason.BAD_STATUS, "503")
    for region in (REGION, OTHER):
        one = queried([failed], [], region)
        assert one == Signal(region, "rps", None, None, 0, 1, Reason.BAD_STATUS, "BadStatus: 503")


def test_the_failure_of_another_query_is_not_this_ones() -> None:
    one = queried([down("up", RegionId(""), Reason.BAD_STATUS)], [])
    assert (one.reason, one.detail) == (Reason.UP, "the answer has no series for this region")


def test_several_series_for_one_region_are_no_number() -> None:
    several = down(QUERY, REGION, Reason.SEVERAL_SERIES, "2 series")
    series = [sample(1, metric=QUERY, n="1"), sample(2, metric=QUERY, n="2")]
    for samples in (series, []):
        one = queried([up(QUERY, RegionId("")), several], samples)
        assert one == Signal(REGION, "rps", None, None, 0, 1, Reason.SEVERAL_SERIES, "SeveralSeries: 2 series")


def test_several_series_are_no_number_even_when_the_source_did_not_complain() -> None:
    one = queried([up(QUERY, RegionId(""))], [sample(1, metric=QUERY, n="1"), sample(2, metric=QUERY, n="2")])
    assert (one.value, one.at, one.coverage) == (None, None, 0.0)


def test_the_index_names_every_region_that_has_a_target() -> None:
    assert WaveIndex(wave([up(), down("z", OTHER)])).regions == {REGION, OTHER}
