"""Decoding: what the API's successful answers say, in our own nouns.

Bytes of a 2xx answer come in, receipts, tasks, nodes and instances go out. Pure. An answer that lacks what it must
have raises Unreadable: a row that is silently left out is a node that is bought again.
Source: CS 2015-12-15 and ENS 2017-11-10 response models of the SDKs; API page of ScaleOutCluster.
"""

from collections.abc import Mapping

from autoscaler.cloud.body import Unreadable, integer_of, mapping_of, read_fields, rows_of, text_of, time_of
from autoscaler.cloud.paging import Page
from autoscaler.model.capacity import Instance, Node, NodePhase, Task, TaskRow, TaskState
from autoscaler.model.names import ClusterId, InstanceId, RegionId, TaskId
from autoscaler.model.order import Receipt

_STATES = {
    "running": TaskState.RUNNING,
    "success": TaskState.SUCCEEDED,
    "fail": TaskState.FAILED,
    "failed": TaskState.FAILED,
    "paused": TaskState.PAUSED,
    "canceled": TaskState.CANCELED,
}
_PHASES = {"initial": NodePhase.JOINING, "failed": NodePhase.FAILED, "removing": NodePhase.UNREADY}
_SECRET_WORDS = ("password", "secret", "token")


def receipt(body: bytes, request_id: str = "") -> Receipt:
    """The answer to a CS purchase, JSON or XML. `request_id` is that of the headers, for a body that has none."""
    fields = read_fields(body)
    task = text_of(fields.get("task_id"))
    if not task:
        raise Unreadable("the answer to the purchase names no task_id")
    return Receipt(TaskId(task), text_of(fields.get("request_id")) or request_id)


def receipt_without_task(body: bytes, _request_id: str = "") -> Receipt:
    """The answer to ENS ScaleClusterNodePool. Its RequestId is all it says: without one it is somebody else's page."""
    found = text_of(read_fields(body).get("RequestId"))
    if not found:
        raise Unreadable("the answer to the purchase has no RequestId")
    return Receipt(None, found)


def task(body: bytes, asked: TaskId) -> Task:
    """CS DescribeTaskInfo. Passwords that the free map `parameters` may echo are masked."""
    fields = read_fields(body)
    if not text_of(fields.get("state")):
        raise Unreadable("the task has no state")
    error = mapping_of(fields.get("error"))
    return Task(
        task=TaskId(text_of(fields.get("task_id")) or asked),
        cluster=ClusterId(text_of(fields.get("cluster_id"))) or None,
        kind=text_of(fields.get("task_type")),
        state=task_state(fields.get("state")),
        created_at=time_of(fields.get("created")),
        error_code=text_of(error.get("code")),
        error_message=text_of(error.get("message")),
        results=dict(_results(fields.get("task_result"))),
        parameters=_masked(mapping_of(fields.get("parameters"))),
    )


def task_state(value: object) -> TaskState:
    """The state of a task; what no document names is UNKNOWN and keeps being watched."""
    return _STATES.get(text_of(value).lower(), TaskState.UNKNOWN)


def tasks(body: bytes, since: float) -> Page[TaskRow]:
    """A page of CS DescribeClusterTasks: rows created at or after `since` (Unix seconds).

    A row whose time can not be read is kept as if it were created at `since`: it may be the evidence looked for.
    """
    fields = read_fields(body)
    total = integer_of(mapping_of(fields.get("page_info")).get("total_count"))
    sent = rows_of(fields, "tasks", total)
    rows = []
    for row in sent:
        name = text_of(row.get("task_id"))
        if not name:
            raise Unreadable("a task in the list has no task_id")
        found = time_of(row.get("created"))
        created = since if found is None else found
        if created >= since:
            rows.append(TaskRow(TaskId(name), text_of(row.get("task_type")), task_state(row.get("state")), created))
    return Page(tuple(rows), len(sent), total, text_of(fields.get("next_token")))


def nodes(body: bytes) -> Page[Node]:
    """A page of CS DescribeClusterNodes. Masters and rows without an instance are left out: nobody ordered them."""
    fields = read_fields(body)
    total = integer_of(mapping_of(fields.get("page")).get("total_count"))
    sent = rows_of(fields, "nodes", total)
    rows = [_node(row) for row in sent if text_of(row.get("instance_id")) and row.get("instance_role") != "Master"]
    return Page(tuple(rows), len(sent), total)


def _node(row: Mapping[str, object]) -> Node:
    name = text_of(row.get("node_name")) or text_of(row.get("instance_name"))
    return Node(InstanceId(text_of(row.get("instance_id"))), name, phase(row), time_of(row.get("creation_time")))


def phase(row: Mapping[str, object]) -> NodePhase:
    """A node's place, from its `state` and, when that is running, its `node_status`."""
    named = _PHASES.get(text_of(row.get("state")).lower())
    if named:
        return named
    return NodePhase.READY if text_of(row.get("node_status")) == "Ready" else NodePhase.UNREADY


def instances(body: bytes) -> Page[Instance]:
    """A page of ENS DescribeInstances."""
    fields = read_fields(body)
    total = integer_of(fields.get("TotalCount"))
    sent = rows_of(mapping_of(fields.get("Instances")), "Instance", total)
    return Page(tuple(_instance(row) for row in sent), len(sent), total)


def refused(body: bytes) -> bool:
    """Whether an ENS answer with HTTP 200 is none: its `Code` is neither absent nor 0."""
    code = read_fields(body).get("Code")
    return code not in (None, "") and integer_of(code) != 0


def _instance(row: Mapping[str, object]) -> Instance:
    instance, region = text_of(row.get("InstanceId")), text_of(row.get("EnsRegionId"))
    if not instance or not region:
        raise Unreadable("an instance in the list has no InstanceId or no EnsRegionId")
    created = time_of(row.get("CreationTime"))
    return Instance(InstanceId(instance), RegionId(region), text_of(row.get("Status")), created)


def _results(value: object) -> list[tuple[InstanceId, str]]:
    rows = [mapping_of(row) for row in value] if isinstance(value, list) else []
    named = [(text_of(row.get("data")), text_of(row.get("status"))) for row in rows]
    return [(InstanceId(instance), status) for instance, status in named if instance]


def _masked(value: Mapping[str, object]) -> dict[str, object]:
    return {name: "***" if _is_secret(name) else _masked_inside(inner) for name, inner in value.items()}


def _masked_inside(value: object) -> object:
    if isinstance(value, dict):
        return _masked(value)
    if isinstance(value, list):
        return [_masked_inside(inner) for inner in value]
    # A text may be a whole request in JSON.
    return "***" if isinstance(value, str) and "password" in value.lower() else value


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_WORDS)
