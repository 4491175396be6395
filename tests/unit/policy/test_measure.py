"""From what targets state to one number per region, with the age of its oldest sample and its coverage."""

import math
from dataclasses import replace

import pytest

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal, TargetStatus
from tests.unit.policy.builders import NOW, REGION, column, down, measured, said, stating, up

WHOLE = RegionId("")
QUERY = "sum by (region) (rate(requests_total[1m]))"
REDUCERS = ["sum", "avg", "min", "max"]


def scraped(*targets: TargetStatus, absent: object = "missing", **scrape: object) -> Signal:
    """One wave, read as the signal that the keys of `scrape` make; half of the targets must answer."""
    written = {"scrape": {"job": "edge", "metric": "rps_value", **scrape}}
    return measured({**written, "absent": absent, "minCoverage": 0.5}, said(*targets))


def queried(*targets: TargetStatus, absent: str = "missing", **promql: object) -> Signal:
    return measured({"promql": {"server": "main", "query": QUERY, **promql}, "absent": absent}, said(*targets))


def answer(*values: float, at: float = NOW) -> TargetStatus:
    """The query's answer for the region."""
    return stating(*values, target=QUERY, metric=QUERY, at=at)


@pytest.mark.parametrize(
    ("reduce", "value"),
    [
        ({"reduce": "sum"}, 12.0),
        ({"reduce": "avg"}, 4.0),
        ({"reduce": "min"}, 1.0),
        ({"reduce": "max"}, 8.0),
        ({"reduce": "count"}, 3.0),
        ({"reduce": "quantile", "quantile": 0.5}, 3.0),
        ({"reduce": "quantile", "quantile": 0.75}, 5.5),
        ({"reduce": "quantile", "quantile": 1}, 8.0),
    ],
)
def test_each_reducer_makes_one_number_of_the_regions_series(reduce: dict[str, object], value: float) -> None:
    assert scraped(stating(1, target="a"), stating(3, 8, target="b"), **reduce).value == value


def test_the_sum_is_taken_when_no_reducer_is_named() -> None:
    assert scraped(stating(1, 2)).value == 3.0


def test_a_sum_does_not_depend_on_the_order_of_its_series() -> None:
    values = [1e16, 1.0, -1e16, 1.0]
    assert scraped(stating(*values)).value == scraped(stating(*values[::-1])).value == 2.0


def test_only_series_with_all_of_the_labels_count() -> None:
    series = [
        {"path": "/a", "code": "200", "extra": "kept"},
        {"path": "/a", "code": "500"},
        {"path": "/a"},
        {"code": "200"},
    ]
    one = scraped(stating(1, 10, 100, 1000, series=series), matchLabels={"path": "/a", "code": "200"})
    assert one.value == 1.0


def test_labels_of_the_target_are_labels_of_its_series() -> None:
    """And they win over those on the page, which are then called exported_<name>, as in Prometheus."""
    page = {"rps_value": column(5, series=[{"rack": "page"}])}
    target = up(columns=page, labels={"rack": "target"})
    assert scraped(target, matchLabels={"rack": "target"}).value == 5
    assert scraped(target, matchLabels={"exported_rack": "page"}).value == 5
    assert scraped(target, matchLabels={"rack": "page"}).value is None


def test_other_metrics_are_not_mixed_in() -> None:
    one = scraped(up(columns={"rps_value": column(1), "cpu": column(100)}))
    assert (one.value, one.targets_up, one.targets_total) == (1.0, 1, 1)


@pytest.mark.parametrize("reduce", [*({"reduce": one} for one in REDUCERS), {"reduce": "quantile", "quantile": 0.1}])
def test_one_series_that_is_not_a_number_poisons_the_value_whatever_the_order(reduce: dict[str, object]) -> None:
    for values in ([math.nan, 1.0, 2.0], [1.0, math.nan, 2.0], [1.0, 2.0, math.nan]):
        value = scraped(stating(*values), **reduce).value
        assert value is not None
        assert math.isnan(value)


def test_a_series_is_counted_whatever_its_value() -> None:
    assert scraped(stating(math.nan, 1.0), reduce="count").value == 2.0


