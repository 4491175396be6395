"""Counters become rates: over the window that was measured, across resets, and never from a first sample."""

import math
from collections.abc import Mapping, Sequence

import pytest

from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal, TargetStatus
from autoscaler.policy.signals.gather import Growth
from autoscaler.policy.signals.series import CounterTrack
from tests.unit.policy.builders import NOW, REGION, column, down, measured, said, stating, up

ONE: tuple[Mapping[str, str], ...] = ({},)
TWO = ({"n": "0"}, {"n": "1"})


def rated(*passes: Sequence[TargetStatus], function: str = "rate", metric: str = "rps_value", **more: object) -> Signal:
    """A counter's signal after passes that were 15 s apart, the last one at NOW."""
    scrape = {"job": "edge", "metric": metric, "function": function, **more}
    times = [NOW - 15 * (len(passes) - 1 - number) for number in range(len(passes))]
    return measured({"scrape": scrape}, *(said(*one, at=at) for one, at in zip(passes, times, strict=True)))


def at(ago: float, *values: float, target: str = "a") -> TargetStatus:
    return stating(*values, at=NOW - ago, target=target)


def grown(samples: Sequence[tuple[float, float]], window: float = 60.0) -> float | None:
    """The rate of one series."""
    track = CounterTrack(window)
    for time, value in samples:
        track.take(ONE, (value,), time)
    return track.each(per_second=True)[0] if track.grown else None


def test_a_first_sample_is_no_rate() -> None:
    one = rated([at(0, 500)])
    assert (one.value, one.at, one.targets_up, one.targets_total) == (None, None, 1, 1)
    assert one.reason is Reason.FIRST_SAMPLE
    assert one.detail == "rps_value was read once on 1 targets; a rate needs two samples in the window"


def test_the_rate_is_the_increase_over_the_time_between_the_samples() -> None:
    assert rated([at(15, 100)], [at(0, 130)]) == Signal(REGION, "rps", 2.0, NOW, 1, 1)
    assert rated([at(15, 100)], [at(0, 130)], function="increase").value == 30


def test_the_rate_looks_back_to_the_oldest_sample_in_the_window() -> None:
    samples = [(0.0, 0.0), (15.0, 1000.0), (30.0, 1001.0), (75.0, 1060.0)]
    assert grown(samples) == (1060 - 1000) / 60
    assert grown(samples, window=50) == (1060 - 1001) / 45


def test_the_rates_of_all_series_of_all_targets_are_reduced() -> None:
    before = [at(15, 0, 0, target="a"), at(15, 100, target="b")]
    after = [at(0, 15, 60, target="a"), at(0, 130, target="b")]
    for reduce, value in (("sum", 7.0), ("avg", 7 / 3), ("max", 4.0), ("min", 1.0), ("count", 3.0)):
        assert rated(before, after, reduce=reduce).value == pytest.approx(value)
    assert rated(before, after, reduce="quantile", quantile=0.5).value == 2.0


def test_a_counter_that_falls_began_again_at_zero() -> None:
    assert grown([(0, 100), (15, 130), (30, 10)]) == (30 + 10) / 30
    assert grown([(0, 100), (15, 10), (30, 40), (45, 5)]) == (10 + 30 + 5) / 45


def test_a_restart_resets_every_series_each_by_itself() -> None:
    track = CounterTrack(60)
    for time, values in ((0.0, (100.0, 7.0)), (15.0, (130.0, 9.0)), (30.0, (4.0, 9.0)), (45.0, (5.0, 1.0))):
        track.take(TWO, values, time)
    assert list(track.each(per_second=False)) == [30 + 4 + 1, 2 + 0 + 1]
    assert (track.total(per_second=False), track.grown) == (38, 2)


def test_a_gap_longer_than_the_window_gives_no_rate() -> None:
    assert grown([(0, 100), (61, 200)]) is None
    assert grown([(0, 100), (60, 160)]) == 1.0
    assert grown([(0, 100), (61, 200), (76, 230)]) == 2.0


def test_a_target_that_was_silent_for_less_than_the_window_goes_on() -> None:
    silent = [down("a")]
    assert rated([at(45, 0)], silent, silent, [at(0, 90)]).value == 2.0
    late = rated([at(75, 0)], silent, silent, silent, silent, [at(0, 90)])
    assert (late.value, late.reason) == (None, Reason.FIRST_SAMPLE)


