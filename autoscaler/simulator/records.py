"""What the simulated vendor writes down: instances, tasks, purchases, and the refusals it answers with.

Frozen values. All times are Unix seconds of simulated time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Style = Literal["gateway", "ens", "cs"]
"""Who says no: the gateway and ENS write `Code`, CS writes `code`."""


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
    """The parts of an accepted ScaleOutCluster body that the books need. Disks are GiB, the period is months."""

    cluster: str
    region: str
    instance_type: str
    nodes: int
    image: str
    system_disk: int
    data_disk: int
    period: int


@dataclass(frozen=True, slots=True)
class BookedInstance:
    """A machine that was sold. ENS shows it from `bought_at`, CS from `node_at`, and it is Ready from `ready_at`."""

    id: str
    region: str
    instance_type: str
    image: str
    system_disk: int
    data_disk: int
    bought_at: float
    expires_at: float
    node_at: float
    ready_at: float

    @property
    def node_name(self) -> str:
        """The name of its Kubernetes node. It does not tell the region: neither does the real one."""
        return f"iz{self.id[2:]}z"


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node as CS sees it at one moment: `state` is its way into the cluster, `status` is the kubelet's."""

    instance: BookedInstance
    state: Literal["initial", "running"]
    status: Literal["Ready", "NotReady", "Unknown"]


@dataclass(frozen=True, slots=True)
class BookedTask:
    """A task from its start to its known end. `error` is (code, message) when it ends badly."""

    id: str
    kind: str
    created_at: float
    ends_at: float
    request_id: str
    error: tuple[str, str] | None = None
    instances: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)

    def state(self, now: float) -> Literal["running", "success", "fail"]:
        """`running` until its end."""
        if now < self.ends_at:
            return "running"
        return "fail" if self.error else "success"


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of the audit: `nodes` machines were sold and are to be paid for."""

    region: str
    nodes: int
    at: float
    request_id: str
    task_id: str
    instances: tuple[str, ...]
