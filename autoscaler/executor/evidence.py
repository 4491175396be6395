"""Evidence: the tasks of one cluster, read at most once for all orders that a look at the cluster is about.

Sixty orders in doubt ask for the same list and the same tasks: each is read once, and shared.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from autoscaler.model.capacity import Task, TaskRow
from autoscaler.model.errors import CloudError, NotFound
from autoscaler.model.names import ClusterId, TaskId
from autoscaler.ports import Cloud

T = TypeVar("T")


class _Once(Generic[T]):
    """One read, shared by all who ask for it; its failure is shared, too."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._lock = asyncio.Lock()
        self._answers: list[T] = []
        self._failure: CloudError | None = None

    async def get(self) -> T:
        """The answer. Raises CloudError."""
        async with self._lock:
            if not self._answers and self._failure is None:
                try:
                    self._answers.append(await self._read())
                except CloudError as error:
                    self._failure = error
        if self._failure is not None:
            raise self._failure
        return self._answers[0]


class ClusterTasks:
    """The tasks of one cluster during one look at it. `since` is Unix seconds: the oldest call that is in question."""

    def __init__(self, cloud: Cloud, cluster: ClusterId, since: float) -> None:
        self._cloud = cloud
        self._rows: _Once[Sequence[TaskRow]] = _Once(lambda: cloud.tasks(cluster, since))
        self._tasks: dict[TaskId, _Once[Task]] = {}

    async def rows(self, since: float) -> Sequence[TaskRow]:
        """The tasks created at or after `since` (not before the look's own). Raises CloudError."""
        return [row for row in await self._rows.get() if row.created_at >= since]

    async def task(self, task: TaskId) -> Task | None:
        """One task; None when the API does not know it (any more). Raises CloudError."""
        once = self._tasks.setdefault(task, _Once(lambda: self._cloud.task(task)))
        try:
            return await once.get()
        except NotFound:
            return None