def test_a_silent_target_has_no_rate_though_it_had_one_before() -> None:
    one = rated([at(30, 0)], [at(15, 30)], [down("a")])
    assert (one.value, one.reason, one.targets_up) == (None, Reason.TIMED_OUT, 0)


def test_a_sample_that_is_seen_twice_adds_nothing() -> None:
    one = rated([at(30, 100)], [at(15, 130)], [at(15, 130)])
    assert (one.value, one.at) == (2.0, NOW - 15)
    only = rated([at(15, 100)], [at(15, 100)])
    assert (only.value, only.reason) == (None, Reason.FIRST_SAMPLE)


def test_a_sample_with_an_older_timestamp_of_its_own_is_not_a_new_one() -> None:
    track = CounterTrack(60)
    for time, value in ((0.0, 100.0), (30.0, 160.0), (15.0, 900.0)):
        track.take(ONE, (value,), (time,))
    assert list(track.each(per_second=True)) == [2.0]


def test_a_clock_set_back_a_little_makes_no_rate_too_high() -> None:
    """The counter grows by 2 a second; the clock is set back by 20 s between the third and the fourth scrape."""
    assert grown([(0, 0), (15, 30), (30, 60), (25, 90)]) is None
    assert grown([(0, 0), (15, 30), (30, 60), (25, 90), (40, 120)]) == 2.0


def test_a_clock_that_was_set_back_begins_anew() -> None:
    assert grown([(1000, 100), (1015, 130), (0, 140)]) is None
    assert grown([(1000, 100), (1015, 130), (0, 140), (10, 150)]) == 1.0


def test_a_series_that_appears_late_has_no_rate_at_first() -> None:
    before, after = {"n": "0"}, {"n": "1"}
    late = [
        [stating(100, at=NOW - 30, series=[before])],
        [stating(130, 9000, at=NOW - 15, series=[before, after])],
        [stating(160, 9015, at=NOW, series=[before, after])],
    ]
    assert rated(*late[:2]).value == 2.0
    assert rated(*late).value == 2.0 + 1.0
    assert rated(*late, reduce="count").value == 2


def test_a_series_that_is_no_longer_stated_does_not_count() -> None:
    both, one = [{"n": "0"}, {"n": "1"}], [{"n": "1"}]
    gone = [[stating(0, 0, at=NOW - 15, series=both)], [stating(30, at=NOW, series=one)]]
    assert rated(*gone).value == 2.0


def test_series_in_another_order_are_the_same_series() -> None:
    turned = [
        [stating(0, 100, at=NOW - 15, series=[{"n": "0"}, {"n": "1"}])],
        [stating(115, 45, at=NOW, series=[{"n": "1"}, {"n": "0"}])],
    ]
    assert rated(*turned, reduce="max").value == 3.0
    assert rated(*turned, reduce="min").value == 1.0


def test_each_series_has_its_own_timestamps_where_the_page_states_them() -> None:
    one = rated([stating(0, 0, at=[NOW - 30, NOW - 20])], [stating(60, 30, at=[NOW, NOW - 5])], reduce="max")
    assert (one.value, one.at) == (2.0, NOW - 5)
    repeated = rated([stating(0, 0, at=[NOW - 30, NOW - 20])], [stating(60, 30, at=[NOW, NOW - 20])], reduce="count")
    assert repeated.value == 1, "the second series has one sample only, read twice"


@pytest.mark.parametrize("odd", [math.nan, math.inf, -1.0])
def test_what_is_no_count_is_no_number_while_it_is_the_newest(odd: float) -> None:
    for reduce in ("sum", "max"):
        value = rated([at(15, 0, 0)], [at(0, 15, odd)], reduce=reduce).value
        assert value is not None
        assert math.isnan(value)
        assert rated([at(30, 0, 0)], [at(15, 15, odd)], [at(0, 30, 60)], reduce=reduce).value == (
            3.0 if reduce == "sum" else 2.0
        )


