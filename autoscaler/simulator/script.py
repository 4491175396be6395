"""Scripts: what becomes of a purchase, of its task and of the nodes it makes. Frozen models, part of a scenario.

All seconds count from the moment of the purchase unless a field says otherwise. A script holds no state.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from autoscaler.settings.base import Duration, Strict

Second = Annotated[Duration, Field(ge=0, allow_inf_nan=False)]
Nodes = Annotated[int, Field(ge=0, le=100_000)]
Window = tuple[Second, Second]
"""(from, to) in seconds; the end is outside it."""
Word = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
Join = Literal["ready", "initial", "failed", "never"]
Result = Literal["success", "failed", "initial"]
NodeStatus = Literal["Ready", "NotReady", "Unknown", "Offline"]
StockAnswer = Literal["refuse", "fail_task"]


def _check_windows(windows: tuple[Window, ...], what: str) -> None:
    if any(end <= begin for begin, end in windows):
        raise ValueError(f"{what} must end after it begins")


class Appearance(Strict):
    """When a row is shown in a list, in seconds since the thing that it tells of came to be."""

    after: Second = Field(default=0.0, description="The row is missing before.")
    missing: tuple[Window, ...] = Field(default=(), description="(from, to): the row is missing once more.")

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        _check_windows(self.missing, "a window of missing")
        return self

    def shows(self, age: float) -> bool:
        """Whether a thing of that age, in seconds, is shown."""
        return age >= self.after and not any(begin <= age < end for begin, end in self.missing)


class Visibility(Strict):
    """Eventual consistency: each read lags behind the truth by itself."""

    task: Appearance = Field(default=Appearance(), description="In DescribeTaskInfo, since the purchase.")
    tasks: Appearance = Field(default=Appearance(), description="In DescribeClusterTasks and events, likewise.")
    instances: Appearance = Field(default=Appearance(), description="In ENS DescribeInstances, likewise.")
    nodes: Appearance = Field(default=Appearance(), description="In the lists of nodes, since it is a node.")


class NodeFate(Strict):
    """What becomes of one machine.

    `ready`: it joins. `initial`: it is a node and never gets further. `failed`: it is a node whose state becomes failed
    when it should have been ready. `never`: it is an ENS instance and never a node.
    """

    join: Join = Field(default="ready", description="How it joins the cluster.")
    join_seconds: Second | None = Field(
        default=None, description="From the end of the task until it is Ready or failed; the scenario's if left out."
    )
    result: Result | None = Field(
        default=None, description="Its status in task_result at the end; failed if it fails to join, else success."
    )
    status: tuple[tuple[Second, NodeStatus], ...] = Field(
        default=(), description="(second, node_status) since it was first Ready: how it flaps."
    )
    repeat: Second | None = Field(default=None, gt=0, description="Seconds after which `status` starts again.")

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if any(later[0] < earlier[0] for earlier, later in pairwise(self.status)):
            raise ValueError("the entries of status must stand in the order of their seconds")
        return self

    def status_at(self, age: float) -> NodeStatus:
        """The kubelet's status, `age` seconds after the node was first Ready."""
        moment = age % self.repeat if self.repeat else age
        return next((status for second, status in reversed(self.status) if second <= moment), "Ready")


class PurchaseScript(Strict):
    """What becomes of one purchase. Left out, everything goes well, with the seconds of the scenario."""

    region: str | None = Field(default=None, description="Waits for a purchase in this ENS region; any, if left out.")
    task: Word = Field(
        default="success",
        description="State of the task after its end: success, fail, failed, paused, canceled, or a word that nobody "
        "documents. running: it never ends.",
    )
    task_seconds: Second | None = Field(default=None, description="When the task ends; the scenario's if left out.")
    meanwhile: tuple[tuple[Second, Second, Word], ...] = Field(
        default=(), description="(from, to, state): what the task says for a while instead, e.g. paused."
    )
    vanishes_after: Second | None = Field(default=None, description="From when on the task is not found any more.")
    error: str = Field(default="InternalError", min_length=1, description="Error code of a task that fails.")
    made: Nodes | None = Field(
        default=None,
        description="Machines that are made, sold and billed, whatever the task says; as many as ordered if left out.",
    )
    out_of_stock: StockAnswer | None = Field(
        default=None, description="The region sells nothing to this purchase: refused at once, or by a failing task."
    )
    nodes: tuple[NodeFate, ...] = Field(
        default=(), description="What becomes of each machine in turn; the last entry is that of all further ones."
    )
    visible: Visibility | None = Field(default=None, description="When it is seen; the scenario's if left out.")

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        _check_windows(tuple((begin, end) for begin, end, _ in self.meanwhile), "an entry of meanwhile")
        return self

    def fate(self, index: int) -> NodeFate:
        """What becomes of the machine of that index, from 0."""
        return self.nodes[min(index, len(self.nodes) - 1)] if self.nodes else NodeFate()
