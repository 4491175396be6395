"""Edge Node Service (ENS, version 2017-11-10, RPC): which function answers which action; all parameters in the query.

The operations themselves stand in ens_instances, ens_shop and ens_pools.
"""

from aiohttp import web

from autoscaler.simulator.ens_instances import instances, regions
from autoscaler.simulator.ens_pools import cluster_nodes, node_pools, scale_pool
from autoscaler.simulator.ens_shop import price, run_instances, stock
from autoscaler.simulator.gateway import Operation, Product, Site, behind_gateway

ENS = Product(
    "2017-11-10",
    "ens",
    shared=frozenset({"ScaleClusterNodePool", "DescribeClusterNodePools", "DescribeClusterNodes"}),
    prefix="Ens",
)


def add_ens_routes(app: web.Application, site: Site) -> None:
    """Serve the ENS operations, by POST and by GET."""
    operations: dict[str, Operation] = {
        "DescribeInstances": instances,
        "DescribePrePaidInstanceStock": stock,
        "DescribePrice": price,
        "DescribeEnsRegions": regions,
        "RunInstances": run_instances,
        "ScaleClusterNodePool": scale_pool,
        "DescribeClusterNodePools": node_pools,
        "DescribeClusterNodes": cluster_nodes,
    }
    handler = behind_gateway(site, ENS, operations)
    app.router.add_route("POST", "/", handler)
    app.router.add_route("GET", "/", handler)
