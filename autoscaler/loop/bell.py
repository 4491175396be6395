"""The bell: what happens rings it for the regions it touches, the decider listens. Bursts coalesce."""

import asyncio
from collections.abc import Iterable

from autoscaler.model.names import RegionId
from autoscaler.ports import Clock


class Bell:
    """Collects regions that need a decision. `coalesce` is the seconds to wait for more once it rang."""

    def __init__(self, clock: Clock, coalesce: float) -> None:
        self._clock = clock
        self._coalesce = coalesce
        self._touched: set[RegionId] = set()
        self._rang = asyncio.Event()

    def ring(self, regions: Iterable[RegionId]) -> None:
        """These regions have news."""
        self._touched.update(regions)
        if self._touched:
            self._rang.set()

    async def heard(self, at_most: float) -> frozenset[RegionId]:
        """The regions with news, as soon as there are any; empty after `at_most` seconds of silence."""
        if not await self._rings_within(at_most):
            return frozenset()
        await self._clock.sleep(self._coalesce)
        touched = frozenset(self._touched)
        self._touched.clear()
        self._rang.clear()
        return touched

    async def _rings_within(self, seconds: float) -> bool:
        ring = asyncio.create_task(self._rang.wait(), name="bell: ring")
        timer = asyncio.create_task(self._clock.sleep(seconds), name="bell: timer")
        try:
            await asyncio.wait({ring, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (ring, timer):
                task.cancel()
            await asyncio.gather(ring, timer, return_exceptions=True)
        return self._rang.is_set()
