"""Doubts about a total: the size of the node pool tells whether it was taken; who else sets it makes that unclear."""

from collections.abc import Sequence

import pytest

from autoscaler.model.capacity import Instance
from autoscaler.model.errors import Rejected
from autoscaler.model.names import InstanceId, RegionId
from autoscaler.model.operation import EnsScaleClusterNodePool, ModifyClusterNodePool, PoolOperation
from autoscaler.model.order import Baseline, Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.simulator.in_process_faults import Word
from autoscaler.simulator.script import Appearance, PurchaseScript, Visibility
from tests.unit.executor.pools import CS, ENS, by_pool, with_pools
from tests.unit.executor.stand import BEIJING, SETTINGS, Stand, intent, running

S = OrderState
MODIFY = by_pool(ModifyClusterNodePool, CS)
BOTH = pytest.mark.parametrize("bought_by", [MODIFY, by_pool(EnsScaleClusterNodePool, ENS)], ids=["cs", "ens"])
PATIENT = SETTINGS.model_copy(update={"decision_valid_for": 1e6})


async def doubt(stand: Stand, fault: Word, bought_by: PoolOperation = MODIFY) -> Order:
    """An order for two nodes whose answer never came."""
    stand.cloud.faults.append(fault)
    await stand.place(intent(2, operation=bought_by))
    await stand.clock.advance(1)
    order = await stand.only_order()
    assert (order.state, order.baseline and order.baseline.pool_size) == (S.IN_DOUBT, 1)
    return order


@BOTH
async def test_a_pool_of_the_size_asked_for_shows_that_the_total_was_taken(bought_by: PoolOperation) -> None:
    async with running(with_pools()) as stand:
        await doubt(stand, "lost_answer", bought_by)
        await stand.clock.advance(12)
        order = await stand.only_order()
        assert (order.state, order.reason) == (S.ACCEPTED, Reason.EVIDENCE_FOUND)
        assert order.detail == f"pool {bought_by.pool} has the size 3 asked for"
        await stand.clock.advance(60)
        order = await stand.only_order()
        assert (order.state, stand.cloud.calls) == (S.READY, 1)
        assert order.instances == set(stand.books.purchases[0].instances)


@BOTH
async def test_a_pool_of_its_former_size_proves_absence_only_after_the_settle_time(bought_by: PoolOperation) -> None:
    async with running(with_pools(), PATIENT) as stand:
        await doubt(stand, "lost_request", bought_by)
        await stand.clock.advance(95)
        assert (await stand.only_order()).state is S.IN_DOUBT
        await stand.clock.advance(100)
        order = await stand.only_order()
        assert Reason.ABSENCE_PROVEN in await stand.reasons(order)
        assert (order.state, order.attempt) == (S.READY, 2)
        assert stand.books.sold(BEIJING) == 2


@BOTH
async def test_a_pool_of_another_size_keeps_the_doubt_open(bought_by: PoolOperation) -> None:
    async with running(with_pools(), PATIENT) as stand:
        await doubt(stand, "lost_request", bought_by)
        stand.books.buy_by_hand(BEIJING, 1, stand.clock.now(), pool=str(bought_by.pool))
        await stand.clock.advance(400)
        order = await stand.only_order()
        assert order.state is S.IN_DOUBT
        assert order.detail == f"pool {bought_by.pool} has 2 nodes: neither 1 nor 3"
        assert stand.cloud.calls == 1


async def test_new_instances_beside_a_pool_of_its_former_size_keep_the_doubt_open() -> None:
    async with running(with_pools(), PATIENT) as stand:
        await doubt(stand, "lost_request")
        stand.books.buy_by_hand(BEIJING, 1, stand.clock.now())
        await stand.clock.advance(400)
        order = await stand.only_order()
        assert order.state is S.IN_DOUBT
        assert order.detail == "1 new instances in the region, and the pool has its former size"


async def test_instances_that_another_order_bought_are_no_reason_to_doubt_a_pool() -> None:
    late = PurchaseScript(visible=Visibility(instances=Appearance(after=30.0)))
    async with running(with_pools(scripts=(late,), task_seconds=5.0, join_seconds=5.0), PATIENT) as stand:
        await stand.buy(1)
        await stand.clock.advance(20)
        stand.cloud.faults.append("lost_request")
        await stand.place(intent(2, operation=MODIFY))
        await stand.clock.advance(200)
        first, second = await stand.orders()
        assert first.state is S.READY
        assert Reason.ABSENCE_PROVEN in await stand.reasons(second)


async def test_a_pool_that_can_not_be_read_settles_nothing() -> None:
    async with running(with_pools(), PATIENT) as stand:
        await doubt(stand, "lost_request")

        async def unreadable(operation: PoolOperation) -> object:
            raise Rejected("DescribeClusterNodePoolDetail", "InvalidParameter")

        stand.cloud.pool = unreadable  # type: ignore[method-assign,assignment]  # the API does not tell
        await stand.clock.advance(400)
        order = await stand.only_order()
        assert order.state is S.IN_DOUBT
        assert order.detail.startswith("evidence can not be read: DescribeClusterNodePoolDetail")


async def test_a_region_that_can_not_be_read_proves_no_absence_of_a_pools_nodes() -> None:
    async with running(with_pools(), PATIENT) as stand:
        await doubt(stand, "lost_request")
        listed = stand.cloud.instances

        async def refused(regions: Sequence[RegionId]) -> Sequence[Instance]:
            if BEIJING in regions:
                raise Rejected("DescribeInstances", "InvalidEnsRegionId")
            return await listed(regions)

        stand.cloud.instances = refused  # type: ignore[method-assign]  # one region is not taken
        await stand.clock.advance(400)
        order = await stand.only_order()
        assert (order.state, order.detail) == (S.IN_DOUBT, "the region was not read")


@pytest.mark.parametrize("baseline", [None, Baseline(frozenset({InstanceId("i-1")}), 1.0)])
async def test_a_total_without_the_size_before_it_stays_in_doubt(baseline: Baseline | None) -> None:
    stand = Stand(with_pools(), PATIENT)
    now = stand.clock.now()
    planned = Order(stand.new_id(), 1, BEIJING, MODIFY, 2, now, now + 600)
    await stand.ledger.add(planned)
    sending = planned.moved(S.SUBMITTING, Reason.SENDING, now, baseline=baseline, submitted_at=now, attempt=1)
    await stand.ledger.replace(planned, sending, now)
    await stand.start()
    await stand.clock.advance(400)
    order = await stand.only_order()
    assert (order.state, order.detail) == (S.IN_DOUBT, "the size of the pool before the call is not known")
    await stand.die()
