"""Readings: an order is never judged by a reading that began before its call, and no read goes around its pace."""

import asyncio
from collections.abc import Sequence

from autoscaler.executor.evidence import ClusterTasks
from autoscaler.executor.limiter import LimitedReads, PurchaseGate
from autoscaler.executor.survey import Memory, survey
from autoscaler.model.capacity import Instance, Node, NodePhase, Task
from autoscaler.model.errors import Throttled
from autoscaler.model.names import ClusterId, InstanceId, RegionId, TaskId
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.settings.sections import PurchaseLimits, ReadLimits
from autoscaler.simulator.clock import VirtualClock
from tests.unit.executor.stand import BEIJING, CLUSTER, SETTINGS, SHANGHAI, Listener, Stand, refusing, running

S = OrderState


def tasks_read(stand: Stand) -> list[float]:
    """The moments (monotonic seconds) at which tasks are read, from now on."""
    moments: list[float] = []
    read = stand.cloud.task

    async def task(task: TaskId) -> Task:
        moments.append(stand.clock.monotonic())
        return await read(task)

    stand.cloud.task = task  # type: ignore[method-assign]  # a spy
    return moments


async def test_an_order_is_not_judged_by_a_reading_that_began_before_its_call() -> None:
    async with running() as stand:
        moments = tasks_read(stand)
        nodes = stand.cloud.nodes

        async def slow(cluster: ClusterId) -> Sequence[Node]:
            await stand.clock.sleep(4)
            return await nodes(cluster)

        stand.cloud.nodes = slow  # type: ignore[method-assign]  # the reading takes its time
        await stand.clock.advance(10)
        await stand.buy(2)
        await stand.clock.advance(1)
        assert (await stand.only_order()).state is S.ACCEPTED
        await stand.clock.advance(12)
        assert moments == []
        await stand.clock.advance(10)
        assert len(moments) == 1


async def test_an_order_that_was_sent_again_is_not_judged_by_the_reading_of_its_former_call() -> None:
    async with running(settings=SETTINGS.model_copy(update={"decision_valid_for": 1e6})) as stand:
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(1)
        chosen = await stand.only_order()
        assert chosen.state is S.IN_DOUBT
        older = await survey(stand.cloud, CLUSTER, (BEIJING, SHANGHAI), stand.clock, Memory())
        await stand.clock.advance(120)
        again = await stand.only_order()
        assert (again.state, again.attempt) == (S.ACCEPTED, 2)

        moments = tasks_read(stand)
        tasks = ClusterTasks(stand.cloud, CLUSTER, 0.0)
        assert await stand.executor._poller._advance(chosen, older, tasks) == again
        assert moments == []


async def test_a_throttled_read_keeps_the_reads_behind_it_waiting() -> None:
    clock = VirtualClock()
    async with running() as stand:
        reads = LimitedReads(stand.cloud, ReadLimits(per_second=100, burst=100), 0.5, clock, Listener())
        nodes = stand.cloud.nodes
        answers = iter([Throttled("DescribeClusterNodes", "Throttling", retry_after=20.0)])

        async def throttling(cluster: ClusterId) -> Sequence[Node]:
            for error in answers:
                raise error
            return await nodes(cluster)

        stand.cloud.nodes = throttling  # type: ignore[method-assign]  # the API refuses one read
        first, other = asyncio.create_task(_read(reads)), asyncio.create_task(_list(reads, BEIJING))
        await clock.advance(1)
        assert isinstance(first.exception(), Throttled)
        behind = asyncio.create_task(_read(reads))
        await clock.advance(18)
        assert (other.done(), behind.done()) == (True, False)
        await clock.advance(2)
        assert behind.done()


async def _read(reads: LimitedReads) -> Sequence[Node]:
    return await reads.nodes(CLUSTER)


async def _list(reads: LimitedReads, *regions: RegionId) -> Sequence[Instance]:
    return await reads.instances(regions)


async def test_a_throttled_read_without_a_hint_waits_all_the_same() -> None:
    clock = VirtualClock()
    async with running() as stand:
        reads = LimitedReads(stand.cloud, ReadLimits(per_second=100, burst=100), 0.5, clock, Listener())

        async def throttling(cluster: ClusterId) -> Sequence[Node]:
            raise Throttled("DescribeClusterNodes", "Throttling")

        stand.cloud.nodes = throttling  # type: ignore[method-assign]  # without the header
        first = asyncio.create_task(_read(reads))
        await clock.advance(0)
        second = asyncio.create_task(_read(reads))
        await clock.advance(4.9)
        assert (isinstance(first.exception(), Throttled), second.done()) == (True, False)
        await clock.advance(0.2)
        assert isinstance(second.exception(), Throttled)


async def test_a_list_pays_for_all_of_its_pages() -> None:
    clock = VirtualClock()
    async with running() as stand:
        reads = LimitedReads(stand.cloud, ReadLimits(per_second=2, burst=2), 0.5, clock, Listener())

        async def many(cluster: ClusterId) -> Sequence[Node]:
            return [Node(InstanceId(f"i-{number}"), "", NodePhase.READY) for number in range(950)]

        stand.cloud.nodes = many  # type: ignore[method-assign]  # ten pages
        await reads.nodes(CLUSTER)
        assert await _seconds(clock, _read(reads)) == 10.0


async def test_a_list_of_many_regions_pays_for_all_of_its_calls() -> None:
    clock = VirtualClock()
    async with running() as stand:
        reads = LimitedReads(stand.cloud, ReadLimits(per_second=2, burst=2), 0.5, clock, Listener())
        await reads.instances(tuple(RegionId(f"cn-{number}") for number in range(250)))
        assert await _seconds(clock, _list(reads, BEIJING)) == 3.0


async def _seconds(clock: VirtualClock, read: object) -> float:
    began = clock.monotonic()
    ended: list[float] = []

    async def timed() -> None:
        await read  # type: ignore[misc]  # a coroutine
        ended.append(clock.monotonic())

    task = asyncio.create_task(timed())
    await clock.advance(100)
    await task
    return ended[0] - began


async def test_a_turn_that_did_not_come_in_time_costs_none() -> None:
    clock = VirtualClock()
    gate = PurchaseGate(PurchaseLimits(per_minute=1, burst=1), clock, Listener())
    assert await gate.turn("ScaleOutCluster", 1.0)
    late = asyncio.create_task(gate.turn("ScaleOutCluster", 59.0))
    await clock.advance(59.5)
    assert late.done()
    assert not late.result()
    waiting = asyncio.create_task(gate.turn("ScaleOutCluster", 59.0))
    await clock.advance(0.4)
    assert not waiting.done()
    await clock.advance(0.2)
    assert waiting.done()
    assert waiting.result()


async def test_an_order_does_not_outlive_its_decision_while_its_action_is_paused() -> None:
    async with running() as stand:
        refusing(stand, Throttled("ScaleOutCluster", "Throttling.User", retry_after=5000.0), 1, SHANGHAI)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(1)
        await stand.buy(1)
        await stand.clock.advance(stand.settings.decision_valid_for + 40)
        assert [order.reason for order in await stand.orders()] == [Reason.EXPIRED_UNSENT] * 2