def test_what_the_server_remarked_stands_beside_the_value() -> None:
    remark = "not every storage node answered"
    one = replace(stating(5, target=QUERY, metric=QUERY), detail=remark)
    assert (queried(one).value, queried(one).detail) == (5.0, remark)


@pytest.mark.parametrize("values", [[math.inf, -math.inf], [1.7e308, 1.7e308]])
def test_a_sum_that_is_no_number_is_no_crash(values: list[float]) -> None:
    value = scraped(stating(*values)).value
    assert value is not None
    assert not math.isfinite(value)


def test_the_value_is_as_old_as_its_oldest_sample() -> None:
    one = scraped(stating(1, at=NOW - 3, target="a"), stating(1, at=NOW - 40, target="b"))
    assert one.at == NOW - 40
    assert one.age(NOW) == 40


def test_the_age_is_that_of_the_samples_own_timestamps() -> None:
    assert scraped(stating(1, 2, 3, at=[NOW - 3, NOW - 240, NOW])).at == NOW - 240


def test_the_age_ignores_series_that_are_not_in_the_value() -> None:
    target = stating(1, 1, at=[NOW - 3, NOW - 40], series=[{"path": "/a"}, {}])
    assert scraped(target, matchLabels={"path": "/a"}).at == NOW - 3


def test_coverage_counts_the_targets_that_answered_with_the_metric() -> None:
    other = up("without", columns={"cpu": column(1)})
    one = scraped(stating(1, 1, target="with"), other, down("dead"), stating(1, target="also"))
    assert (one.targets_up, one.targets_total, one.coverage) == (2, 4, 0.5)


def test_what_a_target_stated_that_did_not_answer_is_not_used() -> None:
    half = TargetStatus("a", REGION, False, Reason.TIMED_OUT, columns={"rps_value": column(5)})
    one = scraped(half, stating(1, target="b"))
    assert (one.value, one.targets_up, one.targets_total) == (1.0, 1, 2)


@pytest.mark.parametrize(
    ("targets", "reason", "detail"),
    [
        ([], Reason.NO_TARGETS, "the source knows no target in this region"),
        ([up("a"), up("b")], Reason.SERIES_ABSENT, "no series of rps_value on 2 answering targets"),
        ([down("a"), down("b")], Reason.TIMED_OUT, "none of 2 targets answered (TimedOut 2)"),
        (
            [down("a", reason=Reason.DNS_FAILED), down("b"), down("c")],
            Reason.TIMED_OUT,
            "none of 3 targets answered (TimedOut 2, DnsFailed 1)",
        ),
        (
            [up("a"), down("b")],
            Reason.SERIES_ABSENT,
            "no series of rps_value on 1 answering targets; 1 others are silent (TimedOut 1)",
        ),
        ([stating(target="a")], Reason.SERIES_ABSENT, "no series of rps_value on 1 answering targets"),
    ],
)
def test_a_missing_value_is_none_and_says_why(targets: list[TargetStatus], reason: Reason, detail: str) -> None:
    assert scraped(*targets) == Signal(REGION, "rps", None, None, 0, len(targets), reason, detail)


@pytest.mark.parametrize("function", ["last", "rate", "increase"])
def test_a_zero_is_stated_where_targets_answer_without_the_series(function: str) -> None:
    one = scraped(up("a"), up("b"), down("c"), absent="zero", function=function)
    assert (one.value, one.at, one.targets_up, one.targets_total) == (0.0, NOW, 2, 3)
    assert one.reason is Reason.ABSENT_IS_ZERO
    assert one.detail == "no series of rps_value on 2 answering targets: zero, as `absent` states"


@pytest.mark.parametrize(
    "targets",
    [
        [],
        [down("a"), down("b")],
        [up("a"), down("b"), down("c")],  # coverage 1/3
    ],
)
def test_a_zero_is_never_made_of_targets_that_do_not_answer(targets: list[TargetStatus]) -> None:
    assert scraped(*targets, absent="zero").value is None


def test_a_target_without_the_series_covers_where_absence_is_zero() -> None:
    one = scraped(stating(6, target="a"), up("b"), up("c"), down("d"), absent="zero", reduce="avg")
    assert (one.value, one.targets_up, one.targets_total) == (6.0, 3, 4)


