"""How late the event loop runs: what it was asked to do at a moment, it does so much later.

A Clock comes in, a histogram and a maximum go out. Whatever holds the loop (a long computation, a blocking call, a
process that gets no CPU) shows here, and in nothing else: every other duration of ours is measured by the loop itself.
"""

from autoscaler.ports import Clock
from autoscaler.telemetry.instruments import LoopInstruments

STEP = 0.1
"""Seconds between two looks: ten wake-ups a second cost about 0.05 % of a core, and a block of 100 ms meets one."""
WINDOW = 60.0
"""Seconds for which the worst lag is told at least, so that no scraper, and none of several, misses it."""


async def measure_lag(instruments: LoopInstruments, clock: Clock) -> None:
    """Look every `STEP` seconds how late it is, until canceled."""
    worst = _Worst(clock.monotonic())
    while True:
        due = clock.monotonic() + STEP
        await clock.sleep(STEP)
        now = clock.monotonic()
        late = max(0.0, now - due)
        instruments.lag.observe(late)
        instruments.worst_lag.set(worst.seen(late, now))


class _Worst:
    """The greatest of the last one to two windows: the one that runs, and the whole one before it."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._present = 0.0
        self._former = 0.0

    def seen(self, late: float, now: float) -> float:
        """Take one more lag; gives the greatest."""
        if now - self._began >= WINDOW:
            self._began, self._former, self._present = now, self._present, 0.0
        self._present = max(self._present, late)
        return max(self._present, self._former)