def test_counters_are_chosen_by_label_before_they_are_followed() -> None:
    modes = [{"mode": "idle"}, {"mode": "user"}]
    passes = [[stating(0, 0, at=NOW - 15, series=modes)], [stating(15, 30, at=NOW, series=modes)]]
    assert rated(*passes, matchLabels={"mode": "user"}).value == 2.0
    assert rated(*passes, matchLabels={"mode": "nice"}).reason is Reason.SERIES_ABSENT


def test_a_new_target_does_not_cover_before_it_has_a_rate() -> None:
    one = rated([at(15, 0, target="a")], [at(0, 15, target="a"), at(0, 900, target="b")])
    assert (one.value, one.targets_up, one.targets_total) == (1.0, 1, 2)


def test_what_is_kept_is_bounded_by_the_window_and_not_by_the_pace() -> None:
    track = CounterTrack(60)
    for second in range(6000):
        track.take(TWO, (float(second), float(second)), second / 10)
    assert len(track._rows) <= 65 * 4
    assert list(track.each(per_second=True)) == pytest.approx([10, 10])


def test_targets_that_vanish_are_forgotten() -> None:
    growth = Growth("rps_value", {}, 60, per_second=True)
    for number in range(100):
        growth.gather([at(0, 1, target=f"pod-{number}")])
    assert len(growth._watched) == 1


def test_a_target_that_was_no_longer_known_begins_anew() -> None:
    """However many others there are."""
    for others in ([], [down("b")], [at(0, 1, target="c"), down("d")]):
        one = rated([at(30, 0), *others], others, [at(0, 60), *others])
        assert (one.value, one.reason) == (None, Reason.FIRST_SAMPLE)


BUCKETS = [{"le": "0.1"}, {"le": "0.5"}, {"le": "+Inf"}]


def buckets(target: str, ago: float, *counts: float) -> TargetStatus:
    return up(target, columns={"x_bucket": column(*counts, at=NOW - ago, series=BUCKETS)})


def test_a_histograms_quantile_is_over_what_is_new_on_all_targets() -> None:
    before = [buckets("a", 15, 1000, 1000, 1000), buckets("b", 15, 0, 500, 500)]
    after = [buckets("a", 0, 1010, 1020, 1020), buckets("b", 0, 30, 580, 580)]
    one = rated(before, after, metric="x_bucket", reduce="histogramQuantile", quantile=0.7)
    # 100 observations, 40 of them up to 0.1: the 70th is half way from 0.1 to 0.5.
    assert one.value == pytest.approx(0.3)
    assert (one.at, one.targets_up, one.targets_total) == (NOW, 2, 2)


def test_a_histogram_without_news_or_shape_is_missing_and_says_why() -> None:
    still = [buckets("a", 15, 1, 2, 3)], [buckets("a", 0, 1, 2, 3)]
    one = rated(*still, metric="x_bucket", reduce="histogramQuantile", quantile=0.7)
    assert (one.value, one.reason, one.detail) == (
        None,
        Reason.NO_OBSERVATIONS,
        "x_bucket observed nothing in the window",
    )
    half = [
        [up("a", columns={"x_bucket": column(value, value, at=time, series=[{"le": "1"}, {"le": "nonsense"}])})]
        for time, value in ((NOW - 15, 1.0), (NOW, 2.0))
    ]
    one = rated(*half, metric="x_bucket", reduce="histogramQuantile", quantile=0.7)
    assert (one.value, one.reason) == (None, Reason.HISTOGRAM_INCOMPLETE)


def test_buckets_are_known_again_when_a_page_turns_them_around() -> None:
    turned = up("a", columns={"x_bucket": column(200, 150, 100, at=NOW, series=BUCKETS[::-1])})
    before = [buckets("a", 30, 0, 0, 0)], [buckets("a", 15, 1, 2, 3)]
    one = rated(*before, [turned], metric="x_bucket", reduce="histogramQuantile", quantile=0.625)
    assert one.value == pytest.approx(0.3)


def test_a_series_with_its_own_timestamps_looks_back_no_further_than_the_window() -> None:
    track = CounterTrack(60.0)
    for time, value in ((0.0, 0.0), (15.0, 1000.0), (30.0, 1001.0), (75.0, 1060.0)):
        track.take(TWO, (value, value), (time, time + 1))
    assert list(track.each(per_second=True)) == [1.0, 1.0]
    assert track.at == 75.0