def test_a_promql_answer_of_one_series_is_the_signal() -> None:
    assert queried(up(QUERY, WHOLE), answer(7.5, at=NOW - 9)) == Signal(REGION, "rps", 7.5, NOW - 9, 1, 1)


def test_a_region_that_the_answer_does_not_name_is_missing_and_not_zero() -> None:
    one = queried(up(QUERY, WHOLE))
    detail = "the answer has no series for this region"
    assert one == Signal(REGION, "rps", None, None, 0, 1, Reason.SERIES_ABSENT, detail)


def test_a_region_that_the_answer_does_not_name_is_zero_where_that_is_stated() -> None:
    one = queried(up(QUERY, WHOLE), absent="zero")
    assert (one.value, one.at, one.reason, one.coverage) == (0.0, NOW, Reason.ABSENT_IS_ZERO, 1.0)


@pytest.mark.parametrize("absent", ["missing", "zero"])
def test_a_failed_query_is_missing_with_its_reason(absent: str) -> None:
    one = queried(down(QUERY, WHOLE, Reason.BAD_STATUS, "503"), absent=absent)
    assert one == Signal(REGION, "rps", None, None, 0, 1, Reason.BAD_STATUS, "BadStatus: 503")


@pytest.mark.parametrize("absent", ["missing", "zero"])
def test_a_query_of_which_nothing_is_known_is_missing(absent: str) -> None:
    others = [down("up", WHOLE, Reason.BAD_STATUS), up("up", WHOLE), stating(5, target="up", metric="up")]
    assert queried(*others, absent=absent).reason is Reason.SERIES_ABSENT


def test_several_series_for_one_region_are_no_number_without_a_named_reducer() -> None:
    one = queried(answer(1, 2))
    assert (one.value, one.at, one.coverage, one.reason) == (None, None, 0.0, Reason.SEVERAL_SERIES)
    refused = queried(down(QUERY, REGION, Reason.SEVERAL_SERIES, "2 series"))
    assert (refused.value, refused.reason) == (None, Reason.SEVERAL_SERIES)


def test_a_named_reducer_makes_one_number_of_several_series() -> None:
    assert queried(answer(1, 2, 6), reduce="max").value == 6
    assert queried(answer(1, 2, 6), reduce="quantile", quantile=0.5).value == 2
    assert queried(answer(4), reduce="avg").value == 4


def alerted(*targets: TargetStatus, absent: str = "missing", **alert: object) -> Signal:
    written = {"alert": {"receiver": "pager", "alertname": "Saturated", **alert}, "absent": absent}
    return measured(written, said(*targets))


FIRING = stating(1, 1, metric="Saturated", series=[{"pod": "a"}, {"pod": "b"}], at=[NOW - 5, NOW])


def test_firing_alerts_are_counted_in_their_region() -> None:
    assert alerted(FIRING) == Signal(REGION, "rps", 2.0, NOW - 5, 1, 1)
    assert alerted(FIRING, reduce="max").value == 1
    assert alerted(FIRING, matchLabels={"pod": "b"}) == Signal(REGION, "rps", 1.0, NOW, 1, 1)


def test_no_firing_alert_is_zero_only_where_that_is_stated_and_the_receiver_is_well() -> None:
    well, lost = up("pager", WHOLE), down("pager", WHOLE, Reason.TIMED_OUT, "nothing heard for 600 s")
    assert alerted(well).reason is Reason.SERIES_ABSENT
    assert alerted(well, absent="zero").value == 0.0
    assert alerted(FIRING, absent="zero", matchLabels={"pod": "c"}).value == 0.0
    for absent in ("missing", "zero"):
        assert alerted(absent=absent).value is None
        one = alerted(lost, absent=absent)
        assert (one.value, one.reason, one.detail) == (None, Reason.TIMED_OUT, "TimedOut: nothing heard for 600 s")


def test_a_target_that_is_labelled_anew_is_looked_at_anew() -> None:
    page = {"rps_value": column(5)}
    before, after = (up(columns=page, labels={"tier": tier}) for tier in ("edge", "core"))
    written = {"scrape": {"job": "edge", "metric": "rps_value", "matchLabels": {"tier": "edge"}}}
    assert measured(written, said(before)).value == 5
    assert measured(written, said(before), said(after)).value is None
