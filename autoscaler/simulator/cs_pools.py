"""CS: reads of node pools. Verified calls come in, answers in the vendor's words go out.

Sources: DescribeClusterNodePools and DescribeClusterNodePoolDetail of the SDK's models. The list leaves out the
desired size, as others have found the real one to leave out fields of scaling_group.
"""

from aiohttp import web

from autoscaler.simulator.answers import UNANNOUNCED, cs_time, json_answer
from autoscaler.simulator.gateway import Call
from autoscaler.simulator.listing import refuse_unknown
from autoscaler.simulator.pool_sales import require_pool
from autoscaler.simulator.region_scenario import PoolScenario
from autoscaler.simulator.validate import require_cluster


def node_pools(call: Call) -> web.Response:
    """DescribeClusterNodePools: all pools, without pages, or the one of that name."""
    require_cluster(call.books, call.parts["cluster"])
    refuse_unknown(call.query, frozenset({"NodepoolName"}), "cs")
    wanted = call.query.get("NodepoolName", "")
    pools = call.books.pools.of_cluster("cs", call.parts["cluster"])
    rows = [_pool(call, pool, detail=False) for pool in pools if wanted in ("", pool.name or pool.id)]
    return json_answer({"nodepools": rows})


def node_pool(call: Call) -> web.Response:
    """DescribeClusterNodePoolDetail."""
    require_cluster(call.books, call.parts["cluster"])
    pool = require_pool(call.books, "cs", call.parts["cluster"], call.parts["pool"])
    return json_answer(_pool(call, pool, detail=True))


def _pool(call: Call, pool: PoolScenario, *, detail: bool) -> dict[str, object]:
    size = call.books.pools.size(pool, call.now())
    group: dict[str, object] = {
        "instance_types": [call.books.pools.body(pool, 0).instance_type],
        "instance_charge_type": "PrePaid",
        "period": pool.period,
        "period_unit": "Month",
        "auto_renew": False,
        "image_id": pool.image,
        "system_disk_size": pool.system_disk,
    }
    if detail:
        group["desired_size"] = size.desired
    created = cs_time(call.shown(call.books.start))
    return {
        "nodepool_info": {
            "nodepool_id": pool.id,
            "name": pool.name or pool.id,
            "type": "edge",
            "is_default": False,
            "region_id": "cn-hangzhou",
            "resource_group_id": "",
            "created": created,
            "updated": created,
        },
        "status": {
            "state": "scaling" if size.scaling else "active",
            "total_nodes": size.total,
            "healthy_nodes": size.serving,
            "serving_nodes": size.serving + size.offline,
            "initial_nodes": size.initial,
            "failed_nodes": size.failed,
            "offline_nodes": size.offline,
            "removing_nodes": 0,
        },
        "scaling_group": group,
        "kubernetes_config": {"labels": [], "taints": [], "unschedulable": False},
        "interconnect_mode": "basic",
        "auto_scaling": {"enable": False},
        UNANNOUNCED: "row",
    }
