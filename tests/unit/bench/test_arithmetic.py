"""What comes out of windows: a benchmark that adds up wrongly is worse than none."""

import math

import pytest

from bench.arithmetic import at_least, at_most, median, per_scrape, percentile, ratio, steps


def test_a_ratio_says_how_many_times_dearer_the_peer_is() -> None:
    assert ratio(100.0, 700.0) == 7.0


def test_without_a_peer_there_is_no_ratio_and_no_verdict() -> None:
    assert ratio(100.0, None) is None
    assert at_least(5).met(100.0, None) is None


def test_a_peer_is_infinitely_dearer_than_nothing() -> None:
    assert ratio(0.0, 1.0) == math.inf


def test_a_goal_is_met_at_its_limit_and_not_short_of_it() -> None:
    assert at_least(5).met(100.0, 5.0) is True
    assert at_least(5).met(100.0, 4.99) is False
    assert at_most(10).met(10.0, None) is True
    assert at_most(10).met(10.1, 99.0) is False


def test_one_odd_window_does_not_move_the_median() -> None:
    assert median([100.0, 101.0, 900.0]) == 101.0


def test_no_window_has_no_median() -> None:
    with pytest.raises(ValueError, match="no window"):
        median([])


def test_a_client_that_scrapes_nothing_is_not_a_cheap_one() -> None:
    assert per_scrape(0.5, 1000) == pytest.approx(500.0)
    with pytest.raises(ValueError, match="no scrape"):
        per_scrape(0.5, 0)


def test_windows_are_what_was_added_between_readings() -> None:
    assert steps([10.0, 13.0, 20.0]) == [3.0, 7.0]


def test_the_99th_percentile_of_few_values_is_the_largest() -> None:
    assert percentile([1.0] * 50 + [7.0], 0.99) == 7.0
    assert percentile([1.0] * 199 + [7.0], 0.99) == 1.0
