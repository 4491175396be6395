"""Settling a doubt by evidence: was an order whose answer was lost bought or not?

Evidence, in this order: tasks of the cluster created since the call, then instances of the region that were not there
before it, nodes that ENS does not list yet among them. Where the count is a total, the size of the node pool comes
first. Absence counts only after a settle time longer than the API's own lag. What can not be told apart stays in doubt:
the region gets no further order, and a human is told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autoscaler.executor.book import OrderBook
from autoscaler.executor.evidence import ClusterTasks
from autoscaler.executor.survey import Survey
from autoscaler.model.capacity import Task
from autoscaler.model.errors import CloudError
from autoscaler.model.names import InstanceId, OrderId, TaskId
from autoscaler.model.operation import Count, ScaleOutCluster
from autoscaler.model.order import Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.ports import Clock, Cloud

_SCALES = "scale"
"""In the kind of every task that may have made nodes: `cluster_scaleout` is documented, those of node pools are not."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Candidates for what an order did: tasks that fit, tasks that may or may not fit, unexplained new instances.

    A task that is listed and that the API does not describe may fit.
    """

    fitting: tuple[Task, ...]
    unclear: tuple[TaskId, ...]
    new_instances: frozenset[InstanceId]


@dataclass(slots=True)
class _Traces:
    """Everything that was ever seen since an order's call: tasks with what they told last, and new instances."""

    tasks: dict[TaskId, Task | None] = field(default_factory=dict)
    instances: frozenset[InstanceId] = frozenset()


