"""CS: tasks and events. Verified calls come in, answers in the vendor's words go out; what is true stands in the books.

Sources: DescribeTaskInfo, DescribeClusterTasks, DescribeClusterEvents and DescribeEvents of the SDK's models.
"""

from aiohttp import web

from autoscaler.simulator.answers import UNANNOUNCED, cs_stage_time, cs_time, json_answer
from autoscaler.simulator.gateway import Call
from autoscaler.simulator.listing import doubled, refuse_unknown, span_answer, span_of
from autoscaler.simulator.records import BookedTask, Refusal
from autoscaler.simulator.task_book import BookedEvent
from autoscaler.simulator.validate import require_cluster

_PAGING = frozenset({"page_number", "page_size", "max_results", "next_token"})


def task_info(call: Call) -> web.Response:
    """DescribeTaskInfo: one task, with its stages and what it made so far."""
    now = call.now()
    task = call.books.task_book.found(call.parts["task"], now)
    if task is None:
        raise Refusal("ErrorTaskNotFound", "The task can not be found.", status=404, style="cs")
    return json_answer(
        {
            **_task_row(call, task, now),
            "cluster_id": task.cluster,
            "current_stage": "wait_nodes_join" if task.state(now) == "running" else "done",
            "target": {"id": task.cluster, "type": "cluster"},
            "parameters": dict(task.parameters),
            "outputs": {},
            "stages": [_stage(call, task, now)],
            "events": [_start(call, task)],
            "task_result": [
                {"data": instance, "status": task.result(index, now)} for index, instance in enumerate(task.instances)
            ],
        }
    )


def cluster_tasks(call: Call) -> web.Response:
    """DescribeClusterTasks: newest first; by page, or by token when max_results is given."""
    require_cluster(call.books, call.parts["cluster"])
    refuse_unknown(call.query, _PAGING, "cs")
    now = call.now()
    tasks = doubled(call.books, call.books.task_book.listed(call.parts["cluster"], now))
    number, begin, size = span_of(call.query)
    return json_answer(
        {
            "tasks": [_task_row(call, task, now) for task in tasks[begin : begin + size]],
            **span_answer(call.query, number, begin, size, len(tasks)),
            "requestId": call.request_id,
        }
    )


def cluster_events(call: Call) -> web.Response:
    """DescribeClusterEvents: newest first, all or those of one task."""
    require_cluster(call.books, call.parts["cluster"])
    refuse_unknown(call.query, _PAGING | {"task_id"}, "cs")
    found = call.books.task_book.events(call.parts["cluster"], call.now())
    return _events(call, [event for event in found if call.query.get("task_id", event.task) == event.task])


def events(call: Call) -> web.Response:
    """DescribeEvents: the same over all clusters of the account, or of `cluster_id`, or of one type."""
    refuse_unknown(call.query, _PAGING | {"cluster_id", "type"}, "cs")
    asked = call.query.get("cluster_id")
    clusters = [cluster for cluster in call.books.cs_clusters if asked in (None, cluster)]
    found = [event for cluster in clusters for event in call.books.task_book.events(cluster, call.now())]
    found.sort(key=lambda event: event.at, reverse=True)
    return _events(call, [event for event in found if call.query.get("type", event.kind) == event.kind])


def _task_row(call: Call, task: BookedTask, now: float) -> dict[str, object]:
    row: dict[str, object] = {
        "task_id": task.id,
        "task_type": task.kind,
        "state": task.state(now),
        "created": cs_time(call.shown(task.created_at)),
        "updated": cs_time(call.shown(min(now, task.ends_at)), fraction=True),
        UNANNOUNCED: "row",
    }
    failure = task.failure(now)
    if failure:
        row["error"] = {"code": failure[0], "message": failure[1]}
    return row


def _stage(call: Call, task: BookedTask, now: float) -> dict[str, object]:
    ended = now >= task.ends_at and task.ending != "running"
    return {
        "state": task.state(now),
        "start_time": cs_stage_time(call.shown(task.created_at)),
        "end_time": cs_stage_time(call.shown(task.ends_at)) if ended else "",
        "message": "",
        "outputs": {},
    }


def _start(call: Call, task: BookedTask) -> dict[str, object]:
    return {
        "action": "start",
        "level": "info",
        "message": f"start task {task.kind}",
        "reason": "",
        "source": "cs",
        "timestamp": str(int(call.shown(task.created_at) * 1000)),
    }


def _events(call: Call, found: list[BookedEvent]) -> web.Response:
    number, begin, size = span_of(call.query)
    return json_answer(
        {
            "events": [_event_row(call, event) for event in found[begin : begin + size]],
            **span_answer(call.query, number, begin, size, len(found)),
        }
    )


def _event_row(call: Call, event: BookedEvent) -> dict[str, object]:
    return {
        "event_id": event.id,
        "cluster_id": event.cluster,
        "source": "acs.cs",
        "subject": event.subject,
        "time": cs_time(call.shown(event.at)),
        "type": event.kind,
        "task_id": event.task,
        "data": {"level": event.level, "message": event.message, "reason": ""},
        UNANNOUNCED: "row",
    }
