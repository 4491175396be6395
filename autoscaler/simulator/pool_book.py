"""The node pools: what size each was told to have, and what it has.

Orders and removals come in, sizes go out; time is an argument. Nothing is sold here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from autoscaler.simulator.estate import Estate
from autoscaler.simulator.records import BookedTask, ScaleOutBody
from autoscaler.simulator.region_scenario import PoolScenario
from autoscaler.simulator.scenario import Scenario

Product = Literal["cs", "ens"]


@dataclass(frozen=True, slots=True)
class PoolSize:
    """A pool at one moment. `total` holds all its machines, those that are no nodes yet and failed ones included."""

    desired: int
    total: int
    serving: int
    offline: int
    initial: int
    failed: int
    scaling: bool


@dataclass(frozen=True, slots=True)
class _Step:
    """One order for further nodes: it counts as ordered until its end, and as made afterwards."""

    ordered: int
    task: BookedTask

    def counts(self, now: float) -> int:
        return self.ordered if self.under_way(now) else len(self.task.instances)

    def under_way(self, now: float) -> bool:
        return now < self.task.ends_at or self.task.ending == "running"


class PoolBook:
    """All pools of a scenario."""

    def __init__(self, scenario: Scenario, estate: Estate) -> None:
        self._estate = estate
        self._pools = {pool.id: pool for pool in scenario.pools}
        self._cluster = {pool.id: pool.cluster or scenario.cluster_id for pool in scenario.pools}
        self._standard = scenario.instance_type
        self._steps: dict[str, list[_Step]] = {pool.id: [] for pool in scenario.pools}

    def find(self, product: Product, cluster: str, pool: str) -> PoolScenario | None:
        """The pool of that id, if it is this product's and in this cluster."""
        known = self._pools.get(pool)
        return known if known and known.product == product and self._cluster[pool] == cluster else None

    def any(self, pool: str) -> PoolScenario | None:
        """The pool of that id, whosever it is."""
        return self._pools.get(pool)

    def body(self, pool: PoolScenario, nodes: int) -> ScaleOutBody:
        """The order for `nodes` machines that a pool places."""
        return ScaleOutBody(
            cluster=self._cluster[pool.id],
            region=pool.region,
            instance_type=pool.instance_type or self._standard,
            nodes=nodes,
            image=pool.image,
            system_disk=pool.system_disk,
            data_disk=pool.data_disk,
            period=pool.period,
            pool=pool.id,
        )

    def of_cluster(self, product: Product, cluster: str) -> Iterable[PoolScenario]:
        """The pools of a cluster, in the order of the scenario."""
        mine = (pool for pool in self._pools.values() if self._cluster[pool.id] == cluster)
        return [pool for pool in mine if pool.product == product]

    def cluster(self, pool: PoolScenario) -> str:
        """The cluster of a pool."""
        return self._cluster[pool.id]

    def note_order(self, pool: str, ordered: int, task: BookedTask) -> None:
        """A pool was told to have `ordered` nodes more; the task says what came of it."""
        self._steps[pool].append(_Step(ordered, task))

    def size(self, pool: PoolScenario, now: float) -> PoolSize:
        """How large a pool is."""
        machines = [one for one in self._estate.of_region(pool.region) if one.pool == pool.id and one.bought_at <= now]
        removed = sum(one.removed_at <= now for one in machines)
        steps = self._steps[pool.id]
        rows = [row for row in self._estate.nodes(now) if row.instance.pool == pool.id]
        failed = sum(row.state == "failed" for row in rows)
        running = [row.status for row in rows if row.state == "running"]
        serving = running.count("Ready")
        total = len(machines) - removed
        return PoolSize(
            desired=pool.initial_nodes + sum(step.counts(now) for step in steps) - removed,
            total=total,
            serving=serving,
            offline=len(running) - serving,
            initial=total - failed - len(running),
            failed=failed,
            scaling=any(step.under_way(now) for step in steps),
        )