class Recoverer:
    """Settles IN_DOUBT orders. `settle_after` and `clock_skew` are seconds."""

    def __init__(self, cloud: Cloud, book: OrderBook, clock: Clock, settle_after: float, clock_skew: float) -> None:
        self._cloud = cloud
        self._book = book
        self._clock = clock
        self._settle_after = settle_after
        self._clock_skew = clock_skew
        self._doubted: dict[tuple[OrderId, int], float] = {}
        self._traces: dict[tuple[OrderId, int], _Traces] = {}

    async def take_up(self) -> None:
        """After a restart: an order that was being sent when the process died is in doubt. Raises LedgerError."""
        for order in self._book.open():
            if order.state is OrderState.SUBMITTING:
                await self._book.move(order, OrderState.IN_DOUBT, Reason.PROCESS_DIED_WHILE_SENDING)

    def since(self, order: Order) -> float:
        """The oldest task (Unix seconds) that may be what the order made."""
        return (order.submitted_at or order.created_at) - self._clock_skew

    async def settle(self, order: Order, survey: Survey, tasks: ClusterTasks) -> Order:
        """Settle a doubt if the evidence allows it. Evidence that can not be read settles nothing.

        `survey` must have been read after the order was submitted. Raises LedgerError.
        """
        after = await self._look(order, survey, tasks)
        if after.state is not OrderState.IN_DOUBT:
            self._traces.pop((order.id, order.attempt), None)
            self._doubted.pop((order.id, order.attempt), None)
        return after

    async def _look(self, order: Order, survey: Survey, tasks: ClusterTasks) -> Order:
        try:
            if order.operation.count is Count.TOTAL:
                return await self._judge_pool(order, survey)
            evidence = await self._gather(order, survey, tasks)
        except CloudError as error:
            return await self._stay(order, f"evidence can not be read: {error}")
        return await self._judge(order, evidence, survey)

    async def _gather(self, order: Order, survey: Survey, tasks: ClusterTasks) -> Evidence:
        """What speaks for the purchase, now or at an earlier look: rows may vanish again, and evidence must not."""
        seen = self._traces.setdefault((order.id, order.attempt), _Traces())
        for row in await tasks.rows(self.since(order)):
            if _SCALES in row.kind.lower():
                found = await tasks.task(row.task)
                seen.tasks[row.task] = found or seen.tasks.get(row.task)
        claimed = self._book.claimed_tasks()
        answers = {
            name: None if task is None else fits(order, task, survey, foreign=self._foreign(order, task))
            for name, task in seen.tasks.items()
            if name not in claimed
        }
        seen.instances |= survey.instances.get(order.region, frozenset()) - _before(order)
        return Evidence(
            tuple(task for name, answer in answers.items() if answer and (task := seen.tasks[name]) is not None),
            tuple(name for name, answer in answers.items() if answer is None),
            self._book.unclaimed(seen.instances, order.id),
        )

    def _foreign(self, order: Order, task: Task) -> bool:
        """Whether a task made what was there before the call, or what another order bought."""
        made = frozenset(task.results)
        return bool(made & _before(order)) or self._book.unclaimed(made, order.id) != made

    async def _judge_pool(self, order: Order, survey: Survey) -> Order:
        """The size of the pool tells whether a total was taken; who else sets it makes that unclear."""
        operation = order.operation
        before = order.baseline.pool_size if order.baseline else None
        if isinstance(operation, ScaleOutCluster) or before is None:
            return await self._stay(order, "the size of the pool before the call is not known")
        size = (await self._cloud.pool(operation)).size
        wanted = before + order.nodes
        if size == wanted:
            return await self._accept(
                order, None, frozenset(), f"pool {operation.pool} has the size {wanted} asked for"
            )
        if size != before:
            return await self._stay(order, f"pool {operation.pool} has {size} nodes: neither {before} nor {wanted}")
        if order.region not in survey.instances:
            return await self._stay(order, "the region was not read")
        if not self._settled(order, survey):
            return order
        if new := self._book.unclaimed(survey.instances[order.region] - _before(order), order.id):
            return await self._stay(order, f"{len(new)} new instances in the region, and the pool has its former size")
        detail = f"pool {operation.pool} still has {before} nodes {self._settle_after:.0f} s after the call"
        return await self._book.move(order, OrderState.PLANNED, Reason.ABSENCE_PROVEN, detail)

    async def _judge(self, order: Order, evidence: Evidence, survey: Survey) -> Order:
        if order.region not in survey.instances:
            return await self._stay(order, "the region was not read")
        if not self._settled(order, survey):
            return order  # that there is no other task yet is no proof either: lists lag
        if len(evidence.fitting) == 1 and not evidence.unclear:
            return await self._found(order, evidence.fitting[0])
        if evidence.fitting or evidence.unclear:
            tasks = ", ".join((*(task.task for task in evidence.fitting), *evidence.unclear))
            return await self._stay(order, f"tasks that can not be told apart: {tasks}")
        found = len(evidence.new_instances)
        if found == order.nodes and not self._rivals(order):
            detail = f"{order.nodes} new instances in the region and no task"
            return await self._accept(order, None, evidence.new_instances, detail)
        if found:
            return await self._stay(order, f"{found} new instances in the region, {order.nodes} were ordered")
        if strangers := self._book.unclaimed(survey.strangers, order.id):
            return await self._stay(order, f"{len(strangers)} new nodes that ENS does not list yet")
        detail = f"no task and no instance {self._settle_after:.0f} s after the call"
        return await self._book.move(order, OrderState.PLANNED, Reason.ABSENCE_PROVEN, detail)

    def _settled(self, order: Order, survey: Survey) -> bool:
        """Whether the settle time has passed by both clocks: the wall clock may have been set meanwhile."""
        began = self._doubted.setdefault((order.id, order.attempt), self._clock.monotonic())
        by_wall = survey.at - (order.submitted_at or order.created_at)
        return min(by_wall, self._clock.monotonic() - began) >= self._settle_after

    def _rivals(self, order: Order) -> bool:
        return any(o.id != order.id and not o.state.final for o in self._book.in_region(order.region))

    async def _found(self, order: Order, task: Task) -> Order:
        return await self._accept(order, task, frozenset(task.results), f"task {task.task} fits the order")

    async def _accept(self, order: Order, task: Task | None, instances: frozenset[InstanceId], detail: str) -> Order:
        receipt = Receipt(task.task if task else None, "")
        return await self._book.move(
            order, OrderState.ACCEPTED, Reason.EVIDENCE_FOUND, detail, receipt=receipt, instances=instances
        )

    async def _stay(self, order: Order, detail: str) -> Order:
        """Stay in doubt; say why once, not at every poll."""
        if order.detail == detail:
            return order
        return await self._book.move(order, OrderState.IN_DOUBT, order.reason, detail)


def _before(order: Order) -> frozenset[InstanceId]:
    return order.baseline.instances if order.baseline else frozenset()


def fits(order: Order, task: Task, survey: Survey, *, foreign: bool) -> bool | None:
    """Whether a task is what this order made: True, False only on proof, or None when the task does not tell.

    The keys of a task's `parameters` are undocumented, so a region counts wherever it stands, and a number only where
    its key speaks of a count. `foreign`: it made instances that are not this order's.
    """
    told = tuple(_flat(task.parameters))
    named = {value for _, value in told if value == order.region or value in survey.instances}
    places = survey.places(task.results)
    if foreign or (named and order.region not in named) or places - {order.region} or len(task.results) > order.nodes:
        return False
    counts = {value for key, value in told if "count" in key.lower()}
    if named and counts:
        return counts == {str(order.nodes)}
    located = all(instance in survey.sites for instance in task.results)
    if located and places == {order.region} and len(task.results) == order.nodes:
        return True
    return None


def _flat(value: object, key: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, str(name))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _flat(inner, key)
    else:
        yield key, str(value)
