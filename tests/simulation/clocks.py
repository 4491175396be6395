"""Two clocks over one loop: the true time of the world, and the daemon's own, which may be wrong and may be set."""

import asyncio

from tests.simulation.loop import VirtualLoop

EPOCH = 1_800_000_000.0
"""The first moment, Unix seconds."""


class TrueClock:
    """The vendor's clock. Implements ports.Clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        return EPOCH + self._loop.time()

    def monotonic(self) -> float:
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class MachineClock(TrueClock):
    """The clock of the daemon's machine: `offset` seconds ahead of the truth. A correction changes it in a step."""

    def __init__(self, loop: VirtualLoop, offset: float) -> None:
        super().__init__(loop)
        self.offset = offset

    def now(self) -> float:
        return super().now() + self.offset
