"""A region that moved to another cluster: its nodes are those of its new cluster, its old order is followed."""

from collections.abc import Sequence

from autoscaler.model.capacity import Node
from autoscaler.model.errors import Throttled
from autoscaler.model.names import ClusterId
from autoscaler.model.order import OrderState
from autoscaler.simulator.scenario import RegionScenario
from tests.unit.executor.stand import BEIJING, CLUSTER, SHANGHAI, Stand, running, scenario

S = OrderState
OTHER = ClusterId("c" + "b" * 32)
SCENE = scenario(
    regions=(
        RegionScenario(region=BEIJING, initial_nodes=5, stock=10, cluster=str(OTHER)),
        RegionScenario(region=SHANGHAI, initial_nodes=1, stock=10),
    ),
    task_seconds=300.0,
)


async def moved(stand: Stand) -> None:
    """An order left in the old cluster; the next process has the region in the new one."""
    await stand.buy(1)
    await stand.clock.advance(5)
    await stand.die()
    stand.clusters = {OTHER: (BEIJING,), CLUSTER: (SHANGHAI,)}


async def test_the_nodes_of_a_region_that_moved_are_unknown_until_its_new_cluster_was_read() -> None:
    async with running(SCENE) as stand:
        await moved(stand)
        read = stand.cloud.nodes

        async def nodes(cluster: ClusterId) -> Sequence[Node]:
            if cluster == OTHER:
                raise Throttled("DescribeClusterNodes", "Throttling")
            return await read(cluster)

        stand.cloud.nodes = nodes  # type: ignore[method-assign]  # the new cluster is slow to read
        await stand.restart()
        await stand.clock.advance(30)
        assert stand.executor.capacity(BEIJING) is None
        stand.cloud.nodes = read  # type: ignore[method-assign]  # as it was


async def test_the_nodes_of_a_region_that_moved_are_those_of_its_new_cluster_at_every_poll() -> None:
    async with running(SCENE) as stand:
        await moved(stand)
        read = stand.cloud.nodes

        async def nodes(cluster: ClusterId) -> Sequence[Node]:
            await stand.clock.sleep(3.0 if cluster == CLUSTER else 0.1)
            return await read(cluster)

        stand.cloud.nodes = nodes  # type: ignore[method-assign]  # the old cluster answers last
        await stand.restart()
        seen = set()
        for _ in range(40):
            await stand.clock.advance(1)
            capacity = stand.executor.capacity(BEIJING)
            seen.add(len(capacity.ready) if capacity else None)
        assert seen == {5}


async def test_the_old_order_of_a_region_that_moved_is_followed_in_its_old_cluster() -> None:
    async with running(SCENE) as stand:
        await moved(stand)
        await stand.restart()
        await stand.clock.advance(350)
        assert (await stand.only_order()).state is S.READY
