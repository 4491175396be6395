"""The loop: news wakes the regions it touches, bursts coalesce, one source's fault stays with that source."""

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from autoscaler.loop.bell import Bell
from autoscaler.loop.collect import collect_forever
from autoscaler.loop.decider import Decider
from autoscaler.loop.signals import SignalBoard
from autoscaler.loop.status import StatusBoard
from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import FleetFacts, Tally
from autoscaler.model.errors import AutoscalerError
from autoscaler.model.events import Event, PlanMade, SourceFailed, WaveArrived
from autoscaler.model.names import RegionId
from autoscaler.model.operation import Offer
from autoscaler.model.order import Order, OrderIntent
from autoscaler.model.signals import Wave
from autoscaler.policy.decide import Policies
from autoscaler.simulator.clock import VirtualClock
from tests.unit.policy import builders

A, B = RegionId("cn-a"), RegionId("cn-b")


class Listener:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def notice(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


class Desk:
    """Two ready nodes everywhere, no orders; keeps what it is asked to place."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.placed: list[OrderIntent] = []

    def capacity(self, region: RegionId) -> Capacity | None:
        return replace(builders.capacity(2, region=region), at=self._clock.now())

    def orders(self, region: RegionId) -> Sequence[Order]:
        return ()

    def tally(self, region: RegionId) -> Tally:
        return Tally()

    def fleet(self) -> FleetFacts:
        return FleetFacts()

    async def place(self, intents: Iterable[OrderIntent]) -> None:
        self.placed.extend(intents)


class Source:
    """Gives one answer after another: a demand for region A, or an error to raise."""

    name = "edge"

    def __init__(self, clock: VirtualClock, answers: Iterable[float | Exception], takes: float = 0.0) -> None:
        self._clock = clock
        self._answers = iter(answers)
        self._takes = takes
        self.started: list[float] = []

    def pause(self) -> float:
        """Passes start 10 s apart."""
        return max(0.0, self.started[-1] + 10.0 - self._clock.monotonic()) if self.started else 0.0

    async def collect(self) -> Wave:
        self.started.append(self._clock.monotonic())
        answer = next(self._answers, 100.0)
        await self._clock.sleep(self._takes)
        if isinstance(answer, Exception):
            raise answer
        now = self._clock.now()
        return builders.wave(builders.stating(answer, region=A, at=now), at=now)

    async def close(self) -> None: ...


class Loop:
    """A decider with its surroundings; regions A and B are served by a policy of 100 per node."""

    def __init__(self, interval: float = 30.0) -> None:
        self.clock = VirtualClock(builders.NOW)
        self.bell = Bell(self.clock, 0.05)
        served = builders.policy()
        self.board = SignalBoard({A: served, B: served})
        self.listener = Listener()
        self.desk = Desk(self.clock)
        self.status = StatusBoard(self.clock.monotonic())
        self.decider = Decider(
            Policies({A: served, B: served}, 120.0, {r: (Offer(builders.operation(r)),) for r in (A, B)}),
            self.board,
            self.desk,
            self.bell,
            self.status,
            self.clock,
            self.listener,
            interval,
        )

    def decided(self) -> list[tuple[float, list[RegionId]]]:
        plans = [event.plan for event in self.listener.events if isinstance(event, PlanMade)]
        return [(round(plan.at - builders.NOW, 2), [d.region for d in plan.decisions]) for plan in plans]


async def stopped(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_wave_is_decided_at_once_for_the_regions_it_touches() -> None:
    loop = Loop()
    source = Source(loop.clock, [100.0, 900.0])
    decider = asyncio.create_task(loop.decider.run())
    collector = asyncio.create_task(collect_forever(source, loop.board, loop.bell, loop.clock, loop.listener))
    await loop.clock.advance(11)
    await stopped(decider, collector)

    assert loop.decided()[-1] == (10.05, [A])
    assert [(intent.region, intent.nodes) for intent in loop.desk.placed] == [(A, 7)]


async def test_a_silent_region_is_decided_at_least_once_an_interval() -> None:
    loop = Loop(interval=30.0)
    decider = asyncio.create_task(loop.decider.run())
    await loop.clock.advance(301)
    await stopped(decider)

    decided = loop.decided()
    assert decided[0] == (0.0, [A, B]), "at the start nothing waits for its phase"
    for region in (A, B):
        moments = [at for at, regions in decided if region in regions]
        assert len(moments) >= 11
        assert all(later - earlier <= 30.1 for earlier, later in itertools.pairwise(moments))
    assert loop.status.heartbeat_age(loop.clock.monotonic()) <= 30


async def test_regions_without_news_are_decided_each_at_its_own_moment() -> None:
    loop = Loop(interval=30.0)
    decider = asyncio.create_task(loop.decider.run())
    await loop.clock.advance(301)
    await stopped(decider)
    assert all(len(regions) == 1 for _, regions in loop.decided()[1:])


async def test_constant_news_of_one_region_does_not_starve_the_others() -> None:
    loop = Loop(interval=5.0)

    async def chatter() -> None:
        while True:
            loop.bell.ring([A])
            await loop.clock.sleep(0.1)

    tasks = [asyncio.create_task(loop.decider.run()), asyncio.create_task(chatter())]
    await loop.clock.advance(21)
    await stopped(*tasks)

    assert sum(B in regions for _, regions in loop.decided()) >= 4


async def test_a_burst_of_news_is_one_decision() -> None:
    loop = Loop()
    decider = asyncio.create_task(loop.decider.run())
    await loop.clock.advance(1)
    before = len(loop.decided())
    for region in (A, B, A, B, A):
        loop.bell.ring([region])
    await loop.clock.advance(1)
    await stopped(decider)

    assert loop.decided()[before:] == [(1.05, [A, B])]


async def test_news_that_comes_while_a_decision_is_made_is_not_lost() -> None:
    clock = VirtualClock()
    bell = Bell(clock, 0.05)
    bell.ring([A])
    first = asyncio.create_task(bell.heard(10))
    await clock.advance(0.1)
    bell.ring([B])
    second = asyncio.create_task(bell.heard(10))
    await clock.advance(0.1)

    assert (await first, await second) == (frozenset({A}), frozenset({B}))


@pytest.mark.parametrize("fault", [AutoscalerError("the server is gone"), KeyError("a bug of ours")])
async def test_a_sources_fault_is_told_and_its_next_pass_comes_all_the_same(fault: Exception) -> None:
    clock, listener, served = VirtualClock(builders.NOW), Listener(), builders.policy()
    board = SignalBoard({A: served})
    source = Source(clock, [100.0, fault, 200.0])
    task = asyncio.create_task(collect_forever(source, board, Bell(clock, 0.05), clock, listener))
    await clock.advance(25)
    await stopped(task)

    assert len(listener.of(SourceFailed)) == 1
    assert len(listener.of(WaveArrived)) == 2
    assert board.signals(served, A)["rps"].value == 200.0


async def test_a_source_is_asked_when_it_says_that_it_is_due() -> None:
    clock = VirtualClock(builders.NOW)
    source = Source(clock, [], takes=3.0)
    task = asyncio.create_task(collect_forever(source, SignalBoard({}), Bell(clock, 0.05), clock, Listener()))
    await clock.advance(31)
    await stopped(task)

    assert source.started == [0.0, 10.0, 20.0, 30.0]
