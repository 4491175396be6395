"""Surveying: which nodes there are, in which region. CS knows the nodes, ENS knows the regions; joined by instance id.

Source: CS DescribeClusterNodes rows carry no ENS region; ENS DescribeInstances rows do.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.model.capacity import Capacity, Instance, Node, NodePhase
from autoscaler.model.names import ClusterId, InstanceId, RegionId
from autoscaler.ports import Clock, Cloud


@dataclass(frozen=True, slots=True)
class Survey:
    """One reading of one cluster. `at` is Unix seconds, taken before the reads: what is newer may be missing."""

    cluster: ClusterId
    at: float
    nodes: Mapping[InstanceId, Node]
    instances: Mapping[RegionId, frozenset[InstanceId]]
    capacities: Mapping[RegionId, Capacity]

    def phase(self, instance: InstanceId) -> NodePhase | None:
        """Where an instance is on its way into the cluster; None when it is not a node."""
        node = self.nodes.get(instance)
        return node.phase if node else None


async def survey(
    cloud: Cloud, cluster: ClusterId, regions: Sequence[RegionId], clock: Clock, sites: dict[InstanceId, RegionId]
) -> Survey:
    """Read a cluster's nodes and its regions' instances. Raises CloudError: half a reading is none.

    `sites` remembers where each instance was seen, and is added to: an instance does not move, so a node that ENS
    leaves out once is not a node less. To miss one would be to buy it again.
    """
    at = clock.now()
    nodes, instances = await asyncio.gather(cloud.nodes(cluster), cloud.instances(regions))
    sites.update((row.instance, row.region) for row in instances if row.region in regions)
    return join(cluster, regions, nodes, instances, at, sites)


def join(
    cluster: ClusterId,
    regions: Sequence[RegionId],
    nodes: Iterable[Node],
    instances: Iterable[Instance],
    at: float,
    sites: Mapping[InstanceId, RegionId],
) -> Survey:
    """Join both readings. Nodes whose instance is in none of the regions (cloud nodes, say) are left out."""
    by_instance = {node.instance: node for node in nodes}
    by_region: dict[RegionId, set[InstanceId]] = {region: set() for region in regions}
    for row in instances:
        if row.region in by_region:
            by_region[row.region].add(row.instance)
    for instance in by_instance:
        if (site := sites.get(instance)) in by_region:
            by_region[site].add(instance)
    capacities = {region: _capacity(region, found, by_instance, at) for region, found in by_region.items()}
    frozen = {region: frozenset(found) for region, found in by_region.items()}
    return Survey(cluster, at, by_instance, frozen, capacities)


def _capacity(
    region: RegionId, instances: Iterable[InstanceId], nodes: Mapping[InstanceId, Node], at: float
) -> Capacity:
    phases: dict[NodePhase, set[InstanceId]] = defaultdict(set)
    for instance in instances:
        if instance in nodes:
            phases[nodes[instance].phase].add(instance)
    return Capacity(
        region,
        ready=frozenset(phases[NodePhase.READY]),
        unready=frozenset(phases[NodePhase.UNREADY]),
        joining=frozenset(phases[NodePhase.JOINING]),
        failed=frozenset(phases[NodePhase.FAILED]),
        at=at,
    )
