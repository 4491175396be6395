"""Timers that many requests share: one for all deadlines, one for all answers of a wave.

Moments come in, calls go out, on the loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

_GRAIN = 0.01
"""Seconds by which a deadline may be late, so that those that are close are looked at together."""
_SLICE = 0.005
"""Seconds after which reading gives way to whatever else the loop has to do."""

_One = TypeVar("_One")


class Sweep:
    """Calls `expire(now)` when the earliest deadline has come; it gives the next one, or None if there is none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, expire: Callable[[float], float | None]) -> None:
        self._loop = loop
        self._expire = expire
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, deadline: float) -> None:
        """Be there at this moment (the loop's time), too."""
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._due)

    def close(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        self._timer = None
        now = self._loop.time()
        upcoming = self._expire(now)
        if upcoming is not None:
            self.watch(max(upcoming, now + _GRAIN))


class Drain(Generic[_One]):
    """Calls `read` for each one between a half and a whole of `after` seconds after it was added, many at a time.

    Nobody looks at the sockets in between: an answer waits in the kernel, and a wake-up that is spared is CPU spared.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, after: float, read: Callable[[_One], None]) -> None:
        self._loop = loop
        self._after = after
        self._read = read
        self._waiting: deque[tuple[float, _One]] = deque()
        self._due: deque[_One] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._slice: asyncio.Handle | None = None

    def add(self, one: _One) -> None:
        """One more that was sent now."""
        now = self._loop.time()
        self._waiting.append((now, one))
        if self._timer is None:
            self._timer = self._loop.call_at(now + self._after, self._tick)

    def close(self) -> None:
        """Call no more."""
        for handle in (self._timer, self._slice):
            if handle is not None:
                handle.cancel()
        self._timer = self._slice = None
        self._waiting.clear()
        self._due.clear()

    def _tick(self) -> None:
        self._timer = None
        ripe = self._loop.time() - self._after / 2
        while self._waiting and self._waiting[0][0] <= ripe:
            self._due.append(self._waiting.popleft()[1])
        if self._waiting:
            self._timer = self._loop.call_at(self._waiting[0][0] + self._after, self._tick)
        if self._slice is None:
            self._read_some()

    def _read_some(self) -> None:
        until = self._loop.time() + _SLICE
        self._slice = None
        try:
            while self._due and self._loop.time() < until:
                self._read(self._due.popleft())
        finally:  # one that trips does not keep the others from being read
            if self._due:
                self._slice = self._loop.call_soon(self._read_some)
