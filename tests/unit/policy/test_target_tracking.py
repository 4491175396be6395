"""The rule's arithmetic, checked against the cases that the Kubernetes documentation states in words."""

import doctest
import math
from types import ModuleType

import pytest

from autoscaler.model.decision import Vote
from autoscaler.model.reason import Reason
from autoscaler.policy.rules import target_tracking
from autoscaler.policy.rules.target_tracking import TargetTracking
from autoscaler.policy.trust import Reading
from tests.unit.policy import builders


def vote(kind: str, goal: float, value: float | None, ready: int, tolerance: float = 0.1) -> Vote:
    tracking = TargetTracking.model_validate(builders.rule(kind, goal, tolerance=tolerance))
    return tracking.vote(Reading(value), ready)


# Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details: "if the current metric value is 200m, and
# the desired value is 100m, the number of replicas will be doubled ... If the current value is instead 50m, you'll
# halve the number of replicas". 200m is 0.2.
@pytest.mark.parametrize("kind", ["Value", "Utilization"])
@pytest.mark.parametrize(
    ("value", "ready", "desired", "reason"),
    [
        (0.2, 1, 2, Reason.ABOVE_TARGET),
        (0.2, 4, 8, Reason.ABOVE_TARGET),
        (0.05, 4, 2, Reason.BELOW_TARGET),
        (0.05, 5, 3, Reason.BELOW_TARGET),
        (0.1, 4, 4, Reason.WITHIN_TOLERANCE),
    ],
)
def test_a_doubled_metric_doubles_and_a_halved_one_halves(
    kind: str, value: float, ready: int, desired: int, reason: Reason
) -> None:
    answer = vote(kind, 0.1, value, ready)
    assert (answer.desired, answer.reason) == (desired, reason)


def test_an_average_value_is_the_total_divided_by_the_goal_per_node() -> None:
    assert vote("AverageValue", 0.1, 0.8, 4).desired == 8  # 0.2 on each of 4
    assert vote("AverageValue", 0.1, 0.2, 4).desired == 2  # 0.05 on each of 4


@pytest.mark.parametrize("kind", ["Value", "Utilization", "AverageValue"])
@pytest.mark.parametrize(
    ("percent", "desired", "reason"),
    [
        (89, 9, Reason.BELOW_TARGET),
        (90, 10, Reason.WITHIN_TOLERANCE),  # exactly at the lower edge
        (100, 10, Reason.WITHIN_TOLERANCE),
        (110, 10, Reason.WITHIN_TOLERANCE),  # exactly at the upper edge
        (111, 12, Reason.ABOVE_TARGET),
        (110.001, 12, Reason.ABOVE_TARGET),
    ],
)
def test_nothing_changes_within_the_tolerance_and_at_both_of_its_edges(
    kind: str, percent: float, desired: int, reason: Reason
) -> None:
    total = percent * 10 if kind == "AverageValue" else percent
    answer = vote(kind, 100, total, 10)
    assert (answer.desired, answer.reason) == (desired, reason)


def test_a_tolerance_of_zero_acts_on_the_smallest_excess() -> None:
    assert vote("AverageValue", 100, 301, 3, tolerance=0).desired == 4
    assert vote("AverageValue", 100, 300, 3, tolerance=0).reason is Reason.WITHIN_TOLERANCE


def test_a_ceiling_buys_no_node_for_a_rounding_error() -> None:
    assert 3 * 1.1 > 3.3  # the sixteenth digit
    assert vote("AverageValue", 1.1, 1.1 * 7 * 3, 1).desired == 21
    assert vote("Value", 10, 0.1 * 3 * 100, 7).desired == 21  # 30.000000000000004 against 10


@pytest.mark.parametrize("kind", ["Value", "Utilization"])
def test_a_ratio_over_no_ready_node_abstains(kind: str) -> None:
    answer = vote(kind, 50, 80, 0)
    assert (answer.desired, answer.reason) == (None, Reason.NO_READY_NODES)
    assert kind in answer.detail


def test_a_total_needs_no_ready_node_to_be_divided() -> None:
    answer = vote("AverageValue", 100, 250, 0)
    assert (answer.desired, answer.reason) == (3, Reason.ABOVE_TARGET)
    assert answer.detail == "250 against 100 x 0 ready"


@pytest.mark.parametrize("kind", ["Value", "Utilization", "AverageValue"])
def test_a_value_of_zero_is_a_vote_for_no_node_and_no_abstention(kind: str) -> None:
    answer = vote(kind, 100, 0.0, 3)
    assert (answer.desired, answer.reason) == (0, Reason.BELOW_TARGET)


def test_zero_demand_without_ready_nodes_is_below_target() -> None:
    answer = vote("AverageValue", 100, 0.0, 0)
    assert (answer.desired, answer.reason) == (0, Reason.BELOW_TARGET)


@pytest.mark.parametrize("kind", ["Value", "Utilization", "AverageValue"])
@pytest.mark.parametrize("ready", [1, 3])
def test_a_negative_value_never_wants_a_negative_number_of_nodes(kind: str, ready: int) -> None:
    answer = vote(kind, 100, -500.0, ready)
    assert (answer.desired, answer.reason) == (0, Reason.BELOW_TARGET)


@pytest.mark.parametrize("kind", ["Value", "Utilization", "AverageValue"])
def test_a_hugely_negative_value_is_no_crash(kind: str) -> None:
    assert vote(kind, 0.5, -1.7e308, 3).desired == 0


@pytest.mark.parametrize("kind", ["Value", "Utilization", "AverageValue"])
@pytest.mark.parametrize(("value", "goal"), [(1e300, 1.0), (1.7e308, 5e-324), (1e30, 1e-300)])
def test_a_huge_value_gives_a_finite_vote(kind: str, value: float, goal: float) -> None:
    answer = vote(kind, goal, value, 3)
    assert answer.desired == 1_000_000
    assert answer.reason is Reason.ABOVE_TARGET


@pytest.mark.parametrize("kind", ["Value", "Utilization", "AverageValue"])
def test_a_reading_without_value_abstains_with_the_readings_own_reason(kind: str) -> None:
    tracking = TargetTracking.model_validate(builders.rule(kind))
    answer = tracking.vote(Reading(None, Reason.SIGNAL_STALE, "99 s old"), 3)
    assert answer == Vote("TargetTracking(rps)", None, Reason.SIGNAL_STALE, "99 s old")


def test_the_detail_shows_the_arithmetic() -> None:
    assert vote("AverageValue", 100, 430, 3).detail == "430 against 100 x 3 ready: ratio 1.43"
    assert vote("Utilization", 50, 80, 3).detail == "80 against 50 at 3 ready: ratio 1.60"


@pytest.mark.parametrize("module", [target_tracking])
def test_the_worked_example_in_the_docstring_is_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted >= 3
    assert result.failed == 0


def test_the_rounding_allowance_is_far_below_a_node() -> None:
    assert vote("AverageValue", 1, math.nextafter(5, 6) + 1e-6, 1).desired == 6
