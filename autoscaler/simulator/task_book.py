"""The tasks of the clusters, and the events that tell of them.

Tasks and removals come in, what a read at one moment finds goes out; time is an argument.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.simulator.records import BookedInstance, BookedTask


@dataclass(frozen=True, slots=True)
class BookedEvent:
    """One event of a cluster. `task` is empty for an event that belongs to none."""

    id: str
    cluster: str
    kind: str
    at: float
    task: str
    subject: str
    level: str
    message: str


class TaskBook:
    """Tasks by id, oldest first, and the removals of nodes."""

    def __init__(self) -> None:
        self._tasks: dict[str, BookedTask] = {}
        self._removals: list[BookedInstance] = []

    def add(self, task: BookedTask) -> None:
        """A task was started."""
        self._tasks[task.id] = task

    def note_removal(self, instance: BookedInstance) -> None:
        """A node was taken out of its cluster at its `removed_at`."""
        self._removals.append(instance)

    @property
    def removals(self) -> Sequence[BookedInstance]:
        """The nodes that were taken out, in that order."""
        return tuple(self._removals)

    def get(self, task: str) -> BookedTask | None:
        """The task of that id, whether or not a read would find it."""
        return self._tasks.get(task)

    def all(self) -> Sequence[BookedTask]:
        """All tasks of all clusters, newest first, whether or not a read would find them."""
        return tuple(reversed(self._tasks.values()))

    def found(self, task: str, now: float) -> BookedTask | None:
        """The task of that id as DescribeTaskInfo finds it."""
        known = self._tasks.get(task)
        return known if known and known.shows(known.visible.task, now) else None

    def listed(self, cluster: str, now: float) -> Sequence[BookedTask]:
        """A cluster's tasks as DescribeClusterTasks lists them, newest first."""
        return [task for task in self.all() if task.cluster == cluster and task.shows(task.visible.tasks, now)]

    def events(self, cluster: str, now: float) -> Sequence[BookedEvent]:
        """A cluster's events, newest first: a start and an end of each task that is listed, and every removal."""
        told = [event for task in self.listed(cluster, now) for event in _of_task(task, now)]
        told += [_of_removal(gone) for gone in self._removals if gone.cluster == cluster and gone.removed_at <= now]
        return sorted(told, key=lambda event: event.at, reverse=True)


def _of_task(task: BookedTask, now: float) -> list[BookedEvent]:
    begun = BookedEvent(
        f"e-{task.id}-1", task.cluster, task.kind, task.created_at, task.id, task.cluster, "info", "start"
    )
    if now < task.ends_at or task.ending == "running":
        return [begun]
    level = "error" if task.error else "info"
    ended = BookedEvent(
        f"e-{task.id}-2", task.cluster, task.kind, task.ends_at, task.id, task.cluster, level, task.ending
    )
    return [ended, begun]


def _of_removal(gone: BookedInstance) -> BookedEvent:
    return BookedEvent(
        f"e-{gone.id}", gone.cluster, "cluster_node_delete", gone.removed_at, "", gone.node_name, "info", "node removed"
    )
