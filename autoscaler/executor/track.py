"""Tracking: an accepted order to its end. The task says what it made, the nodes say which of that is ready."""

from dataclasses import dataclass

from autoscaler.executor.book import OrderBook
from autoscaler.executor.evidence import ClusterTasks
from autoscaler.executor.survey import Survey
from autoscaler.model.capacity import NodePhase, Task, TaskState
from autoscaler.model.errors import CloudError
from autoscaler.model.names import InstanceId, OrderId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.ports import Clock

_FAILED_RESULT = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known of an order's nodes. `lost` will not come: failed, or never made by an ended task."""

    instances: frozenset[InstanceId]
    ready: int
    lost: int
    task: Task | None


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at an order: its task, None when there is none to read; `gone` when the API has forgotten it."""

    survey: Survey
    task: Task | None
    gone: bool = False


class Tracker:
    """Follows ACCEPTED and OVERDUE orders. `settle_after` is seconds: by then the API shows what an order made."""

    def __init__(self, book: OrderBook, clock: Clock, settle_after: float) -> None:
        self._book = book
        self._clock = clock
        self._settle_after = settle_after
        self._ended: dict[OrderId, float] = {}

    async def follow(self, order: Order, survey: Survey, tasks: ClusterTasks) -> Order:
        """Read the order's task and move the order on by what is seen. A task that can not be read changes nothing.

        Raises LedgerError.
        """
        if order.region not in survey.instances:
            return await self.late(order, "the region can not be read")
        try:
            seen = await self._look(order, survey, tasks)
        except CloudError:
            return await self.late(order, "the order's task can not be read")
        found = progress(
            order, seen, self._unexplained(order, seen), rivals=self._rivals(order), settled=self._settled(order, seen)
        )
        if found.instances != order.instances:
            detail = f"{len(found.instances)} of {order.nodes} instances are known"
            order = await self._book.move(order, order.state, Reason.INSTANCES_SEEN, detail, instances=found.instances)
        order = await self._conclude(order, found)
        if order.state.final:
            self._ended.pop(order.id, None)
            return order
        return await self._stalled(order, seen)

    def _settled(self, order: Order, seen: Seen) -> bool:
        """Whether the API had time to show what the task made, since it was first seen to do nothing more.

        By the monotonic clock: the wall clock may be set meanwhile. A restart waits anew.
        """
        if not (seen.gone or _ended(seen.task)):
            self._ended.pop(order.id, None)
            return False
        now = self._clock.monotonic()
        return now - self._ended.setdefault(order.id, now) >= self._settle_after

    def _unexplained(self, order: Order, seen: Seen) -> frozenset[InstanceId]:
        """Instances of the region that came after the order's baseline and that no order claims."""
        if order.baseline is None:
            return frozenset()
        here = seen.survey.instances.get(order.region, frozenset())
        return self._book.unclaimed(here - order.baseline.instances, order.id)

    async def _look(self, order: Order, survey: Survey, tasks: ClusterTasks) -> Seen:
        if order.receipt is None or order.receipt.task is None:
            return Seen(survey, None)
        task = await tasks.task(order.receipt.task)
        return Seen(survey, task, gone=task is None)

    def _rivals(self, order: Order) -> bool:
        """Whether another order of the region is under way: then new instances can not be told apart."""
        return any(o.id != order.id and not o.state.final for o in self._book.in_region(order.region))

    async def _conclude(self, order: Order, found: Progress) -> Order:
        if found.ready >= order.nodes:
            detail = f"{order.nodes} of {order.nodes} nodes are ready"
            return await self._book.move(order, OrderState.READY, Reason.NODES_READY, detail)
        if found.ready + found.lost >= order.nodes:
            failed = len(found.instances) - found.ready
            return await self._book.move(order, *_ending(order, found), failed_joins=failed)
        return await self.late(order, f"{found.ready} of {order.nodes} nodes are ready")

    async def late(self, order: Order, detail: str) -> Order:
        """Past its deadline an accepted order is overdue, whatever can be read of it. Raises LedgerError."""
        if order.state is OrderState.ACCEPTED and self._clock.now() > order.deadline:
            detail += " past the deadline; the others stay counted, and are taken if they come late"
            return await self._book.move(order, OrderState.OVERDUE, Reason.PAST_DEADLINE, detail)
        return order

    async def _stalled(self, order: Order, seen: Seen) -> Order:
        """Say once that a task does not go on by itself; the order is watched all the same, until its deadline."""
        detail = _why_stalled(seen)
        if not detail or order.state is not OrderState.ACCEPTED or order.detail == detail:
            return order
        return await self._book.move(order, order.state, Reason.TASK_STALLED, detail)


def _why_stalled(seen: Seen) -> str:
    if seen.gone:
        return "the API does not know the order's task any more"
    if seen.task is not None and seen.task.state in {TaskState.PAUSED, TaskState.UNKNOWN}:
        return f"task {seen.task.task} is {seen.task.state}"
    return ""


def _ending(order: Order, found: Progress) -> tuple[OrderState, Reason, str]:
    why = f"{found.task.error_code} {found.task.error_message}".strip() if found.task else ""
    detail = f"{found.ready} of {order.nodes} nodes are ready, {found.lost} will not come" + (f": {why}" if why else "")
    why_less = failure(found.task)
    if found.ready or (found.instances and why_less is Reason.TASK_FAILED):
        state = OrderState.PARTIAL if found.ready else OrderState.FAILED
        return state, Reason.OUT_OF_STOCK if why_less is Reason.OUT_OF_STOCK else Reason.SOME_NODES_FAILED, detail
    return OrderState.FAILED, why_less, detail


def failure(task: Task | None) -> Reason:
    """Why a task made nothing. The stock codes of ENS, ECS and ESS (StockNotEnough, NoStock, ...) share one word."""
    return Reason.OUT_OF_STOCK if task and "stock" in task.error_code.lower() else Reason.TASK_FAILED


def progress(order: Order, seen: Seen, new: frozenset[InstanceId], *, rivals: bool, settled: bool) -> Progress:
    """What the task and the survey tell about an order's nodes.

    What the task lists is the order's. New instances of the region are, only where no task lists any and no other
    order could have made them. A node that an ended task did not make is lost once the API had time to show it and
    shows no instance that nobody can explain.
    """
    task, survey = seen.task, seen.survey
    results = dict(task.results) if task else {}
    known = order.instances | frozenset(results)
    unexplained = new - known
    missing = order.nodes - len(known)
    no_task = order.receipt is None or order.receipt.task is None
    untold = no_task or (seen.gone and settled) or (_ended(task) and not results)
    if untold and not rivals and 0 < len(unexplained) == missing:
        known, missing, unexplained = known | unexplained, 0, frozenset()
    ready = sum(survey.phase(instance) is NodePhase.READY for instance in known)
    failed = sum(_has_failed(instance, results.get(instance), survey) for instance in known)
    never_made = max(0, missing) if _ended(task) and settled and not unexplained else 0
    return Progress(known, ready, failed + never_made, task)


def _ended(task: Task | None) -> bool:
    return task is not None and task.state.ended


def _has_failed(instance: InstanceId, result: str | None, survey: Survey) -> bool:
    phase = survey.phase(instance)
    return phase is NodePhase.FAILED or (result == _FAILED_RESULT and phase is not NodePhase.READY)
