"""A token bucket: the pace of one action of the API."""

import asyncio
import math
from collections.abc import Iterable

from autoscaler.ports import Clock


class TokenBucket:
    """`rate` tokens a second, at most `burst` saved up. Those who wait are served in the order in which they came."""

    def __init__(self, rate: float, burst: int, clock: Clock) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._clock = clock
        self._tokens = float(burst)
        self._filled_at = clock.monotonic()
        self._paused_until = self._filled_at
        self._turn = asyncio.Lock()

    async def take(self) -> float:
        """Wait for a token; gives the seconds waited."""
        started = self._clock.monotonic()
        async with self._turn:
            while (wait := self._shortage()) > 0:
                await self._clock.sleep(wait)
            self._tokens -= 1.0
        return self._clock.monotonic() - started

    async def take_within(self, seconds: float) -> float | None:
        """As `take`, for at most `seconds`; None, and no token taken, when none came by then."""
        if not self._turn.locked() and self._shortage() <= 0:
            return await self.take()
        taking = asyncio.create_task(self.take(), name="bucket: take")
        timer = asyncio.create_task(self._clock.sleep(seconds), name="bucket: timer")
        try:
            await asyncio.wait({taking, timer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            taken = taking.done() and not taking.cancelled()
            if not taken:
                taking.cancel()
            await asyncio.gather(taking, timer, return_exceptions=True)
        return taking.result() if taken else None

    def replay(self, ages: Iterable[float]) -> None:
        """Count what a former process took `ages` seconds ago: a restart must not be a way around the pace."""
        tokens, last = self._burst, math.inf
        for age in sorted((max(0.0, age) for age in ages), reverse=True):  # below 0: the clock was set back since
            tokens = max(0.0, min(self._burst, tokens + (last - age) * self._rate) - 1.0)  # no call left without one
            last = age
        self._tokens = min(self._burst, tokens + last * self._rate)

    def owe(self, tokens: int) -> None:
        """Take tokens that were used already; those who come next wait for them."""
        self._tokens -= tokens

    def pause(self, seconds: float) -> None:
        """Give no token for `seconds`; a longer pause already in force stays."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def _shortage(self) -> float:
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        missing = max(0.0, 1.0 - self._tokens) / self._rate
        return max(missing if missing > 1e-9 else 0.0, self._paused_until - now)  # rounding, not time
