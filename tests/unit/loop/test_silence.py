"""Silence: a region whose targets all fall silent may be dark; to the fleet's brake its nodes do not answer."""

from dataclasses import replace

from autoscaler.loop.signals import SignalBoard
from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import FleetFacts
from autoscaler.model.names import RegionId
from autoscaler.model.signals import TargetStatus, Wave
from tests.unit.loop.test_loop import A, B, Desk, Loop
from tests.unit.policy import builders


def watching() -> SignalBoard:
    """Both regions are measured by two sources."""
    site = {"name": "site", "scrape": {"job": "site", "metric": "site_value"}}
    served = builders.policy(signals=[builders.signal_spec(), site])
    return SignalBoard({A: served, B: served})


def wave(source: str, *targets: TargetStatus) -> Wave:
    return builders.wave(*targets, source=source)


def down(region: RegionId) -> TargetStatus:
    return replace(builders.up(region=region), up=False)


def test_a_region_is_silent_only_when_none_of_its_targets_answers() -> None:
    board = watching()
    assert not board.silent(A), "nobody has asked yet"
    board.post(wave("edge", down(A), builders.up(region=B)))
    assert (board.silent(A), board.silent(B)) == (True, False)
    board.post(wave("edge", down(A), builders.up(region=A)))
    assert not board.silent(A)


def test_a_region_that_answers_one_of_two_sources_is_not_silent() -> None:
    board = watching()
    board.post(wave("edge", down(A)))
    board.post(wave("site", builders.up(region=A)))
    assert not board.silent(A)
    board.post(wave("site", down(A)))
    assert board.silent(A)


def test_a_region_without_targets_is_not_silent() -> None:
    board = watching()
    board.post(wave("edge", down(A)))
    board.post(wave("edge", builders.up(region=B)))
    assert not board.silent(A)


def test_a_wave_over_some_regions_leaves_the_others_as_they_are() -> None:
    board = watching()
    board.post(wave("edge", down(A), down(B)))
    board.post(builders.wave(builders.up(region=A), regions=[A]))
    assert (board.silent(A), board.silent(B)) == (False, True)
    board.post(builders.wave(regions=[B]))
    assert not board.silent(B), "its last target is gone"


def test_that_an_alert_about_a_region_fires_does_not_say_that_the_region_answers() -> None:
    alert = {"name": "rps", "alert": {"receiver": "pager", "alertname": "RegionDown"}}
    board = SignalBoard({A: builders.policy(signals=[alert]), B: builders.policy()})
    board.post(wave("edge", down(A)))
    board.post(wave("pager", builders.stating(1, metric="RegionDown", region=A)))
    assert board.silent(A)


def test_a_receiver_that_no_policy_reads_neither_hides_nor_makes_silence() -> None:
    board = watching()
    board.post(wave("edge", down(A)))
    board.post(wave("pager", builders.stating(1, metric="RegionDown", region=A)))
    board.post(wave("pager", down(B)))
    assert (board.silent(A), board.silent(B)) == (True, False)


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
