"""What the books hold, in the product's own nouns: how the client over HTTP reads the same rows.

Booked tasks and nodes come in, tasks and nodes of the model go out. `skew` is the server's clock minus ours, seconds.
"""

from autoscaler.model.capacity import Node, NodePhase, Task, TaskState
from autoscaler.model.names import ClusterId, InstanceId, TaskId
from autoscaler.simulator.records import BookedTask, NodeRow

_STATES = {
    "running": TaskState.RUNNING,
    "success": TaskState.SUCCEEDED,
    "fail": TaskState.FAILED,
    "failed": TaskState.FAILED,
    "paused": TaskState.PAUSED,
    "canceled": TaskState.CANCELED,
}
_PHASES = {"initial": NodePhase.JOINING, "failed": NodePhase.FAILED}


def task_of(booked: BookedTask, now: float, skew: float) -> Task:
    """CS DescribeTaskInfo."""
    code, message = booked.failure(now) or ("", "")
    return Task(
        task=TaskId(booked.id),
        cluster=ClusterId(booked.cluster),
        kind=booked.kind,
        state=_STATES.get(booked.state(now), TaskState.UNKNOWN),
        created_at=booked.created_at + skew,
        error_code=code,
        error_message=message,
        results={InstanceId(name): booked.result(index, now) for index, name in enumerate(booked.instances)},
        parameters=booked.parameters,
    )


def node_of(row: NodeRow, skew: float) -> Node:
    """A row of CS DescribeClusterNodes."""
    running = NodePhase.READY if row.status == "Ready" else NodePhase.UNREADY
    machine = row.instance
    return Node(InstanceId(machine.id), machine.node_name, _PHASES.get(row.state, running), machine.bought_at + skew)
