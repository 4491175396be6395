"""The witness at the vendor's side: counts the troubles that mattered, and not those that were merely configured.

It stands between the books and the API's lists, and beside the chaos that decides faults. It changes nothing.
"""

from collections.abc import Sequence
from contextvars import Context, ContextVar
from typing import TypeVar

from autoscaler.model.order import Order
from autoscaler.simulator.faults import PURCHASES, Fault
from autoscaler.simulator.records import BookedInstance, BookedTask, NodeRow, Purchase
from autoscaler.simulator.server import Simulator
from tests.simulation.story import Story

Listed = TypeVar("Listed")
TROUBLE: ContextVar[str | None] = ContextVar("trouble", default=None)
"""What the request on its way met in the network."""
_FAULT: ContextVar[str | None] = ContextVar("fault", default=None)


class Witness:
    """Watches one simulator."""

    def __init__(self, simulator: Simulator, story: Story) -> None:
        self._books = simulator.books
        self._chaos = simulator.chaos
        self._story = story
        self._every = simulator.scenario.duplicate_every
        self._skew = simulator.scenario.clock_skew
        self._take = self._chaos.take
        self._instances = self._books.listed_instances
        self._found = self._books.task_book.found
        self._chaos.take = self._taken  # type: ignore[method-assign]  # the shipped books, with one ear more
        self._books.listed_nodes = self._nodes_listed  # type: ignore[method-assign]
        self._books.listed_instances = self._instances_listed  # type: ignore[method-assign]
        self._books.task_book.found = self._task_found  # type: ignore[method-assign]
        self._books.task_book.listed = self._tasks_listed  # type: ignore[method-assign]

    def sold(self, context: Context) -> None:
        """Machines were sold in this context: was it in spite of something?"""
        for kind in (context.get(TROUBLE), context.get(_FAULT)):
            if kind:
                self._story.count(f"sold, and yet: {kind}")

    def settled(self, order: Order, sale: Purchase | None) -> None:
        """A doubt was settled by a task: would it have been if both clocks were believed?"""
        if sale is None or order.submitted_at is None or order.receipt is None or order.receipt.task is None:
            return
        if int(sale.at + self._skew) < order.submitted_at:
            self._story.count("mattered: evidence is older than its call by the clocks")

    def _taken(self, action: str) -> Fault | None:
        fault = self._take(action)
        if fault is not None:
            _FAULT.set(f"vendor's {fault.kind}")
        if fault is not None and fault.kind == "throttle":
            who = "purchase" if action in PURCHASES else "read"
            self._story.count(f"throttled: {who} {'with' if fault.retry_after else 'without'} x-acs-retry-after")
        return fault

    def _nodes_listed(self, cluster: str, now: float) -> Sequence[NodeRow]:
        rows = [row for row in self._books.nodes(now) if row.instance.cluster == cluster]
        shown = [row for row in rows if row.instance.visible.nodes.shows(now - row.instance.node_at)]
        return self._listed("nodes", rows, shown)

    def _instances_listed(self, now: float, region: str | None = None) -> Sequence[BookedInstance]:
        rows = self._books.instances() if region is None else self._books.region_instances(region)
        return self._listed("instances", rows, self._instances(now, region))

    def _tasks_listed(self, cluster: str, now: float) -> Sequence[BookedTask]:
        rows = [task for task in self._books.tasks() if task.cluster == cluster and now < task.vanishes_at]
        return self._listed("tasks", rows, [task for task in rows if task.shows(task.visible.tasks, now)])

    def _task_found(self, task: str, now: float) -> BookedTask | None:
        found, known = self._found(task, now), self._books.task(task)
        if found is None and known is not None and now < known.vanishes_at:
            self._story.count("mattered: a task is not found yet")
        return found

    def _listed(self, what: str, rows: Sequence[object], shown: Sequence[Listed]) -> Sequence[Listed]:
        if len(shown) < len(rows):
            self._story.count(f"mattered: a list hides {what}")
        if self._every and len(shown) >= self._every:
            self._story.count(f"mattered: a list shows {what} twice")
        return shown
