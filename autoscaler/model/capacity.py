"""What the cloud says that there is: nodes, instances, tasks, and the capacity of a region."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from autoscaler.model.names import ClusterId, InstanceId, NodePoolId, RegionId, TaskId


class NodePhase(StrEnum):
    """A node's place on its way into the cluster, joined from CS `state` and `node_status`."""

    JOINING = "joining"
    READY = "ready"
    UNREADY = "unready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Node:
    """A row of CS DescribeClusterNodes; that row names no ENS region."""

    instance: InstanceId
    name: str
    phase: NodePhase
    created_at: float | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """A row of ENS DescribeInstances: bought, whether or not it has become a node."""

    instance: InstanceId
    region: RegionId
    status: str
    created_at: float | None = None


class TaskState(StrEnum):
    """Outcome of an ACK task. `fail` and `failed` are one; unheard-of states are UNKNOWN and keep being watched."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PAUSED = "paused"
    CANCELED = "canceled"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        """True when the task itself will do nothing more."""
        return self in {TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELED}


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A row of CS DescribeClusterTasks. `created_at` is Unix seconds."""

    task: TaskId
    kind: str
    state: TaskState
    created_at: float


@dataclass(frozen=True, slots=True)
class Task:
    """CS DescribeTaskInfo. `results` maps the instance to `success`, `failed` or `initial`.

    `parameters` is a free map whose keys the vendor does not document: evidence where present, nothing where not.
    """

    task: TaskId
    cluster: ClusterId | None
    kind: str
    state: TaskState
    created_at: float | None
    error_code: str = ""
    error_message: str = ""
    results: Mapping[InstanceId, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pool:
    """The size of a node pool. `desired` is what it is told to have, None where the API does not say.

    `total` is what it has in any state, failed nodes included.
    """

    pool: NodePoolId
    desired: int | None
    total: int
    failed: int = 0

    @property
    def size(self) -> int:
        """The number that a total count must be added to."""
        return self.total if self.desired is None else self.desired


@dataclass(frozen=True, slots=True)
class Capacity:
    """The nodes of one region at one moment (`at`, Unix seconds). Every node is in exactly one set.

    `ready` nodes carry load. `unready` nodes were there and do not answer: a site that lost its uplink looks like
    that, so they stay counted. `joining` nodes are on their way to ready, `failed` ones will not get there by
    themselves. Instances that were bought and are not nodes yet are not here: the order that bought them counts them.
    """

    region: RegionId
    ready: frozenset[InstanceId]
    unready: frozenset[InstanceId]
    joining: frozenset[InstanceId]
    failed: frozenset[InstanceId]
    at: float

    @property
    def instances(self) -> frozenset[InstanceId]:
        """Everything that was bought in this region and still exists."""
        return self.ready.union(self.unready, self.joining, self.failed)
