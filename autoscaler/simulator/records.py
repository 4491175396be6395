"""What the simulated vendor writes down: orders, machines, tasks, sales, and the refusals it answers with.

Frozen values. All times are Unix seconds of simulated time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from autoscaler.model.names import Money
from autoscaler.simulator.script import Appearance, NodeFate, NodeStatus, Visibility

Style = Literal["gateway", "ens", "cs"]
"""Who says no: the gateway and ENS write `Code`, CS writes `code`."""
Buyer = Literal["api", "hand"]
"""Who bought: a signed call, or a person at the console."""
_GOES_WELL = NodeFate()
_AT_ONCE = Visibility()
FAILED_STATES = frozenset({"fail", "failed"})


class Refusal(Exception):
    """The API says no, with an HTTP status and, at times, headers."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        style: Style = "gateway",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.message = message
        self.status = status
        self.style = style
        self.headers = dict(headers or {})
        super().__init__(f"{code}: {message}")


@dataclass(frozen=True, slots=True)
class ScaleOutBody:
    """What a valid purchase asks for. Disks are GiB, the period is months.

    `cluster` is empty for machines that are to be no nodes, `pool` where no node pool is concerned.
    """

    cluster: str
    region: str
    instance_type: str
    nodes: int
    image: str
    system_disk: int
    data_disk: int
    period: int
    pool: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class BookedInstance:
    """A machine that was sold. It is a node from `node_at` unless it never becomes one, and Ready from `ready_at`.

    `joined_by` is when it should be Ready; `removed_at` when somebody took it out of its cluster.
    """

    id: str
    region: str
    cluster: str
    pool: str
    instance_type: str
    image: str
    system_disk: int
    data_disk: int
    bought_at: float
    expires_at: float
    node_at: float
    joined_by: float
    fate: NodeFate = _GOES_WELL
    visible: Visibility = _AT_ONCE
    removed_at: float = inf
    name: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def ready_at(self) -> float:
        """When it is first Ready; infinite if it never will be."""
        return self.joined_by if self.cluster and self.fate.join == "ready" else inf

    @property
    def node_name(self) -> str:
        """The name of its Kubernetes node. It does not tell the region: neither does the real one."""
        return f"iz{self.id[2:]}z"

    def is_node(self, now: float) -> bool:
        """Whether it is in its cluster, in whatever state."""
        return bool(self.cluster) and self.fate.join != "never" and self.node_at <= now < self.removed_at

    def has_joined(self, now: float) -> bool:
        """Whether it became Ready and was not taken out since."""
        return self.ready_at <= now < self.removed_at


NodeState = Literal["initial", "running", "failed"]


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node as CS sees it at one moment: `state` is its way into the cluster, `status` is the kubelet's."""

    instance: BookedInstance
    state: NodeState
    status: NodeStatus


@dataclass(frozen=True, slots=True)
class BookedTask:
    """A task from its start to its known end. `error` is (code, message) when it ends badly.

    `results` are the final words on each of `instances`. `meanwhile` are (from, to, state) in seconds since its start.
    """

    id: str
    kind: str
    cluster: str
    created_at: float
    ends_at: float
    request_id: str
    ending: str = "success"
    error: tuple[str, str] | None = None
    instances: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    meanwhile: tuple[tuple[float, float, str], ...] = ()
    vanishes_at: float = inf
    visible: Visibility = _AT_ONCE

    def state(self, now: float) -> str:
        """`running` until its end, then its ending; what `meanwhile` says wins."""
        age = now - self.created_at
        for begin, end, word in self.meanwhile:
            if begin <= age < end:
                return word
        return self.ending if now >= self.ends_at else "running"

    def failure(self, now: float) -> tuple[str, str] | None:
        """Its error, once it has failed."""
        return self.error if self.state(now) in FAILED_STATES else None

    def result(self, index: int, now: float) -> str:
        """What it says of the instance of that index: initial until the task has ended."""
        return self.results[index] if now >= self.ends_at and self.ending != "running" else "initial"

    def shows(self, appearance: Appearance, now: float) -> bool:
        """Whether a read that lags like this finds the task."""
        return now < self.vanishes_at and appearance.shows(now - self.created_at)


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of the audit: `nodes` machines were sold and are to be paid for, `amount` in hundredths.

    `ordered` is what was asked for; `at` is when it was executed. `task_id` is empty where the operation names none.
    """

    region: str
    nodes: int
    at: float
    request_id: str
    task_id: str
    instances: tuple[str, ...]
    who: Buyer
    action: str
    cluster: str
    pool: str
    instance_type: str
    ordered: int
    period: int
    amount: Money
