"""Many series become one number by Prometheus' arithmetic, and not-a-number where there is nothing to say."""

import math

import pytest

from autoscaler.model.reason import Reason
from autoscaler.policy.signals.reduce import histogram_quantile, quantile

INF = math.inf
LATENCY = {0.1: 50.0, 0.5: 80.0, 1.0: 100.0, INF: 100.0}


@pytest.mark.parametrize(
    ("share", "values", "value"),
    [
        (0, [3, 1, 2], 1),
        (1, [3, 1, 2], 3),
        (0.5, [4, 1, 2, 3], 2.5),
        (0.9, [0, 10], 9),
        (0.3, [7], 7),
        (0.5, [1, 1, INF], 1),
    ],
)
def test_a_quantile_lies_between_its_neighbours(share: float, values: list[float], value: float) -> None:
    assert quantile(share, values) == pytest.approx(value)


@pytest.mark.parametrize(
    ("share", "value"),
    [
        (0.5, 0.1),  # the edge of the first bucket
        (0.25, 0.05),  # half of it: it begins at 0
        (0.65, 0.3),
        (0.9, 0.75),
        (1.0, 1.0),
    ],
)
def test_a_histograms_quantile_is_interpolated_within_its_bucket(share: float, value: float) -> None:
    found, why = histogram_quantile(share, LATENCY)
    assert (found == pytest.approx(value), why) == (True, Reason.UP)


def test_the_order_of_buckets_does_not_matter() -> None:
    turned = dict(reversed(LATENCY.items()))
    assert histogram_quantile(0.65, turned) == histogram_quantile(0.65, LATENCY)


def test_of_the_last_bucket_its_lower_bound_is_told() -> None:
    assert histogram_quantile(0.99, {0.1: 10.0, 1.0: 20.0, INF: 100.0}) == (1.0, Reason.UP)


def test_a_first_bucket_below_zero_does_not_begin_at_zero() -> None:
    assert histogram_quantile(0.1, {-1.0: 50.0, 1.0: 100.0, INF: 100.0}) == (-1.0, Reason.UP)
    assert histogram_quantile(0.1, {0.0: 50.0, 1.0: 100.0, INF: 100.0}) == (0.0, Reason.UP)


def test_counts_that_fall_are_raised_to_those_before_them() -> None:
    fallen = {0.1: 50.0, 0.5: 40.0, 1.0: 100.0, INF: 90.0}
    raised = {0.1: 50.0, 0.5: 50.0, 1.0: 100.0, INF: 100.0}
    for share in (0.1, 0.5, 0.6, 0.9, 1.0):
        assert histogram_quantile(share, fallen) == histogram_quantile(share, raised)


def test_counts_that_differ_by_a_rounding_are_equal() -> None:
    nearly = 100.0 * (1 + 1e-13)
    assert histogram_quantile(1, {0.1: 100.0, 1.0: nearly, INF: nearly}) == (0.1, Reason.UP)


@pytest.mark.parametrize(
    ("buckets", "reason"),
    [
        ({}, Reason.HISTOGRAM_INCOMPLETE),
        ({INF: 5.0}, Reason.HISTOGRAM_INCOMPLETE),
        ({0.1: 5.0, 1.0: 9.0}, Reason.HISTOGRAM_INCOMPLETE),
        ({0.1: 0.0, INF: 0.0}, Reason.NO_OBSERVATIONS),
        ({0.1: math.nan, INF: 5.0}, Reason.UP),
        ({0.1: 1.0, INF: INF}, Reason.UP),
    ],
)
def test_without_shape_or_observations_there_is_no_quantile(buckets: dict[float, float], reason: Reason) -> None:
    value, why = histogram_quantile(0.5, buckets)
    assert (math.isnan(value), why) == (True, reason)


def test_the_quantile_0_of_an_empty_first_bucket_is_no_number_as_in_prometheus() -> None:
    value, why = histogram_quantile(0, {0.1: 0.0, 1.0: 4.0, INF: 4.0})
    assert (math.isnan(value), why) == (True, Reason.NO_OBSERVATIONS)
