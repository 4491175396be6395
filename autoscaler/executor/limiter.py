"""Rate limits: a token bucket for every action of the API, and for reads a share that polling can not use up.

Reads are limited by a wrapper (Cloud in, Cloud out). A purchase passes the PurchaseGate *before* its order is marked
SUBMITTING: an order that waits for its turn has provably not been sent, and a crash leaves nothing in doubt.
One process buys with one account, so a bucket per action is a bucket per (account, action).
"""

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

from autoscaler.executor.bucket import TokenBucket
from autoscaler.model.capacity import Instance, Node, Pool, Task, TaskRow
from autoscaler.model.errors import Throttled
from autoscaler.model.events import LimiterWaited
from autoscaler.model.names import ClusterId, Money, RegionId, TaskId
from autoscaler.model.operation import Operation, PoolOperation, Quantity
from autoscaler.model.order import Order, Receipt
from autoscaler.ports import Clock, Cloud, Observer
from autoscaler.settings.sections import PurchaseLimits, ReadLimits

T = TypeVar("T")
PAUSE_WITHOUT_HINT = 5.0
"""Seconds to keep still after a throttling answer that does not say how long (the header is often absent)."""
_ROWS_PER_PAGE = 100
_REGIONS_PER_CALL = 100


class PurchaseGate:
    """What a purchase must pass: a place among those under way, and just before it leaves the pace of its action.

    Each action has its own places, too: one that is throttled holds up no other.
    """

    def __init__(self, limits: PurchaseLimits, clock: Clock, observer: Observer) -> None:
        self._limits = limits
        self._clock = clock
        self._observer = observer
        self._places: dict[str, asyncio.Semaphore] = {}
        self._buckets: dict[str, TokenBucket] = {}

    def restore(self, orders: Iterable[Order]) -> None:
        """Take over the pace from what a former process sent."""
        now = self._clock.now()
        ages: dict[str, list[float]] = {}
        for order in orders:
            if order.submitted_at is not None:
                ages.setdefault(order.operation.name, []).append(now - order.submitted_at)
        for action, sent in ages.items():
            self._bucket(action).replay(sent)

    async def enter(self, action: str) -> None:
        """Wait for a free place; `leave` gives it back."""
        await self._place(action).acquire()

    def leave(self, action: str) -> None:
        """Give a place back."""
        self._place(action).release()

    async def turn(self, action: str, at_most: float) -> bool:
        """Wait for the action's pace, `at_most` seconds; True when the call may, and must, leave now."""
        waited = await self._bucket(action).take_within(at_most)
        if waited is not None:
            self._observer.notice(LimiterWaited(action, waited))
        return waited is not None

    def pause(self, action: str, seconds: float | None) -> None:
        """Keep an action still after a throttling answer; None when it gave no time."""
        self._bucket(action).pause(PAUSE_WITHOUT_HINT if seconds is None else seconds)

    def _place(self, action: str) -> asyncio.Semaphore:
        if action not in self._places:
            self._places[action] = asyncio.Semaphore(self._limits.concurrency)
        return self._places[action]

    def _bucket(self, action: str) -> TokenBucket:
        if action not in self._buckets:
            pace = self._limits.pace(action)
            self._buckets[action] = TokenBucket(pace.per_minute / 60.0, pace.burst, self._clock)
        return self._buckets[action]


class LimitedReads:
    """A Cloud whose reads wait for the bucket of their action; a throttled read makes the ones behind it wait longer.

    `share` (0 to 1) of each pace is this wrapper's: one for polling and one for purchases never starve each other.
    A list of several pages takes the tokens of its further pages afterwards, as a debt.
    """

    def __init__(self, inner: Cloud, limits: ReadLimits, share: float, clock: Clock, observer: Observer) -> None:
        self._inner = inner
        self._limits = limits
        self._share = share
        self._clock = clock
        self._observer = observer
        self._buckets: dict[str, TokenBucket] = {}

    async def purchase(self, operation: Operation, quantity: Quantity) -> Receipt:
        """Passed on untouched: purchases have their gate, and are never sent again from here."""
        return await self._inner.purchase(operation, quantity)

    async def task(self, task: TaskId) -> Task:
        """See ports.Cloud."""
        async with _Turn(self, "DescribeTaskInfo"):
            return await self._inner.task(task)

    async def tasks(self, cluster: ClusterId, since: float) -> Sequence[TaskRow]:
        """See ports.Cloud."""
        async with _Turn(self, "DescribeClusterTasks") as turn:
            return turn.paged(await self._inner.tasks(cluster, since))

    async def nodes(self, cluster: ClusterId) -> Sequence[Node]:
        """See ports.Cloud."""
        async with _Turn(self, "DescribeClusterNodes") as turn:
            return turn.paged(await self._inner.nodes(cluster))

    async def instances(self, regions: Sequence[RegionId]) -> Sequence[Instance]:
        """See ports.Cloud."""
        async with _Turn(self, "DescribeInstances") as turn:
            return turn.paged(await self._inner.instances(regions), calls=math.ceil(len(regions) / _REGIONS_PER_CALL))

    async def pool(self, operation: PoolOperation) -> Pool:
        """See ports.Cloud."""
        async with _Turn(self, "DescribeNodePool"):
            return await self._inner.pool(operation)

    async def stock(self, operation: Operation) -> int:
        """See ports.Cloud."""
        async with _Turn(self, "DescribePrePaidInstanceStock"):
            return await self._inner.stock(operation)

    async def price(self, operation: Operation, nodes: int) -> Money:
        """See ports.Cloud."""
        async with _Turn(self, "DescribePrice"):
            return await self._inner.price(operation, nodes)

    async def close(self) -> None:
        """See ports.Cloud."""
        await self._inner.close()

    async def wait(self, action: str) -> TokenBucket:
        """Wait for the turn of one call; gives the bucket that it was taken from."""
        if action not in self._buckets:
            pace = self._limits.pace(action)
            burst = max(1, round(pace.burst * self._share))
            self._buckets[action] = TokenBucket(pace.per_second * self._share, burst, self._clock)
        bucket = self._buckets[action]
        self._observer.notice(LimiterWaited(action, await bucket.take()))
        return bucket


class _Turn:
    """One read: waits before it, pays for its further pages after it, and slows its action down when throttled.

    The read itself fails then, and is taken up by the next poll.
    """

    def __init__(self, reads: LimitedReads, action: str) -> None:
        self._reads = reads
        self._action = action

    async def __aenter__(self) -> "_Turn":
        self._bucket = await self._reads.wait(self._action)
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Throttled):
            self._bucket.pause(PAUSE_WITHOUT_HINT if error.retry_after is None else error.retry_after)

    def paged(self, rows: Sequence[T], calls: int = 1) -> Sequence[T]:
        """Pay for what a list of these rows took beyond one call."""
        self._bucket.owe(max(calls, math.ceil(len(rows) / _ROWS_PER_PAGE)) - 1)
        return rows
