"""While too much of the fleet does not answer, nothing is ordered anywhere."""

import pytest

from autoscaler.model.decision import FleetFacts, GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.brakes import Brakes
from autoscaler.policy.guards.fleet import guard
from tests.unit.policy.situations import situation

BRAKES = Brakes(max_unready_share=0.45, ok_unready_nodes=3)


@pytest.mark.parametrize(
    ("nodes", "unready", "held"),
    [(100, 46, True), (100, 45, False), (4, 4, True), (3, 3, False), (100, 3, False), (0, 0, False), (8, 4, True)],
)
def test_it_takes_more_than_a_few_and_more_than_the_share(nodes: int, unready: int, held: bool) -> None:
    step = guard(situation(3, fleet=FleetFacts(nodes, unready), brakes=BRAKES), 5)
    assert (step is not None) is held


def test_the_step_tells_the_numbers() -> None:
    step = guard(situation(3, fleet=FleetFacts(100, 46), brakes=BRAKES), 5)
    message = "46 of the fleet's 100 nodes do not answer, at most 45% may"
    assert step == GuardStep("fleet", 5, 3, Reason.FLEET_UNREADY, message)


def test_a_dark_fleet_stops_nothing_when_nothing_was_to_be_bought() -> None:
    assert guard(situation(3, fleet=FleetFacts(100, 100), brakes=BRAKES), 3) is None
