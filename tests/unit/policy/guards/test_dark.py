"""No nodes are bought into a region that does not answer, however young the last samples are."""

import pytest

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.policy.guards.dark import guard
from tests.unit.policy.builders import capacity, policy, rule, signal, signal_spec
from tests.unit.policy.situations import situation

SERVED = policy(
    signals=[signal_spec(), signal_spec("cpu")], rules=[rule()], maxNodes=20, scale_up={"maxUnreadyPercent": 50}
)


@pytest.mark.parametrize(
    ("ready", "unready", "held"), [(1, 2, True), (2, 2, False), (0, 1, True), (3, 0, False), (0, 0, False)]
)
def test_a_region_is_dark_when_more_than_the_share_of_its_nodes_does_not_answer(
    ready: int, unready: int, held: bool
) -> None:
    there = capacity(ready, unready=unready, joining=9, failed=9)
    assert (guard(situation(21, served=SERVED, capacity_=there), 25) is not None) is held


def test_the_step_tells_how_many_nodes_are_dark() -> None:
    step = guard(situation(3, served=SERVED, capacity_=capacity(1, unready=2)), 5)
    message = "2 of 3 nodes that have been up do not answer, at most 50 % may"
    assert step == GuardStep("dark", 5, 3, Reason.REGION_DARK, message)


@pytest.mark.parametrize(
    ("heard", "held"),
    [
        ([signal(up=0)], True),
        ([signal(up=0), signal(name="cpu", up=0)], True),
        ([signal(up=0), signal(name="cpu", up=0, total=0)], True),
        ([signal(up=0), signal(name="cpu", up=1)], False),
        ([signal(up=0, total=0)], False),
        ([signal(up=0), signal(name="of-another-policy", up=1)], True),
        ([], False),
    ],
)
def test_a_region_is_dark_when_no_target_of_any_signal_answers(heard: list[Signal], held: bool) -> None:
    step = guard(situation(3, served=SERVED, signals=heard, capacity_=capacity(3)), 5)
    assert (step is not None) is held


@pytest.mark.parametrize(("site_up", "held"), [(0, True), (1, False)])
@pytest.mark.parametrize("alert_up", [0, 1])
def test_an_alert_says_neither_that_a_region_answers_nor_that_it_is_dark(
    site_up: int, alert_up: int, held: bool
) -> None:
    alert = {"name": "saturated", "alert": {"receiver": "pager", "alertname": "EdgeSaturated"}}
    served = policy(signals=[signal_spec(), alert], rules=[rule()], maxNodes=20)
    heard = [signal(up=site_up), signal(name="saturated", up=alert_up, total=1)]
    step = guard(situation(3, served=served, signals=heard, capacity_=capacity(3)), 5)
    assert (step is not None) is held


def test_a_region_of_which_only_alerts_tell_is_not_dark_once_they_are_resolved() -> None:
    alert = {"name": "rps", "alert": {"receiver": "pager", "alertname": "EdgeSaturated"}}
    served, resolved = policy(signals=[alert], rules=[rule()], maxNodes=20), signal(None, up=0, total=1)
    assert guard(situation(3, served=served, signals=[resolved], capacity_=capacity(3)), 5) is None


def test_the_step_names_the_signals() -> None:
    heard = [signal(up=0), signal(name="cpu", up=0)]
    step = guard(situation(3, served=SERVED, signals=heard, capacity_=capacity(3)), 5)
    assert step == GuardStep("dark", 5, 3, Reason.REGION_DARK, "no target of rps, cpu answers")


def test_a_region_without_a_node_that_has_been_up_can_get_its_first_ones() -> None:
    assert guard(situation(2, served=SERVED, signals=[signal(up=0)], capacity_=capacity(0, joining=2)), 5) is None


def test_a_dark_region_stops_nothing_when_nothing_was_to_be_bought() -> None:
    assert guard(situation(3, served=SERVED, capacity_=capacity(0, unready=3)), 3) is None
