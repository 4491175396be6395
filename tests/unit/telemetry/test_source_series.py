"""Promises of the series of sources: right too when a wave is about a part of the regions."""

import inspect
import re
from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry

from autoscaler.model import reason as reason_module
from autoscaler.model.events import SourceFailed, WaveArrived
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import TargetStatus, Wave
from autoscaler.telemetry.metrics import MetricsObserver
from autoscaler.telemetry.sources import TARGET_REASONS

NORTH, SOUTH, EAST = RegionId("cn-north"), RegionId("cn-south"), RegionId("cn-east")


class Page:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.observer = MetricsObserver(self._registry, "1.2.3")

    def wave(
        self, *targets: TargetStatus, source: str = "nodes", regions: Iterable[RegionId] | None = None, at: float = 9.0
    ) -> None:
        covered = None if regions is None else frozenset(regions)
        self.observer.notice(WaveArrived(Wave(source, at, 0.5, targets, covered)))

    def value(self, name: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(f"autoscaler_source_{name}", labels)

    def targets(self, source: str = "nodes") -> tuple[float | None, float | None]:
        up, down = (self.value("targets", source=source, state=state) for state in ("up", "down"))
        return up, down


@pytest.fixture
def page() -> Page:
    return Page()


def up(region: RegionId, name: str = "t") -> TargetStatus:
    return TargetStatus(name, region, up=True, reason=Reason.UP)


def down(region: RegionId, reason: Reason = Reason.TIMED_OUT) -> TargetStatus:
    return TargetStatus("t-down", region, up=False, reason=reason)


def test_a_wave_about_some_regions_leaves_the_targets_of_the_others_counted(page: Page) -> None:
    page.wave(up(NORTH), down(NORTH), regions=[NORTH])
    page.wave(up(SOUTH), up(SOUTH), regions=[SOUTH])
    assert page.targets() == (3, 1)
    page.wave(up(NORTH), up(NORTH), regions=[NORTH])
    assert page.targets() == (4, 0)


def test_a_region_that_is_covered_and_has_no_target_has_lost_its_last_one(page: Page) -> None:
    page.wave(up(NORTH), down(SOUTH), up(EAST))
    page.wave(up(NORTH), regions=[NORTH, SOUTH])
    assert page.targets() == (2, 0)


def test_a_wave_about_everything_replaces_everything(page: Page) -> None:
    page.wave(up(NORTH), regions=[NORTH])
    page.wave(down(SOUTH))
    assert page.targets() == (0, 1)
    page.wave()
    assert page.targets() == (0, 0)


def test_sources_do_not_mix(page: Page) -> None:
    page.wave(up(NORTH))
    page.wave(down(NORTH), source="prometheus")
    assert (page.targets(), page.targets("prometheus")) == ((1, 0), (0, 1))


def test_every_reason_for_a_silent_target_is_there_at_zero_from_the_first_word_of_a_source(page: Page) -> None:
    page.wave(up(NORTH))
    page.observer.notice(SourceFailed("prometheus", "refused"))
    for source in ("nodes", "prometheus"):
        assert [page.value("failures_total", source=source, reason=reason) for reason in TARGET_REASONS] == [0] * len(
            TARGET_REASONS
        )
    assert page.value("failures_total", source="nodes", reason=Reason.UP) is None


def test_the_reasons_for_a_silent_target_are_those_of_the_last_section_of_the_codes() -> None:
    section = inspect.getsource(reason_module).partition("    # Targets of a source.\n")[2]
    codes = re.findall(r'^    [A-Z_]+ = "(\w+)"$', section, re.MULTILINE)
    assert [Reason.UP, *TARGET_REASONS] == codes
    assert len(codes) > 8
    assert "\n    # " not in section


def test_silent_targets_are_counted_by_reason_in_every_wave(page: Page) -> None:
    for _ in range(2):
        page.wave(down(NORTH), down(NORTH), down(SOUTH, Reason.TOO_LARGE), up(SOUTH), regions=[NORTH, SOUTH])
    assert page.value("failures_total", source="nodes", reason="TimedOut") == 4
    assert page.value("failures_total", source="nodes", reason="TooLarge") == 2


def test_a_source_that_fails_as_a_whole_keeps_its_targets(page: Page) -> None:
    page.wave(up(NORTH), at=9.0)
    page.observer.notice(SourceFailed("nodes", "refused"))
    assert page.targets() == (1, 0)
    assert page.value("wave_failures_total", source="nodes") == 1
    assert page.value("last_wave_timestamp_seconds", source="nodes") == 9


def test_what_is_remembered_is_bounded_by_the_regions_that_have_targets(page: Page) -> None:
    for n in range(50):
        region = RegionId(f"r{n}")
        page.wave(up(region), regions=[region])
        page.wave(regions=[region])
    assert page.observer._sources._targets == {"nodes": {}}
