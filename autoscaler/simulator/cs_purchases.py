"""CS: the three operations that sell. Verified calls come in, answers in the vendor's words go out.

Sources: API pages "Scale out a managed edge Kubernetes cluster", ScaleClusterNodePool and ModifyClusterNodePool.
"""

from aiohttp import web

from autoscaler.simulator.answers import json_answer, xml_answer
from autoscaler.simulator.gateway import Call
from autoscaler.simulator.pool_sales import add_nodes, set_desired_size
from autoscaler.simulator.validate import read_count, read_desired_size, read_scale_out, require_cluster


def scale_out(call: Call) -> web.Response:
    """ScaleOutCluster, edge variant: `count` further nodes in one ENS region."""
    body = read_scale_out(call.books, call.parts["cluster"], call.body)
    task = call.books.buy(body, call.request_id, call.now())
    return _accepted(call, {"cluster_id": body.cluster, "task_id": task.id, "request_id": call.request_id})


def scale_pool(call: Call) -> web.Response:
    """ScaleClusterNodePool: `count` further nodes in a pool. The SDK's model knows the task id only."""
    cluster, pool = _pool(call)
    task = add_nodes(call.books, cluster, pool, read_count(call.body), call.request_id, call.now())
    return _accepted(call, {"cluster_id": cluster, "task_id": task.id, "request_id": call.request_id})


def modify_pool(call: Call) -> web.Response:
    """ModifyClusterNodePool: `scaling_group.desired_size` nodes altogether."""
    cluster, pool = _pool(call)
    task = set_desired_size(call.books, cluster, pool, read_desired_size(call.body), call.request_id, call.now())
    return _accepted(call, {"nodepool_id": pool, "task_id": task.id, "request_id": call.request_id})


def _pool(call: Call) -> tuple[str, str]:
    require_cluster(call.books, call.parts["cluster"])
    return call.parts["cluster"], call.parts["pool"]


def _accepted(call: Call, answer: dict[str, str]) -> web.Response:
    scenario = call.books.scenario
    if scenario.answer_format == "xml":
        return xml_answer(answer, scenario.accept_status)
    return json_answer(answer, scenario.accept_status)
