"""What can not be read proves nothing, hides nothing else, and is told when it lasts."""

from collections.abc import Sequence

import pytest

from autoscaler.model.capacity import Instance, Task
from autoscaler.model.errors import CloudError, NotFound, OutcomeUnknown, Rejected
from autoscaler.model.events import CapacityUnreadable
from autoscaler.model.names import ClusterId, RegionId, TaskId
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.simulator.scenario import RegionScenario
from autoscaler.simulator.script import Appearance, Visibility
from tests.unit.executor.stand import BEIJING, CLUSTER, SHANGHAI, Stand, running, scenario, tell_nothing

S = OrderState
OTHER = ClusterId("c" + "b" * 32)
WRONG = RegionId("cn-a-typo")


def refuse(stand: Stand, region: RegionId, kind: type[CloudError] = Rejected) -> list[int]:
    """Let ENS take no call that names this region; gives how many regions each call names."""
    sizes: list[int] = []
    listed = stand.cloud.instances

    async def instances(regions: Sequence[RegionId]) -> Sequence[Instance]:
        sizes.append(len(regions))
        if region in regions:
            raise kind("DescribeInstances", "InvalidEnsRegionId")
        return await listed(regions)

    stand.cloud.instances = instances  # type: ignore[method-assign]  # a region that the API does not take
    return sizes


@pytest.mark.parametrize("kind", [Rejected, NotFound])
async def test_a_region_id_that_the_api_refuses_hides_no_other_region(kind: type[CloudError]) -> None:
    stand = Stand(clusters={CLUSTER: (WRONG, BEIJING, SHANGHAI)})
    refuse(stand, WRONG, kind)
    await stand.start()
    assert [stand.executor.capacity(region) is None for region in (WRONG, BEIJING, SHANGHAI)] == [True, False, False]
    assert [event.detail for event in stand.listener.events if isinstance(event, CapacityUnreadable)] == [
        f"region {WRONG}: DescribeInstances: InvalidEnsRegionId"
    ]
    assert stand.executor.readiness()["capacity"] == f"nodes of 1 regions not read yet, {WRONG} among them"
    await stand.die()


async def test_a_list_that_can_not_be_read_at_all_is_not_split() -> None:
    async with running() as stand:
        sizes: list[int] = []

        async def instances(regions: Sequence[RegionId]) -> Sequence[Instance]:
            sizes.append(len(regions))
            raise CloudError("DescribeInstances", "Timeout")

        stand.cloud.instances = instances  # type: ignore[method-assign]  # ENS does not answer
        await stand.clock.advance(10)
        assert sizes == [2]


async def test_a_region_that_is_refused_after_the_sale_fails_no_order() -> None:
    async with running(scenario(join_seconds=400.0)) as stand:
        await stand.buy(2)
        await stand.clock.advance(3)
        tell_nothing(stand)
        listed = stand.cloud.instances
        refuse(stand, BEIJING)
        await stand.clock.advance(300)
        assert (await stand.only_order()).state is S.ACCEPTED
        stand.cloud.instances = listed  # type: ignore[method-assign]  # the API takes it again
        await stand.clock.advance(250)
        assert (await stand.only_order()).state is S.READY


async def test_a_region_that_was_not_read_keeps_a_doubt_open() -> None:
    never = Appearance(after=1e6)
    async with running(scenario(visible=Visibility(tasks=never))) as stand:
        stand.cloud.faults.append("lost_answer")
        await stand.buy(2)
        await stand.clock.advance(1)
        listed = stand.cloud.instances
        refuse(stand, BEIJING)
        await stand.clock.advance(300)
        order = await stand.only_order()
        assert (order.state, order.detail) == (S.IN_DOUBT, "the region was not read")
        stand.cloud.instances = listed  # type: ignore[method-assign]  # the API takes it again
        await stand.clock.advance(stand.settings.settle_after + 20)
        assert (await stand.only_order()).state is S.READY


async def test_an_order_is_overdue_at_its_deadline_also_while_its_cluster_can_not_be_read() -> None:
    async with running() as stand:
        await stand.buy(2)
        await stand.clock.advance(5)
        stand.cloud.readable = False
        await stand.clock.advance(stand.settings.node_deadline - 20)
        assert (await stand.only_order()).state is S.ACCEPTED
        await stand.clock.advance(40)
        order = await stand.only_order()
        assert (order.state, order.reason, order.bought) == (S.OVERDUE, Reason.PAST_DEADLINE, 2)
        stand.cloud.readable = True
        await stand.clock.advance(20)
        assert (await stand.only_order()).state is S.READY


async def test_an_order_is_overdue_at_its_deadline_also_while_its_task_can_not_be_read() -> None:
    async with running() as stand:
        read = stand.cloud.task

        async def unreadable(task: TaskId) -> Task:
            raise OutcomeUnknown("DescribeTaskInfo", "Timeout")

        stand.cloud.task = unreadable  # type: ignore[method-assign]  # the API does not tell
        await stand.buy(2)
        await stand.clock.advance(stand.settings.node_deadline - 20)
        assert (await stand.only_order()).state is S.ACCEPTED
        await stand.clock.advance(40)
        order = await stand.only_order()
        assert (order.state, order.reason, order.bought) == (S.OVERDUE, Reason.PAST_DEADLINE, 2)
        stand.cloud.task = read  # type: ignore[method-assign]  # it tells again
        await stand.clock.advance(20)
        assert (await stand.only_order()).state is S.READY


async def test_an_order_is_overdue_at_its_deadline_also_while_its_region_is_refused() -> None:
    async with running() as stand:
        await stand.buy(2)
        await stand.clock.advance(5)
        refuse(stand, BEIJING)
        await stand.clock.advance(stand.settings.node_deadline + 20)
        order = await stand.only_order()
        assert (order.state, order.reason, order.bought) == (S.OVERDUE, Reason.PAST_DEADLINE, 2)


@pytest.mark.parametrize("clusters", [{CLUSTER: (SHANGHAI,)}, {OTHER: (SHANGHAI,)}], ids=["region", "cluster"])
async def test_an_open_order_is_followed_although_the_fleet_has_lost_its(
    clusters: dict[ClusterId, tuple[RegionId, ...]],
) -> None:
    scene = scenario(
        regions=(
            RegionScenario(region=BEIJING, initial_nodes=1, stock=10),
            RegionScenario(region=SHANGHAI, initial_nodes=1, stock=10, cluster=str(OTHER)),
        )
    )
    async with running(scene) as stand:
        await stand.buy(2)
        await stand.clock.advance(5)
        await stand.die()
        stand.clusters = clusters
        await stand.restart()
        await stand.clock.advance(80)
        assert (await stand.only_order()).state is S.READY
        assert stand.executor.orders(BEIJING) != ()


async def test_the_old_order_of_a_region_that_moved_to_another_cluster_is_followed_in_its_old_one() -> None:
    scene = scenario(
        regions=(
            RegionScenario(region=BEIJING, initial_nodes=5, stock=10, cluster=str(OTHER)),
            RegionScenario(region=SHANGHAI, initial_nodes=1, stock=10),
        )
    )
    async with running(scene) as stand:
        await stand.buy(1)
        await stand.clock.advance(5)
        await stand.die()
        stand.clusters = {OTHER: (BEIJING,), CLUSTER: (SHANGHAI,)}
        await stand.restart()
        await stand.clock.advance(80)
        assert (await stand.only_order()).state is S.READY
