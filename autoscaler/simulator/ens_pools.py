"""ENS: node pools and nodes of ENS's own clusters (`eck-...`). Verified calls come in, the vendor's answers go out.

Sources: ScaleClusterNodePool, DescribeClusterNodePools and DescribeClusterNodes of the SDK's models.
"""

from aiohttp import web

from autoscaler.simulator.answers import UNANNOUNCED, address_of, ens_time, json_answer
from autoscaler.simulator.ens_query import count_in, require
from autoscaler.simulator.gateway import Call
from autoscaler.simulator.listing import doubled, page, page_of, refuse_unknown
from autoscaler.simulator.pool_sales import require_pool, set_ens_size
from autoscaler.simulator.records import NodeRow, Refusal
from autoscaler.simulator.region_scenario import PoolScenario

_PAGING = frozenset({"ClusterId", "PageNumber", "PageSize"})


def scale_pool(call: Call) -> web.Response:
    """ScaleClusterNodePool: `Count` in the JSON text `Body` is the size after the call. The answer names no task."""
    require(call, ("ClusterId", "NodepoolId"))
    refuse_unknown(call.query, frozenset({"Body", "ClusterId", "NodepoolId"}), "ens")
    size = count_in(call, "Body", "Count")
    set_ens_size(call.books, call.query["ClusterId"], call.query["NodepoolId"], size, call.request_id, call.now())
    return json_answer({"RequestId": call.request_id})


def node_pools(call: Call) -> web.Response:
    """DescribeClusterNodePools: all pools of a cluster, by page."""
    refuse_unknown(call.query, _PAGING, "ens")
    cluster = _cluster(call)
    number, size = page_of(call.query, "PageNumber", "PageSize", "ens")
    pools = list(call.books.pools.of_cluster("ens", cluster))
    rows = [_pool_row(call, pool) for pool in page(pools, number, size)]
    return json_answer({"NodePools": rows, "Page": _page(number, size, len(pools)), "RequestId": call.request_id})


def cluster_nodes(call: Call) -> web.Response:
    """DescribeClusterNodes: nodes of a cluster or of one of its pools, by page. It has no word for failed nodes."""
    refuse_unknown(call.query, _PAGING | {"NodepoolId"}, "ens")
    cluster, pool = _cluster(call), call.query.get("NodepoolId", "")
    if pool:
        require_pool(call.books, "ens", cluster, pool)
    number, size = page_of(call.query, "PageNumber", "PageSize", "ens")
    mine = {one.id for one in call.books.pools.of_cluster("ens", cluster) if pool in ("", one.id)}
    listed = [row for row in call.books.listed_nodes(cluster, call.now()) if row.instance.pool in mine]
    found = doubled(call.books, listed)
    rows = [_node_row(row) for row in page(found, number, size)]
    return json_answer({"Nodes": rows, "Page": _page(number, size, len(found)), "RequestId": call.request_id})


def _cluster(call: Call) -> str:
    """The cluster asked for: one that has a pool of ENS's."""
    require(call, ("ClusterId",))
    cluster = call.query["ClusterId"]
    if not list(call.books.pools.of_cluster("ens", cluster)):
        raise Refusal("ErrorClusterNotFound", f"The cluster {cluster} can not be found.", status=404, style="ens")
    return cluster


def _page(number: int, size: int, total: int) -> dict[str, int]:
    return {"PageNumber": number, "PageSize": size, "TotalCount": total}


def _pool_row(call: Call, pool: PoolScenario) -> dict[str, object]:
    size = call.books.pools.size(pool, call.now())
    body = call.books.pools.body(pool, 0)
    return {
        "ClusterId": body.cluster,
        "Created": ens_time(call.shown(call.books.start)),
        "NodepoolInfo": {"EnsRegionId": pool.region, "Name": pool.name or pool.id, "NodepoolId": pool.id},
        "ScalingGroup": {
            "ImageId": pool.image,
            "InstanceChargeType": "PrePaid",
            "InstanceTypes": [body.instance_type],
            "SystemDiskSize": pool.system_disk,
            "DataDisks": [],
            "VswitchIds": [],
        },
        "KubernetesConfig": {"PreUserData": "", "UserData": ""},
        "Status": {
            "DesiredNodes": size.desired,
            "TotalNodes": size.total,
            "ServingNodes": size.serving + size.offline,
            "InitialNodes": size.initial,
            "FailedNodes": size.failed,
            "RemovingNodes": 0,
            "State": "scaling" if size.scaling else "active",
        },
        UNANNOUNCED: "row",
    }


def _node_row(row: NodeRow) -> dict[str, object]:
    machine = row.instance
    return {
        "ClusterId": machine.cluster,
        "EnsRegionId": machine.region,
        "ImageId": machine.image,
        "InstanceId": machine.id,
        "IpAddress": [address_of(machine.id)],
        "NodeInfo": {"ContainerRuntimeVersion": "containerd://1.6", "KubeletVersion": "v1.30", "OsImage": "Linux"},
        "NodepoolId": machine.pool,
        "PayType": "PrePaid",
        "State": "running" if row.state == "running" else "initial",
        UNANNOUNCED: "row",
    }
