"""Surveying: which nodes there are, in which region. CS knows the nodes, ENS knows the regions; joined by instance id.

Source: CS DescribeClusterNodes rows carry no ENS region; ENS DescribeInstances rows do.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from autoscaler.model.capacity import Capacity, Instance, Node, NodePhase
from autoscaler.model.errors import NotFound, Rejected
from autoscaler.model.names import ClusterId, InstanceId, RegionId
from autoscaler.ports import Clock, Cloud


@dataclass(frozen=True, slots=True)
class Survey:
    """One reading of one cluster. `at` is Unix seconds, taken before the reads: what is newer may be missing.

    `strangers` are nodes that appeared lately and that ENS does not list (yet): they may be in any region.
    `refused` are regions that the API does not take, with its words; nothing else is known of them. `sites` says where
    instances are, those of earlier readings and of other clusters' regions included.
    """

    cluster: ClusterId
    at: float
    nodes: Mapping[InstanceId, Node]
    instances: Mapping[RegionId, frozenset[InstanceId]]
    capacities: Mapping[RegionId, Capacity]
    strangers: frozenset[InstanceId] = frozenset()
    refused: Mapping[RegionId, str] = field(default_factory=dict)
    sites: Mapping[InstanceId, RegionId] = field(default_factory=dict)

    def places(self, instances: Iterable[InstanceId]) -> frozenset[RegionId]:
        """The regions in which these instances are, as far as they are known."""
        return frozenset(self.sites[instance] for instance in instances if instance in self.sites)

    def phase(self, instance: InstanceId) -> NodePhase | None:
        """Where an instance is on its way into the cluster; None when it is not a node."""
        node = self.nodes.get(instance)
        return node.phase if node else None


@dataclass(slots=True)
class Memory:
    """What former surveys and the ledger know, so that one short answer of the API is not a node less.

    To miss a node would be to buy it again. `sites`: where an instance was seen; it does not move. `nodes`: instances
    that were nodes once, and when each was first seen (monotonic seconds). `bought`: instances of settled orders.
    `kept`: nodes that the ledger remembers, too. `lag` is seconds: by then ENS lists what is a node.
    """

    lag: float = 0.0
    sites: dict[InstanceId, RegionId] = field(default_factory=dict)
    nodes: dict[InstanceId, float] = field(default_factory=dict)
    bought: set[InstanceId] = field(default_factory=set)
    kept: set[InstanceId] = field(default_factory=set)

    def restore(self, nodes: Mapping[InstanceId, RegionId]) -> None:
        """Take over what the ledger remembers."""
        self.kept.update(nodes)
        self.sites.update(nodes)
        self.nodes.update(dict.fromkeys(nodes, -math.inf))

    def new(self) -> Mapping[InstanceId, RegionId]:
        """Nodes of known regions that the ledger does not remember yet."""
        return {node: self.sites[node] for node in self.nodes if node not in self.kept and node in self.sites}


async def survey(cloud: Cloud, cluster: ClusterId, regions: Sequence[RegionId], clock: Clock, memory: Memory) -> Survey:
    """Read a cluster's nodes and its regions' instances. Raises CloudError: half a reading is none."""
    at, steady = clock.now(), clock.monotonic()
    nodes, (instances, refused) = await asyncio.gather(cloud.nodes(cluster), _instances(cloud, regions))
    read = [region for region in regions if region not in refused]
    memory.sites.update((row.instance, row.region) for row in instances if row.region in regions)
    for node in nodes:
        memory.nodes.setdefault(node.instance, steady)
    seen = join(cluster, read, nodes, instances, at, memory)
    strangers = frozenset(
        node.instance
        for node in nodes
        if node.instance not in memory.sites and steady - memory.nodes[node.instance] < memory.lag
    )
    return replace(seen, strangers=strangers, refused=refused, sites=memory.sites)


async def _instances(cloud: Cloud, regions: Sequence[RegionId]) -> tuple[Sequence[Instance], Mapping[RegionId, str]]:
    """The instances of all regions, and the regions that the API refuses: one wrong id must not hide the others."""
    try:
        return await cloud.instances(regions), {}
    except (Rejected, NotFound) as error:
        if len(regions) == 1:
            return (), {regions[0]: str(error)}
    half = len(regions) // 2
    parts = await asyncio.gather(_instances(cloud, regions[:half]), _instances(cloud, regions[half:]))
    return [row for rows, _ in parts for row in rows], {**parts[0][1], **parts[1][1]}


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
