"""Container Service (CS, version 2015-12-15, ROA): which operation answers on which path.

The operations themselves stand in cs_purchases, cs_tasks, cs_nodes and cs_pools.
"""

from aiohttp import web

from autoscaler.simulator.cs_nodes import cluster_nodes, user_quota
from autoscaler.simulator.cs_pools import node_pool, node_pools
from autoscaler.simulator.cs_purchases import modify_pool, scale_out, scale_pool
from autoscaler.simulator.cs_tasks import cluster_events, cluster_tasks, events, task_info
from autoscaler.simulator.gateway import Operation, Product, Site, behind_gateway

CS = Product("2015-12-15", "cs")


def add_cs_routes(app: web.Application, site: Site) -> None:
    """Serve the CS operations."""
    cluster, pools = "/clusters/{cluster}", "/clusters/{cluster}/nodepools"
    paths: list[tuple[str, str, dict[str, Operation]]] = [
        ("POST", f"/api/v2{cluster}", {"ScaleOutCluster": scale_out}),
        ("POST", f"{pools}/{{pool}}", {"ScaleClusterNodePool": scale_pool}),
        ("PUT", f"{pools}/{{pool}}", {"ModifyClusterNodePool": modify_pool}),
        ("GET", f"{pools}/{{pool}}", {"DescribeClusterNodePoolDetail": node_pool}),
        ("GET", pools, {"DescribeClusterNodePools": node_pools}),
        ("GET", "/tasks/{task}", {"DescribeTaskInfo": task_info}),
        ("GET", f"{cluster}/tasks", {"DescribeClusterTasks": cluster_tasks}),
        ("GET", f"{cluster}/nodes", {"DescribeClusterNodes": cluster_nodes}),
        ("GET", f"{cluster}/events", {"DescribeClusterEvents": cluster_events}),
        ("GET", "/events", {"DescribeEvents": events}),
        ("GET", "/quota", {"DescribeUserQuota": user_quota}),
    ]
    for method, path, operations in paths:
        app.router.add_route(method, path, behind_gateway(site, CS, operations))
