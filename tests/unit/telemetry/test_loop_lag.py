"""Promises of the event loop's lag: told as it is, for long enough, at a small cost."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from autoscaler.simulator.clock import VirtualClock
from autoscaler.telemetry.lag import STEP, WINDOW, measure_lag
from autoscaler.telemetry.metrics import MetricsObserver


class HeldClock(VirtualClock):
    """A virtual clock whose event loop can be held: time passes, and nobody is woken in it."""

    async def hold(self, seconds: float) -> None:
        self._move_to(self._steady + seconds)
        await self.advance(0)


class Loop:
    """A loop that is measured, and the series that tell about it."""

    def __init__(self) -> None:
        self.clock = HeldClock(1_000.0)
        self.registry = CollectorRegistry()
        self.instruments = MetricsObserver(self.registry, "1.2.3").loop

    def value(self, suffix: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"autoscaler_event_loop_lag_{suffix}", labels)

    def worst(self) -> float:
        return self.value("max_seconds") or 0.0


@pytest.fixture
async def loop() -> AsyncIterator[Loop]:
    loop = Loop()
    task = asyncio.create_task(measure_lag(loop.instruments, loop.clock), name="loop lag")
    await loop.clock.until_asleep()
    yield loop
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_loop_that_keeps_up_has_no_lag(loop: Loop) -> None:
    await loop.clock.advance(10 * STEP)
    assert loop.value("seconds_count") == 10
    assert loop.value("seconds_bucket", le="0.001") == 10
    assert loop.worst() == pytest.approx(0)


async def test_a_held_loop_is_as_late_as_it_was_held_over_the_moment_when_something_was_due(loop: Loop) -> None:
    await loop.clock.hold(STEP + 0.03)
    assert loop.value("seconds_count") == 1
    assert loop.value("seconds_sum") == pytest.approx(0.03)
    assert (loop.value("seconds_bucket", le="0.02"), loop.value("seconds_bucket", le="0.05")) == (0, 1)
    await loop.clock.advance(STEP)
    assert loop.value("seconds_bucket", le="0.001") == 1


async def test_a_lag_beyond_the_last_bucket_is_still_told_by_the_maximum(loop: Loop) -> None:
    await loop.clock.hold(STEP + 5.0)
    assert loop.value("seconds_bucket", le="1.0") == 0
    assert loop.value("seconds_bucket", le="+Inf") == 1
    assert loop.worst() == pytest.approx(5.0)


async def test_the_worst_lag_is_told_for_a_window_at_least_and_two_at_most(loop: Loop) -> None:
    await loop.clock.advance(WINDOW / 2)
    await loop.clock.hold(0.5)
    worst = loop.worst()
    assert worst == pytest.approx(0.4, abs=STEP)
    await loop.clock.advance(WINDOW - 1)
    assert loop.worst() == worst
    await loop.clock.advance(WINDOW + 2)
    assert loop.worst() == pytest.approx(0)


async def test_a_corrected_wall_clock_is_no_lag(loop: Loop) -> None:
    loop.clock.jump(3600)
    await loop.clock.advance(STEP)
    assert loop.worst() == pytest.approx(0)
