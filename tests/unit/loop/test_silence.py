"""Silence: a region whose targets all fall silent may be dark; to the fleet's brake its nodes do not answer."""

from dataclasses import replace

from autoscaler.loop.signals import SignalBoard
from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import FleetFacts
from autoscaler.model.names import RegionId
from autoscaler.model.signals import TargetStatus, Wave
from tests.unit.loop.test_loop import A, B, Desk, Loop
from tests.unit.policy import builders


def wave(source: str, *targets: TargetStatus) -> Wave:
    return Wave(source, builders.NOW, 0.0, targets, ())


def down(region: RegionId) -> TargetStatus:
    return replace(builders.up(region=region), up=False)


def test_a_region_is_silent_only_when_none_of_its_targets_answers() -> None:
    board = SignalBoard()
    assert not board.silent(A), "nobody has asked yet"
    board.post(wave("edge", down(A), builders.up(region=B)))
    assert (board.silent(A), board.silent(B)) == (True, False)
    board.post(wave("edge", down(A), builders.up(region=A)))
    assert not board.silent(A)


def test_a_region_that_answers_one_of_two_sources_is_not_silent() -> None:
    board = SignalBoard()
    board.post(wave("edge", down(A)))
    board.post(wave("site", builders.up(region=A)))
    assert not board.silent(A)
    board.post(wave("site", down(A)))
    assert board.silent(A)


def test_a_region_without_targets_is_not_silent() -> None:
    board = SignalBoard()
    board.post(wave("edge", down(A)))
    board.post(wave("edge", builders.up(region=B)))
    assert not board.silent(A)


class UnreadDesk(Desk):
    """Region B has not been read; one node somewhere does not answer."""

    def capacity(self, region: RegionId) -> Capacity | None:
        return None if region == B else super().capacity(region)

    def fleet(self) -> FleetFacts:
        return FleetFacts(nodes=2, unready=1)


def test_the_ready_nodes_of_silent_regions_count_as_unready_for_the_fleet() -> None:
    loop = Loop()
    loop.board.post(wave("edge", down(A), builders.up(region=B)))
    assert loop.decider.facts([B]).fleet.unready == 2
    loop.board.post(wave("edge", builders.up(region=A), builders.up(region=B)))
    assert loop.decider.facts([B]).fleet.unready == 0


def test_a_silent_region_that_was_not_read_adds_nothing_to_what_is_unready() -> None:
    loop = Loop()
    loop.desk = UnreadDesk(loop.clock)
    loop.decider._desk = loop.desk
    loop.board.post(wave("edge", down(A), down(B)))
    fleet = loop.decider.facts([A]).fleet
    assert (fleet.nodes, fleet.unready) == (2, 3)
