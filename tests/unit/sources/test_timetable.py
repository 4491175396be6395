"""The moments of scraping: fixed by a hash, none forgotten, none twice, whatever the clock does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.model.names import RegionId
from autoscaler.sources.timetable import Timetable

INTERVAL = 15.0
MANY = [RegionId(f"cn-{number}") for number in range(3000)]


def timetable(*regions: RegionId, interval: float = INTERVAL) -> Timetable:
    made = Timetable("edge", interval)
    made.arrange(dict.fromkeys(regions, 1000))
    return made


def moment(made: Timetable, region: RegionId) -> float:
    """The second of an interval in which a region is due."""
    made.due(0.0)
    return next(tenth / 10 for tenth in range(1, 151) if region in made.due(tenth / 10))


def test_a_region_keeps_its_moment_over_restarts_and_whatever_other_regions_there_are() -> None:
    region = RegionId("cn-beijing-cmcc-2")
    assert moment(timetable(region), region) == moment(timetable(region, *MANY), region)


def test_the_moments_of_many_regions_are_spread_over_the_interval() -> None:
    made = timetable(*MANY)
    made.due(0.0)
    sizes = [len(made.due(float(second))) for second in range(1, 16)]
    assert sum(sizes) == len(MANY)
    assert min(sizes) > 0.7 * len(MANY) / 15


def test_few_targets_share_slots_that_are_longer() -> None:
    made = Timetable("edge", INTERVAL)
    made.arrange(dict.fromkeys(MANY[:120], 1))
    made.due(0.0)
    sizes = [len(made.due(tenth / 10)) for tenth in range(1, 151)]
    assert sum(size > 0 for size in sizes) == 2
    assert sum(sizes) == 120


@pytest.mark.parametrize("slots", [2, 5])
def test_a_fleet_that_grows_moves_a_region_by_less_than_one_of_its_former_slots(slots: int) -> None:
    for region in MANY[:40]:
        small = Timetable("edge", INTERVAL)
        small.arrange({region: slots * 50})
        later = moment(timetable(region), region) - moment(small, region)
        assert 0.0 <= later % INTERVAL < INTERVAL / slots


@given(st.floats(0, 2e9), st.lists(st.floats(0.01, 3.0), min_size=30, max_size=60))
def test_every_region_comes_once_an_interval(start: float, steps: list[float]) -> None:
    made = timetable(*MANY[:40])
    made.due(start)
    now, seen = start, list[RegionId]()
    for step in steps:
        now += step
        seen += made.due(now)
    rounds = (now - start) / INTERVAL
    counts = [seen.count(region) for region in MANY[:40]]
    assert all(rounds - 1 - 1e-6 <= count <= rounds + 1 + 1e-6 for count in counts)


def test_a_wait_ends_when_the_next_region_is_due() -> None:
    made = timetable(*MANY[:3])
    now = 1_700_000_000.2
    made.due(now)
    for _ in range(10):
        wait = made.wait(now)
        assert made.due(now + wait * 0.99) == []
        now += wait
        assert made.due(now) != []


def test_after_a_long_sleep_each_region_comes_once() -> None:
    made = timetable(*MANY[:40])
    made.due(1000.0)
    assert sorted(made.due(1000.0 + 100 * INTERVAL)) == sorted(MANY[:40])


def test_a_clock_set_back_forgets_no_region() -> None:
    made = timetable(*MANY[:40])
    made.due(5000.0)
    seen = [region for second in range(1000, 1015) for region in made.due(float(second))]
    assert sorted(seen) == sorted(MANY[:40])


@pytest.mark.parametrize("interval", [0.2, 1.0])
def test_an_interval_shorter_than_a_slot_has_one(interval: float) -> None:
    made = timetable(*MANY[:5], interval=interval)
    made.due(100.0)
    assert len(made.due(100.0 + interval)) == 5
    assert made.wait(100.0) == pytest.approx(interval)


def test_without_regions_nothing_is_due_and_the_wait_is_an_interval_at_most() -> None:
    made = timetable()
    assert made.due(100.0) == []
    assert 0 < made.wait(100.0) <= INTERVAL
