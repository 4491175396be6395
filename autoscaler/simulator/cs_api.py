"""Container Service (CS, version 2015-12-15, ROA): scale out, tasks and nodes of one cluster.

Verified calls come in, answers in the vendor's words go out; what is true stands in the books.
Sources: API page "Scale out a managed edge Kubernetes cluster"; DescribeTaskInfo, DescribeClusterTasks and
DescribeClusterNodes of the same API.
"""

from aiohttp import web

from autoscaler.simulator.answers import (
    UNANNOUNCED,
    CloseConnection,
    cs_stage_time,
    cs_time,
    gateway_page,
    json_answer,
    xml_answer,
)
from autoscaler.simulator.faults import Fault
from autoscaler.simulator.gateway import Call, Site, behind_gateway, page_of, refuse, refuse_unknown
from autoscaler.simulator.records import BookedTask, NodeRow, Refusal
from autoscaler.simulator.validate import read_scale_out, require_cluster

VERSION = "2015-12-15"
_STATES = ("all", "running", "removing", "initial", "failed")
_NODE_FILTERS = frozenset({"pageNumber", "pageSize", "state", "instanceIds", "nodeNames"})
_TASK_FILTERS = frozenset({"page_number", "page_size", "max_results", "next_token"})


def add_cs_routes(app: web.Application, site: Site) -> None:
    """Serve the CS operations."""
    clusters = "/clusters/{cluster}"
    add = app.router.add_route
    add("POST", f"/api/v2{clusters}", behind_gateway(site, VERSION, {"ScaleOutCluster": scale_out}))
    add("GET", "/tasks/{task}", behind_gateway(site, VERSION, {"DescribeTaskInfo": task_info}))
    add("GET", f"{clusters}/tasks", behind_gateway(site, VERSION, {"DescribeClusterTasks": cluster_tasks}))
    add("GET", f"{clusters}/nodes", behind_gateway(site, VERSION, {"DescribeClusterNodes": cluster_nodes}))


# ScaleOutCluster


async def scale_out(call: Call) -> web.Response:
    """Buy nodes, and meet the fault that is waiting for this call, if any."""
    fault = call.site.faults.take()
    if fault is None:
        return _buy(call)
    return await _buy_with(fault, call)


def _buy(call: Call) -> web.Response:
    now = call.now()
    body = read_scale_out(call.books, call.parts["cluster"], call.body)
    task = call.books.buy(body, call.request_id, now)
    answer = {"cluster_id": body.cluster, "task_id": task.id, "request_id": call.request_id}
    scenario = call.books.scenario
    if scenario.answer_format == "xml":
        return xml_answer(answer, scenario.accept_status)
    return json_answer(answer, scenario.accept_status)


async def _buy_with(fault: Fault, call: Call) -> web.Response:
    if fault.kind == "throttle":
        raise _throttled(fault)
    if fault.kind == "hang_before":
        await call.site.clock.sleep(fault.seconds)
        return _buy(call)
    if fault.kind == "error_500_html":
        if fault.executed:
            _buy_or_refuse(call)
        return gateway_page()
    answer = _buy_or_refuse(call)
    if fault.kind == "lose_answer":
        raise CloseConnection
    await call.site.clock.sleep(fault.seconds)
    return answer


def _buy_or_refuse(call: Call) -> web.Response:
    try:
        return _buy(call)
    except Refusal as refusal:
        return refuse(call.site, refusal, call.request_id, "")


def _throttled(fault: Fault) -> Refusal:
    headers = {} if fault.retry_after is None else {"x-acs-retry-after": str(max(1, round(fault.retry_after * 1000)))}
    return Refusal(
        "Throttling.User", "Request was denied due to user flow control.", status=fault.status, headers=headers
    )


# DescribeTaskInfo


async def task_info(call: Call) -> web.Response:
    """One task, with its stages and what it made so far."""
    task = call.books.task(call.parts["task"])
    if task is None:
        raise Refusal("ErrorTaskNotFound", "The task can not be found.", status=404, style="cs")
    now = call.now()
    return json_answer(
        {
            **_task_row(call, task, now),
            "cluster_id": call.books.scenario.cluster_id,
            "current_stage": "wait_nodes_join" if task.state(now) == "running" else "done",
            "target": {"id": call.books.scenario.cluster_id, "type": "cluster"},
            "parameters": dict(task.parameters),
            "outputs": {},
            "stages": [_stage(call, task, now)],
            "events": [_event(call, task)],
            "task_result": [_result(task, instance, now) for instance in task.instances],
        }
    )


