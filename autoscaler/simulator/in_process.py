"""The simulated cloud without HTTP: ports.Cloud straight over the books, for tests in virtual time.

Operations and ids come in, our nouns go out, with the errors that the client over HTTP would raise. What the wire and
the signature add is tested over HTTP.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

from autoscaler.model.capacity import Instance, Node, Pool, Task, TaskRow
from autoscaler.model.errors import OutcomeUnknown
from autoscaler.model.names import ClusterId, InstanceId, Money, RegionId, TaskId
from autoscaler.model.operation import (
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    Operation,
    PoolOperation,
    Quantity,
    ScaleClusterNodePool,
    ScaleOutCluster,
)
from autoscaler.model.order import Receipt
from autoscaler.ports import Clock
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.chaos import Chaos
from autoscaler.simulator.faults import Fault, Misfortune
from autoscaler.simulator.in_process_faults import LocalCall, Word, befall
from autoscaler.simulator.in_process_rows import node_of, task_of
from autoscaler.simulator.pool_book import Product
from autoscaler.simulator.pool_sales import add_nodes, require_pool, set_desired_size, set_ens_size
from autoscaler.simulator.records import Refusal, ScaleOutBody
from autoscaler.simulator.validate import require_cluster, require_on_sale

T = TypeVar("T")
_ANSWER_TIME = 0.2


class InProcessCloud:
    """Implements ports.Cloud; `timeout` is the deadline of one call in seconds.

    `faults` are taken one by purchase call; `luck` is asked for every call that meets none of them, reads included;
    `readable = False` makes all reads fail. `calls` counts the purchase calls.
    """

    def __init__(
        self, books: CloudBooks, clock: Clock, luck: Misfortune | None = None, *, timeout: float = 10.0
    ) -> None:
        self._books = books
        self._clock = clock
        self._timeout = timeout
        self._late: set[asyncio.Task[None]] = set()
        self.luck: Misfortune = Chaos() if luck is None else luck
        self.faults: deque[Word | Fault] = deque()
        self.readable = True
        self.calls = 0

    async def purchase(self, operation: Operation, quantity: Quantity) -> Receipt:
        """Sell, unless a fault says otherwise: see ports.Cloud."""
        if quantity.count is not operation.count:
            raise TypeError(f"{operation.name} takes a {operation.count}, not a {quantity.count}")
        self.calls += 1
        await self._clock.sleep(_ANSWER_TIME)
        fault = self.faults.popleft() if self.faults else self.luck.take(operation.name)
        return await self._call(operation.name, lambda: self._sell(operation, quantity.nodes), fault)

    async def task(self, task: TaskId) -> Task:
        """See ports.Cloud."""
        return await self._read("DescribeTaskInfo", lambda: self._task(task))

    async def tasks(self, cluster: ClusterId, since: float) -> Sequence[TaskRow]:
        """See ports.Cloud."""
        return await self._read("DescribeClusterTasks", lambda: self._tasks(cluster, since))

    async def nodes(self, cluster: ClusterId) -> Sequence[Node]:
        """See ports.Cloud."""
        return await self._read("DescribeClusterNodes", lambda: self._nodes(cluster))

    async def instances(self, regions: Sequence[RegionId]) -> Sequence[Instance]:
        """See ports.Cloud."""
        return await self._read("DescribeInstances", lambda: self._instances(regions))

    async def pool(self, operation: PoolOperation) -> Pool:
        """See ports.Cloud."""
        ens = isinstance(operation, EnsScaleClusterNodePool)
        action = "EnsDescribeClusterNodePools" if ens else "DescribeClusterNodePoolDetail"
        return await self._read(action, lambda: self._pool(operation))

    async def stock(self, operation: Operation) -> int:
        """See ports.Cloud."""
        return await self._read("DescribePrePaidInstanceStock", lambda: self._stock(operation))

    async def price(self, operation: Operation, nodes: int) -> Money:
        """See ports.Cloud."""
        return await self._read("DescribePrice", lambda: self._price(operation, nodes))

    async def close(self) -> None:
        """Nothing to release: what the cloud executes later it executes all the same."""

    # How a call goes.

    async def _read(self, action: str, run: Callable[[], T]) -> T:
        if not self.readable:
            raise OutcomeUnknown(action, "Timeout")
        return await self._call(action, run, self.luck.take(action))

    async def _call(self, action: str, run: Callable[[], T], fault: Word | Fault | None) -> T:
        call = LocalCall(action, run, self._clock, self._timeout, self._later, self._unheard, self._told)
        if fault is None:
            return call.answered()
        self._books.faults[fault if isinstance(fault, str) else fault.kind] += 1
        return await befall(fault, call)

    def _later(self, seconds: float, execute: Callable[[], None]) -> None:
        async def wait() -> None:
            await self._clock.sleep(seconds)
            execute()

        task = asyncio.get_running_loop().create_task(wait(), name="a call that the cloud executes late")
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    def _told(self, refusal: Refusal) -> None:
        self._books.refusals[refusal.code] += 1

    def _unheard(self, refusal: Refusal) -> None:
        self._books.unheard[refusal.code] += 1

    # What a call does.

    def _sell(self, operation: Operation, number: int) -> Receipt:
        books, request, now = self._books, self._books.new_request_id(), self._clock.now()
        match operation:
            case ScaleOutCluster():
                require_cluster(books, operation.cluster)
                require_on_sale(books, operation.ens_region_id, operation.worker_instance_type)
                task = books.buy(_body(operation, number), request, now)
            case ScaleClusterNodePool():
                task = add_nodes(books, operation.cluster, operation.pool, number, request, now)
            case ModifyClusterNodePool():
                task = set_desired_size(books, operation.cluster, operation.pool, number, request, now)
            case EnsScaleClusterNodePool():
                set_ens_size(books, operation.cluster, operation.pool, number, request, now)
                return Receipt(None, request)
        return Receipt(TaskId(task.id), request)

    def _task(self, name: TaskId) -> Task:
        now = self._clock.now()
        booked = self._books.task_book.found(name, now)
        if booked is None:
            raise Refusal("ErrorTaskNotFound", "", 404)
        return task_of(booked, now, self._skew)

    def _tasks(self, cluster: ClusterId, since: float) -> list[TaskRow]:
        require_cluster(self._books, cluster)
        now = self._clock.now()
        tasks = [task_of(booked, now, self._skew) for booked in self._books.task_book.listed(cluster, now)]
        rows = [TaskRow(task.task, task.kind, task.state, task.created_at or 0.0) for task in tasks]
        return [row for row in rows if row.created_at >= since]

    def _nodes(self, cluster: ClusterId) -> list[Node]:
        require_cluster(self._books, cluster)
        return [node_of(row, self._skew) for row in self._books.listed_nodes(cluster, self._clock.now())]

    def _instances(self, regions: Sequence[RegionId]) -> list[Instance]:
        now = self._clock.now()
        return [
            Instance(
                InstanceId(booked.id),
                region,
                "Running" if now < booked.expires_at else "Expired",
                booked.bought_at + self._skew,
            )
            for region in dict.fromkeys(regions)
            for booked in self._books.listed_instances(now, region)
        ]

    def _pool(self, operation: PoolOperation) -> Pool:
        product: Product = "ens" if isinstance(operation, EnsScaleClusterNodePool) else "cs"
        pool = require_pool(self._books, product, operation.cluster, operation.pool)
        size = self._books.pools.size(pool, self._clock.now())
        return Pool(operation.pool, size.desired, size.total, size.failed)

    def _stock(self, operation: Operation) -> int:
        require_on_sale(self._books, operation.ens_region_id, operation.worker_instance_type)
        return self._books.stock(operation.ens_region_id, operation.worker_instance_type, self._clock.now())

    def _price(self, operation: Operation, nodes: int) -> Money:
        require_on_sale(self._books, operation.ens_region_id, operation.worker_instance_type)
        return self._books.price(operation.worker_instance_type, nodes, operation.worker_period)

    @property
    def _skew(self) -> float:
        return self._books.scenario.clock_skew


def _body(operation: ScaleOutCluster, nodes: int) -> ScaleOutBody:
    return ScaleOutBody(
        operation.cluster,
        operation.ens_region_id,
        operation.worker_instance_type,
        nodes,
        operation.worker_image_id,
        operation.worker_system_disk_size,
        operation.worker_data_disk_size,
        operation.worker_period,
    )
