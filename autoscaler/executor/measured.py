"""Measuring the cloud: a wrapper that tells the observer how each call ended and how long it took."""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

from autoscaler.model.capacity import Instance, Node, Pool, Task, TaskRow
from autoscaler.model.errors import CloudError
from autoscaler.model.events import CloudCalled
from autoscaler.model.names import ClusterId, Money, RegionId, TaskId
from autoscaler.model.operation import Operation, PoolOperation, Quantity
from autoscaler.model.order import Receipt
from autoscaler.ports import Clock, Cloud, Observer

T = TypeVar("T")


class MeasuredCloud:
    """A Cloud that reports every call."""

    def __init__(self, inner: Cloud, clock: Clock, observer: Observer) -> None:
        self._inner = inner
        self._clock = clock
        self._observer = observer

    async def purchase(self, operation: Operation, quantity: Quantity) -> Receipt:
        """See ports.Cloud."""
        return await self._timed(operation.name, self._inner.purchase(operation, quantity))

    async def task(self, task: TaskId) -> Task:
        """See ports.Cloud."""
        return await self._timed("DescribeTaskInfo", self._inner.task(task))

    async def tasks(self, cluster: ClusterId, since: float) -> Sequence[TaskRow]:
        """See ports.Cloud."""
        return await self._timed("DescribeClusterTasks", self._inner.tasks(cluster, since))

    async def nodes(self, cluster: ClusterId) -> Sequence[Node]:
        """See ports.Cloud."""
        return await self._timed("DescribeClusterNodes", self._inner.nodes(cluster))

    async def instances(self, regions: Sequence[RegionId]) -> Sequence[Instance]:
        """See ports.Cloud."""
        return await self._timed("DescribeInstances", self._inner.instances(regions))

    async def pool(self, operation: PoolOperation) -> Pool:
        """See ports.Cloud."""
        return await self._timed("DescribeNodePool", self._inner.pool(operation))

    async def stock(self, operation: Operation) -> int:
        """See ports.Cloud."""
        return await self._timed("DescribePrePaidInstanceStock", self._inner.stock(operation))

    async def price(self, operation: Operation, nodes: int) -> Money:
        """See ports.Cloud."""
        return await self._timed("DescribePrice", self._inner.price(operation, nodes))

    async def close(self) -> None:
        """See ports.Cloud."""
        await self._inner.close()

    async def _timed(self, action: str, call: Awaitable[T]) -> T:
        started = self._clock.monotonic()
        outcome = "canceled"
        try:
            answer = await call
        except CloudError as error:
            outcome = type(error).__name__
            raise
        else:
            outcome = "ok"
            return answer
        finally:
            self._observer.notice(CloudCalled(action, outcome, self._clock.monotonic() - started))