def _task_row(call: Call, task: BookedTask, now: float) -> dict[str, object]:
    row: dict[str, object] = {
        "task_id": task.id,
        "task_type": task.kind,
        "state": task.state(now),
        "created": cs_time(call.shown(task.created_at)),
        "updated": cs_time(call.shown(min(now, task.ends_at)), fraction=True),
        UNANNOUNCED: "row",
    }
    if task.error and task.state(now) == "fail":
        row["error"] = {"code": task.error[0], "message": task.error[1]}
    return row


def _stage(call: Call, task: BookedTask, now: float) -> dict[str, object]:
    ended = now >= task.ends_at
    return {
        "state": task.state(now),
        "start_time": cs_stage_time(call.shown(task.created_at)),
        "end_time": cs_stage_time(call.shown(task.ends_at)) if ended else "",
        "message": "",
        "outputs": {},
    }


def _event(call: Call, task: BookedTask) -> dict[str, object]:
    return {
        "action": "start",
        "level": "info",
        "message": f"start task {task.kind}",
        "reason": "",
        "source": "cs",
        "timestamp": str(int(call.shown(task.created_at) * 1000)),
    }


def _result(task: BookedTask, instance: str, now: float) -> dict[str, object]:
    return {"data": instance, "status": "initial" if task.state(now) == "running" else "success"}


# DescribeClusterTasks


async def cluster_tasks(call: Call) -> web.Response:
    """The cluster's tasks, newest first; by page, or by token when max_results is given."""
    require_cluster(call.books, call.parts["cluster"])
    refuse_unknown(call.query, _TASK_FILTERS, "cs")
    now, tasks = call.now(), call.books.tasks()
    number, size = page_of(call.query, "page_number", "page_size", "cs")
    begin = (number - 1) * size
    if "max_results" in call.query:
        _, size = page_of(call.query, "page_number", "max_results", "cs")
        begin = _token(call.query.get("next_token", ""))
    end = begin + size
    return json_answer(
        {
            "tasks": [_task_row(call, task, now) for task in tasks[begin:end]],
            "page_info": {"page_number": number, "page_size": size, "total_count": len(tasks)},
            "next_token": str(end) if "max_results" in call.query and end < len(tasks) else "",
            "requestId": call.request_id,
        }
    )


def _token(text: str) -> int:
    if not text:
        return 0
    if text.isascii() and text.isdecimal():
        return int(text)
    raise Refusal("InvalidParameter.NextToken", "next_token is none of ours.", style="cs")


# DescribeClusterNodes


async def cluster_nodes(call: Call) -> web.Response:
    """The cluster's nodes, by page. A row names no ENS region."""
    require_cluster(call.books, call.parts["cluster"])
    refuse_unknown(call.query, _NODE_FILTERS, "cs")
    number, size = page_of(call.query, "pageNumber", "pageSize", "cs")
    state = call.query.get("state", "all")
    if state not in _STATES:
        raise Refusal("InvalidParameter.State", f"state must be one of {', '.join(_STATES)}.", style="cs")
    wanted = [row for row in call.books.nodes(call.now()) if state in ("all", row.state) and _is_asked_for(call, row)]
    shown = wanted[(number - 1) * size : number * size]
    return json_answer(
        {
            "nodes": [_node_row(call, row) for row in shown],
            "page": {"page_number": number, "page_size": size, "total_count": len(wanted)},
        }
    )


def _is_asked_for(call: Call, row: NodeRow) -> bool:
    ids, names = call.query.get("instanceIds", ""), call.query.get("nodeNames", "")
    return (not ids or row.instance.id in ids.split(",")) and (not names or row.instance.node_name in names.split(","))


def _node_row(call: Call, row: NodeRow) -> dict[str, object]:
    machine = row.instance
    return {
        "instance_id": machine.id,
        "instance_name": machine.node_name,
        "node_name": machine.node_name,
        "host_name": machine.node_name,
        "state": row.state,
        "node_status": row.status,
        "instance_status": "Running",
        "instance_role": "Worker",
        "instance_type": machine.instance_type,
        "instance_type_family": machine.instance_type.rpartition(".")[0],
        "instance_charge_type": "PrePaid",
        "image_id": machine.image,
        "ip_address": [_address(machine.id)],
        "is_aliyun_node": True,
        "nodepool_id": "",
        "source": "scale_out",
        "spot_strategy": "NoSpot",
        "error_message": "",
        "creation_time": cs_time(call.shown(machine.bought_at)),
        "expired_time": cs_time(call.shown(machine.expires_at)),
        UNANNOUNCED: "row",
    }


def _address(instance: str) -> str:
    number = int(instance[-6:], 16)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
