"""Surveying: which nodes there are, in which region. CS knows the nodes, ENS knows the regions; joined by instance id.

Source: CS DescribeClusterNodes rows carry no ENS region; ENS DescribeInstances rows do.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Memory:
    """What former surveys and the ledger know, so that one short answer of the API is not a node less.

    To miss a node would be to buy it again. `sites`: where an instance was seen; it does not move. `nodes`: instances
    that were nodes once. `bought`: instances of orders that are settled.
    """

    sites: dict[InstanceId, RegionId] = field(default_factory=dict)
    nodes: set[InstanceId] = field(default_factory=set)
    bought: set[InstanceId] = field(default_factory=set)


async def survey(cloud: Cloud, cluster: ClusterId, regions: Sequence[RegionId], clock: Clock, memory: Memory) -> Survey:
    """Read a cluster's nodes and its regions' instances. Raises CloudError: half a reading is none."""
    at = clock.now()
    nodes, instances = await asyncio.gather(cloud.nodes(cluster), cloud.instances(regions))
    memory.sites.update((row.instance, row.region) for row in instances if row.region in regions)
    memory.nodes.update(node.instance for node in nodes)
    return join(cluster, regions, nodes, instances, at, memory)


def join(
    cluster: ClusterId,
    regions: Sequence[RegionId],
    nodes: Iterable[Node],
    instances: Iterable[Instance],
    at: float,
    memory: Memory,
) -> Survey:
    """Join both readings. Nodes whose instance is in none of the regions (cloud nodes, say) are left out."""
    by_instance = {node.instance: node for node in nodes}
    by_region: dict[RegionId, set[InstanceId]] = {region: set() for region in regions}
    for row in instances:
        if row.region in by_region:
            by_region[row.region].add(row.instance)
    for instance in by_instance:
        site = memory.sites.get(instance)
        if site in by_region:
            by_region[site].add(instance)
    capacities = {region: _capacity(region, found, by_instance, at, memory) for region, found in by_region.items()}
    frozen = {region: frozenset(found) for region, found in by_region.items()}
    return Survey(cluster, at, by_instance, frozen, capacities)


def _capacity(
    region: RegionId, instances: Iterable[InstanceId], nodes: Mapping[InstanceId, Node], at: float, memory: Memory
) -> Capacity:
    phases: dict[NodePhase, set[InstanceId]] = defaultdict(set)
    for instance in instances:
        if instance in nodes:
            phases[nodes[instance].phase].add(instance)
        elif instance in memory.nodes:
            phases[NodePhase.UNREADY].add(instance)  # paid for and gone from the cluster's list: not a reason to buy
        elif instance in memory.bought:
            phases[NodePhase.FAILED].add(instance)  # paid for and never joined
    return Capacity(
        region,
        ready=frozenset(phases[NodePhase.READY]),
        unready=frozenset(phases[NodePhase.UNREADY]),
        joining=frozenset(phases[NodePhase.JOINING]),
        failed=frozenset(phases[NodePhase.FAILED]),
        at=at,
    )
