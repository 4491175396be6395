"""Phases: regions are spread over the interval by their names, the same after every restart, and none is left out."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.loop.phase import Phases, phase
from autoscaler.model.names import RegionId

REGIONS = [RegionId(f"cn-region-{number}") for number in range(300)]


def test_a_phase_is_fixed_by_the_name() -> None:
    assert phase(RegionId("cn-beijing-cmcc-2")) == 0.4773817493926109


def test_a_thousand_regions_are_spread_evenly() -> None:
    places = [int(phase(RegionId(f"cn-{number}")) * 10) for number in range(1000)]
    assert all(60 <= places.count(place) <= 140 for place in range(10))


def test_after_a_start_every_region_is_due_at_once() -> None:
    assert Phases(REGIONS, 30.0, 1000.0).take(1000.0) == frozenset(REGIONS)


def test_two_starts_at_different_moments_agree_on_the_phases() -> None:
    first, second = Phases(REGIONS, 30.0, 1000.0), Phases(REGIONS, 30.0, 1007.5)
    first.take(1000.0)
    second.take(1007.5)
    first.take(1030.0)
    second.take(1030.0)
    for _ in range(100):
        due = first.next()
        assert due is not None
        assert due == second.next()
        assert first.take(due) == second.take(due) != frozenset()


@given(st.floats(0.1, 600.0), st.lists(st.floats(0.0, 900.0), min_size=1, max_size=40))
def test_no_region_waits_longer_than_the_interval_when_the_due_ones_are_taken(
    interval: float, steps: list[float]
) -> None:
    phases, now, last = Phases(REGIONS[:5], interval, 0.0), 0.0, dict.fromkeys(REGIONS[:5], 0.0)
    for _ in range(40):
        due = phases.next()
        assert due is not None
        now = max(now, due)
        for region in phases.take(now):
            assert now - last[region] <= interval * (1 + 1e-9)
            last[region] = now


def test_without_regions_nothing_is_due() -> None:
    phases = Phases([], 30.0, 0.0)
    assert phases.next() is None
    assert phases.take(1e9) == frozenset()


def test_a_late_look_takes_all_that_were_due() -> None:
    phases = Phases(REGIONS, 30.0, 0.0)
    assert len(phases.take(1e6)) == len(REGIONS)
    assert all(earlier <= later for earlier, later in pairwise([phases.next() or 0.0, 1e6 + 30.0]))
