"""CS: nodes and quota. Verified calls come in, answers in the vendor's words go out; what is true stands in the books.

Sources: DescribeClusterNodes and DescribeUserQuota of the SDK's models.
"""

from aiohttp import web

from autoscaler.simulator.answers import UNANNOUNCED, address_of, cs_time, json_answer
from autoscaler.simulator.gateway import Call
from autoscaler.simulator.listing import doubled, page, page_of, refuse_unknown
from autoscaler.simulator.records import NodeRow, Refusal
from autoscaler.simulator.validate import require_cluster

_STATES = ("all", "running", "removing", "initial", "failed")
_FILTERS = frozenset({"pageNumber", "pageSize", "state", "instanceIds", "nodeNames", "nodepool_id"})


def cluster_nodes(call: Call) -> web.Response:
    """DescribeClusterNodes: the cluster's nodes, by page. A row names no ENS region."""
    require_cluster(call.books, call.parts["cluster"])
    refuse_unknown(call.query, _FILTERS, "cs")
    number, size = page_of(call.query, "pageNumber", "pageSize", "cs")
    state = call.query.get("state", "all")
    if state not in _STATES:
        raise Refusal("InvalidParameter.State", f"state must be one of {', '.join(_STATES)}.", style="cs")
    listed = doubled(call.books, call.books.listed_nodes(call.parts["cluster"], call.now()))
    wanted = [row for row in listed if state in ("all", row.state) and _is_asked_for(call, row)]
    return json_answer(
        {
            "nodes": [_node_row(call, row) for row in page(wanted, number, size)],
            "page": {"page_number": number, "page_size": size, "total_count": len(wanted)},
        }
    )


def user_quota(call: Call) -> web.Response:
    """DescribeUserQuota. An entry of `quotas` takes precedence over the plain number; its own number is a text."""
    quota = call.books.scenario.node_quota
    return json_answer(
        {
            "node_quota": quota,
            "cluster_nodepool_quota": 20,
            "cluster_quota": 50,
            "amk_cluster_quota": 20,
            "ask_cluster_quota": 20,
            "edge_improved_nodepool_quota": {"bandwidth": 10, "count": 10, "period": 1},
            "quotas": {
                "q_cluster_node": {
                    "quota": str(quota),
                    "operation_code": "q_cluster_node",
                    "adjustable": True,
                    "unit": "node",
                }
            },
        }
    )


def _is_asked_for(call: Call, row: NodeRow) -> bool:
    ids, names = call.query.get("instanceIds", ""), call.query.get("nodeNames", "")
    pool = call.query.get("nodepool_id", "")
    if pool and row.instance.pool != pool:
        return False
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
        "ip_address": [address_of(machine.id)],
        "is_aliyun_node": True,
        "nodepool_id": machine.pool,
        "source": "scale_out",
        "spot_strategy": "NoSpot",
        "error_message": "The node did not join in time." if row.state == "failed" else "",
        "creation_time": cs_time(call.shown(machine.bought_at)),
        "expired_time": cs_time(call.shown(machine.expires_at)),
        UNANNOUNCED: "row",
    }
