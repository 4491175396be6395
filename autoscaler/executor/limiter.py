"""Rate limits: a token bucket for purchases and another for reads, so that polling never starves a purchase.

Reads are limited by a wrapper (Cloud in, Cloud out). A purchase passes the PurchaseGate *before* its order is marked
SUBMITTING: an order that waits for its turn has provably not been sent, and a crash leaves nothing in doubt.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from autoscaler.model.capacity import Instance, Node, Task, TaskRow
from autoscaler.model.errors import Throttled
from autoscaler.model.events import LimiterWaited
from autoscaler.model.names import ClusterId, RegionId, TaskId
from autoscaler.model.operation import Operation, Quantity
from autoscaler.model.order import Receipt
from autoscaler.ports import Clock, Cloud, Observer
from autoscaler.settings.sections import PurchaseLimits

PAUSE_WITHOUT_HINT = 5.0
"""Seconds to keep still after a throttling answer that does not say how long (the header is often absent)."""


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

    def pause(self, seconds: float) -> None:
        """Give no token for `seconds`; a longer pause already in force stays."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def _shortage(self) -> float:
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        missing = max(0.0, 1.0 - self._tokens) / self._rate
        return max(missing if missing > 1e-9 else 0.0, self._paused_until - now)  # rounding, not time


class PurchaseGate:
    """What a purchase must pass: its rate, and how many may be under way at once."""

    def __init__(self, limits: PurchaseLimits, clock: Clock, observer: Observer) -> None:
        self._bucket = TokenBucket(limits.per_minute / 60.0, limits.burst, clock)
        self._places = asyncio.Semaphore(limits.concurrency)
        self._observer = observer

    @asynccontextmanager
    async def turn(self, action: str) -> AsyncIterator[None]:
        """Hold a place for one purchase from before its order is marked as being sent until its answer is recorded."""
        async with self._places:
            self._observer.notice(LimiterWaited(action, await self._bucket.take()))
            yield

    def pause(self, seconds: float | None) -> None:
        """Keep still after a throttling answer; None when it gave no time."""
        self._bucket.pause(PAUSE_WITHOUT_HINT if seconds is None else seconds)


class LimitedReads:
    """A Cloud whose reads wait for their own bucket; a throttled read makes the ones behind it wait longer."""

    def __init__(self, inner: Cloud, rate: float, burst: int, clock: Clock, observer: Observer) -> None:
        self._inner = inner
        self._bucket = TokenBucket(rate, burst, clock)
        self._observer = observer

    async def purchase(self, operation: Operation, quantity: Quantity) -> Receipt:
        """Passed on untouched: purchases have their gate, and are never sent again from here."""
        return await self._inner.purchase(operation, quantity)

    async def task(self, task: TaskId) -> Task:
        """See ports.Cloud."""
        await self._wait("DescribeTaskInfo")
        with self._noting():
            return await self._inner.task(task)

    async def tasks(self, cluster: ClusterId, since: float) -> Sequence[TaskRow]:
        """See ports.Cloud."""
        await self._wait("DescribeClusterTasks")
        with self._noting():
            return await self._inner.tasks(cluster, since)

    async def nodes(self, cluster: ClusterId) -> Sequence[Node]:
        """See ports.Cloud."""
        await self._wait("DescribeClusterNodes")
        with self._noting():
            return await self._inner.nodes(cluster)

    async def instances(self, regions: Sequence[RegionId]) -> Sequence[Instance]:
        """See ports.Cloud."""
        await self._wait("DescribeInstances")
        with self._noting():
            return await self._inner.instances(regions)

    async def close(self) -> None:
        """See ports.Cloud."""
        await self._inner.close()

    async def _wait(self, action: str) -> None:
        self._observer.notice(LimiterWaited(action, await self._bucket.take()))

    def _noting(self) -> "_PauseOnThrottle":
        return _PauseOnThrottle(self._bucket)


class _PauseOnThrottle:
    """A throttled read makes the reads that follow wait; the read itself fails and is taken up by the next poll."""

    def __init__(self, bucket: TokenBucket) -> None:
        self._bucket = bucket

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Throttled):
            self._bucket.pause(PAUSE_WITHOUT_HINT if error.retry_after is None else error.retry_after)
