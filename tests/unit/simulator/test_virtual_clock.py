import asyncio

import pytest

from autoscaler.simulator.clock import Timeline, VirtualClock


async def test_sleepers_wake_in_the_order_of_their_moments_and_see_them_as_now() -> None:
    clock = VirtualClock(1000.0)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    async with asyncio.TaskGroup() as group:
        for name, seconds in (("late", 9.0), ("early", 2.0), ("middle", 5.0)):
            group.create_task(sleeper(name, seconds))
        await clock.advance(10)
    assert woken == [("early", 1002.0), ("middle", 1005.0), ("late", 1009.0)]
    assert (clock.now(), clock.monotonic()) == (1010.0, 10.0)


async def test_a_loop_that_sleeps_again_runs_as_often_as_the_time_allows() -> None:
    clock, ticks = VirtualClock(), []

    async def loop() -> None:
        while True:
            await clock.sleep(1)
            ticks.append(clock.now())

    task = asyncio.create_task(loop())
    await clock.advance(3.5)
    task.cancel()
    assert ticks == [1.0, 2.0, 3.0]


async def test_a_sleeper_is_not_woken_early_and_can_be_cancelled() -> None:
    clock = VirtualClock()
    task = asyncio.create_task(clock.sleep(5))
    await clock.advance(4.9)
    assert not task.done()
    assert clock.sleepers == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await clock.advance(1)
    assert clock.sleepers == 0


async def test_a_step_of_the_wall_clock_is_no_passing_of_time() -> None:
    clock = VirtualClock(100.0)
    task = asyncio.create_task(clock.sleep(10))
    await clock.advance(0)
    clock.jump(3600)
    await clock.advance(9)
    assert (clock.now(), clock.monotonic(), task.done()) == (3709.0, 9.0, False)
    await clock.advance(1)
    assert task.done()


async def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        await VirtualClock().advance(-1)


async def test_a_time_line_runs_faster_and_shows_moments_as_its_clock_does() -> None:
    clock = VirtualClock(1000.0)
    line = Timeline(clock, speed=60)
    await clock.advance(2)
    assert line.now() == 1120.0
    assert line.shown(1120.0) == 1002.0
