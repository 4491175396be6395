"""Time of a simulation: a clock that only moves when told to, and a time line that runs faster than its clock.

Both serve the simulator and tests. The real clock is not here.
"""

import asyncio
import heapq
import itertools

from autoscaler.ports import Clock

_TURNS = 10


class VirtualClock:
    """A Clock whose time is set by hand. `start` is Unix seconds; monotonic() counts from 0."""

    def __init__(self, start: float = 0.0) -> None:
        self._wall = start
        self._steady = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._fell_asleep = asyncio.Event()

    def now(self) -> float:
        """The wall clock, Unix seconds."""
        return self._wall

    def monotonic(self) -> float:
        """Seconds advanced since the clock was made; `jump` does not move it."""
        return self._steady

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has passed the moment `seconds` from now; cancellable."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._steady + seconds, next(self._order), woken))
        self._fell_asleep.set()
        await woken

    @property
    def sleepers(self) -> int:
        """How many tasks are waiting for this clock."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def until_asleep(self, sleepers: int = 1) -> None:
        """Wait, in real time, until that many tasks wait for this clock: what they did before it is done then."""
        while self.sleepers < sleepers:
            self._fell_asleep.clear()
            await self._fell_asleep.wait()

    def jump(self, seconds: float) -> None:
        """Step the wall clock, as a time correction does: durations and sleepers notice nothing."""
        self._wall += seconds

    async def advance(self, seconds: float, turns: int = _TURNS) -> None:
        """Let `seconds` pass. Sleepers wake in the order of their moments, each seeing its own moment as now.

        Between two wakings the event loop gets `turns` turns, so that what was woken may sleep again in time.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError("time does not run backwards")
        end = self._steady + seconds
        await self._settle(turns)
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, woken = heapq.heappop(self._sleepers)
            if woken.done():
                continue
            self._move_to(due)
            woken.set_result(None)
            await self._settle(turns)
        self._move_to(end)
        await self._settle(turns)

    def _move_to(self, steady: float) -> None:
        passed = max(0.0, steady - self._steady)
        self._steady += passed
        self._wall += passed

    @staticmethod
    async def _settle(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)


class Timeline:
    """Simulated time. It starts at the clock's present moment and runs `speed` times as fast.

    Both are Unix seconds. What a client is shown goes through `shown`, so that it agrees with the client's own clock.
    """

    def __init__(self, clock: Clock, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError("speed must be greater than 0")
        self._clock = clock
        self._speed = speed
        self.start = clock.now()

    def now(self) -> float:
        """The simulated moment."""
        return self.start + (self._clock.now() - self.start) * self._speed

    def shown(self, at: float) -> float:
        """When the clock shows the simulated moment `at`."""
        return self.start + (at - self.start) / self._speed
