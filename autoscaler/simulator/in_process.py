"""The simulated cloud without HTTP: ports.Cloud straight over the books, for tests in virtual time.

Faults are put in one per purchase call. What the wire and the signature add is tested over HTTP.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Literal

from autoscaler.model.capacity import Instance, Node, NodePhase, Task, TaskRow, TaskState
from autoscaler.model.errors import (
    CloudError,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    QuotaExceeded,
    Rejected,
    Throttled,
    Unavailable,
)
from autoscaler.model.names import ClusterId, InstanceId, RegionId, TaskId
from autoscaler.model.operation import Operation, Quantity
from autoscaler.model.order import Receipt
from autoscaler.ports import Clock
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.records import BookedTask, NodeRow, Refusal, ScaleOutBody

Fault = Literal["lost_answer", "lost_request", "throttled", "never_sent", "crash_after", "hang"]
_REFUSALS: Mapping[str, type[CloudError]] = {"StockNotEnough": OutOfStock, "QuotaExceeded.Node": QuotaExceeded}
_STATES = {"running": TaskState.RUNNING, "success": TaskState.SUCCEEDED, "fail": TaskState.FAILED}
_ANSWER_TIME = 0.2
_FOREVER = 1e9


class InProcessCloud:
    """Implements ports.Cloud. `faults` are taken one by purchase call; `readable = False` makes all reads fail."""

    def __init__(self, books: CloudBooks, clock: Clock) -> None:
        self._books = books
        self._clock = clock
        self.faults: deque[Fault] = deque()
        self.readable = True
        self.calls = 0

    async def purchase(self, operation: Operation, quantity: Quantity) -> Receipt:
        """Sell, unless a fault says otherwise."""
        self.calls += 1
        await self._clock.sleep(_ANSWER_TIME)
        fault = self.faults.popleft() if self.faults else None
        name = operation.name
        if fault == "throttled":
            raise Throttled(name, "Throttling.User", retry_after=2.0, status=400)
        if fault == "never_sent":
            raise Unavailable(name, "ConnectionRefused")
        if fault == "lost_request":
            raise OutcomeUnknown(name, "Timeout")
        task = self._sell(operation, quantity.nodes)
        if fault == "lost_answer":
            raise OutcomeUnknown(name, "ServerDisconnected")
        if fault == "crash_after":
            raise RuntimeError("a fault of ours after the call")
        if fault == "hang":
            await self._clock.sleep(_FOREVER)
        return Receipt(TaskId(task.id), task.request_id)

    async def task(self, task: TaskId) -> Task:
        """See ports.Cloud."""
        self._check_readable("DescribeTaskInfo")
        booked = self._books.task(task)
        if booked is None:
            raise NotFound("DescribeTaskInfo", "ErrorTaskNotFound", status=404)
        return self._shown(booked)

    async def tasks(self, cluster: ClusterId, since: float) -> Sequence[TaskRow]:
        """See ports.Cloud."""
        self._check_readable("DescribeClusterTasks")
        self._check_cluster("DescribeClusterTasks", cluster)
        rows = [self._shown(booked) for booked in self._books.tasks()]
        return [TaskRow(t.task, t.kind, t.state, t.created_at or 0.0) for t in rows if (t.created_at or 0.0) >= since]

    async def nodes(self, cluster: ClusterId) -> Sequence[Node]:
        """See ports.Cloud."""
        self._check_readable("DescribeClusterNodes")
        self._check_cluster("DescribeClusterNodes", cluster)
        return [_node(row) for row in self._books.nodes(self._clock.now())]

    async def instances(self, regions: Sequence[RegionId]) -> Sequence[Instance]:
        """See ports.Cloud."""
        self._check_readable("DescribeInstances")
        return [
            Instance(InstanceId(booked.id), region, "Running", booked.bought_at)
            for region in regions
            for booked in self._books.region_instances(region)
        ]

    async def close(self) -> None:
        """Nothing to release."""

    def _check_readable(self, action: str) -> None:
        if not self.readable:
            raise OutcomeUnknown(action, "Timeout")

    def _check_cluster(self, action: str, cluster: ClusterId) -> None:
        if cluster != self._books.scenario.cluster_id:
            raise NotFound(action, "ErrorClusterNotFound", status=404)

    def _sell(self, operation: Operation, nodes: int) -> BookedTask:
        body = ScaleOutBody(
            operation.cluster,
            operation.ens_region_id,
            operation.worker_instance_type,
            nodes,
            operation.worker_image_id,
            operation.worker_system_disk_size,
            operation.worker_data_disk_size,
            operation.worker_period,
        )
        try:
            return self._books.buy(body, self._books.new_request_id(), self._clock.now())
        except Refusal as refusal:
            kind = _REFUSALS.get(refusal.code, Rejected)
            raise kind(operation.name, refusal.code, refusal.message, status=refusal.status) from None

    def _shown(self, booked: BookedTask) -> Task:
        state = _STATES[booked.state(self._clock.now())]
        code, message = booked.error if booked.error and state is TaskState.FAILED else ("", "")
        results = {InstanceId(i): "success" if state is TaskState.SUCCEEDED else "initial" for i in booked.instances}
        return Task(
            TaskId(booked.id),
            ClusterId(self._books.scenario.cluster_id),
            booked.kind,
            state,
            booked.created_at,
            code,
            message,
            results,
            booked.parameters,
        )


def _node(row: NodeRow) -> Node:
    joining = row.state == "initial"
    phase = NodePhase.JOINING if joining else NodePhase.READY if row.status == "Ready" else NodePhase.UNREADY
    return Node(InstanceId(row.instance.id), row.instance.node_name, phase, row.instance.bought_at)
