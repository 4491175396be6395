"""The pace: each action has its own, polling can not use up what a purchase needs, one order's pause is its own."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest

from autoscaler.executor.bucket import TokenBucket
from autoscaler.executor.limiter import LimitedReads, PurchaseGate
from autoscaler.model.capacity import Instance
from autoscaler.model.errors import Busy, Forbidden, Throttled, Unavailable
from autoscaler.model.names import ClusterId, RegionId
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.settings.sections import PurchaseLimits, PurchasePace, ReadLimits, ReadPace
from autoscaler.simulator.clock import VirtualClock
from tests.unit.executor.stand import BEIJING, CLUSTER, SETTINGS, SHANGHAI, Listener, refusing, running

S = OrderState


async def passed(gate: PurchaseGate, clock: VirtualClock, action: str, times: int) -> list[float]:
    """The moments at which `times` purchases pass the gate, each leaving at once."""
    moments: list[float] = []

    async def through() -> None:
        await gate.enter(action)
        assert await gate.turn(action, 1000.0)
        moments.append(round(clock.monotonic(), 3))
        gate.leave(action)

    tasks = [asyncio.create_task(through()) for _ in range(times)]
    await clock.advance(1000)
    await asyncio.gather(*tasks)
    return moments


async def test_every_action_has_its_own_bucket_and_its_own_pace() -> None:
    clock = VirtualClock()
    limits = PurchaseLimits(per_minute=6, burst=1, per_action={"ScaleClusterNodePool": PurchasePace(per_minute=60)})
    gate = PurchaseGate(limits, clock, Listener())
    assert await passed(gate, clock, "ScaleOutCluster", 3) == [0.0, 10.0, 20.0]
    began = clock.monotonic()
    assert await passed(gate, clock, "ScaleClusterNodePool", 3) == [began, began + 1.0, began + 2.0]


async def test_a_throttled_action_keeps_still_and_the_others_do_not() -> None:
    clock = VirtualClock()
    gate = PurchaseGate(PurchaseLimits(per_minute=6000, burst=10), clock, Listener())
    gate.pause("ScaleOutCluster", 30.0)
    assert await passed(gate, clock, "ModifyClusterNodePool", 1) == [0.0]
    clock = VirtualClock()
    gate = PurchaseGate(PurchaseLimits(per_minute=6000, burst=10), clock, Listener())
    gate.pause("ScaleOutCluster", 30.0)
    assert await passed(gate, clock, "ScaleOutCluster", 1) == [30.0]


async def test_only_so_many_calls_of_one_operation_are_under_way_and_others_are_not_held_up() -> None:
    clock = VirtualClock()
    gate = PurchaseGate(PurchaseLimits(per_minute=6000, burst=10, concurrency=1), clock, Listener())
    await gate.enter("ScaleOutCluster")
    waiting = asyncio.create_task(gate.enter("ScaleOutCluster"))
    await clock.advance(100)
    assert not waiting.done()
    other = asyncio.create_task(gate.enter("ModifyClusterNodePool"))
    await clock.advance(0)
    assert other.done()
    gate.leave("ScaleOutCluster")
    await clock.advance(0)
    assert waiting.done()


async def test_a_pause_that_begins_while_the_turn_is_waited_for_is_kept() -> None:
    clock = VirtualClock()
    gate = PurchaseGate(PurchaseLimits(per_minute=6, burst=1), clock, Listener())
    assert await gate.turn("ScaleOutCluster", 1000.0)
    waiting = asyncio.create_task(gate.turn("ScaleOutCluster", 1000.0))
    await clock.advance(5)
    gate.pause("ScaleOutCluster", 20.0)
    await clock.advance(19)
    assert not waiting.done()
    await clock.advance(2)
    assert waiting.done()


async def test_calls_leave_at_the_pace_however_slowly_their_baselines_are_read() -> None:
    """A turn is taken just before the call leaves: slow reads must not let saved turns leave in a bunch."""
    settings = SETTINGS.model_copy(
        update={"purchases": PurchaseLimits(per_minute=60, burst=1, concurrency=4), "decision_valid_for": 1e4}
    )
    async with running(settings=settings) as stand:
        left = refusing(stand, Unavailable("ScaleOutCluster", "ConnectionRefused"), 0)
        left_too = refusing(stand, Unavailable("ScaleOutCluster", "ConnectionRefused"), 0, SHANGHAI)
        read, slow = stand.cloud.instances, [True]

        async def instances(regions: Sequence[RegionId]) -> Sequence[Instance]:
            if slow[0] and len(regions) == 1:
                await stand.clock.sleep(7.0)
            return await read(regions)

        stand.cloud.instances = instances  # type: ignore[method-assign]  # a slow API
        await stand.buy(1)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(30)
        moments = sorted([*left, *left_too])
        assert len(moments) == 2
        assert moments[1] - moments[0] >= 1.0 - 1e-6


async def test_polling_as_fast_as_it_may_leaves_a_purchase_its_share() -> None:
    async with running() as stand:
        clock, limits = stand.clock, ReadLimits(per_second=10, burst=1, purchase_share=0.3)
        polls = LimitedReads(stand.cloud, limits, 0.7, clock, stand.listener)
        purchases = LimitedReads(stand.cloud, limits, 0.3, clock, stand.listener)
        greedy = [asyncio.create_task(polls.instances((BEIJING,))) for _ in range(200)]
        read = asyncio.create_task(purchases.instances((BEIJING,)))
        await clock.advance(1.0)
        assert read.done()
        assert 6 <= sum(task.done() for task in greedy) <= 9
        for task in greedy:
            task.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)


async def test_a_list_of_many_pages_is_paid_for_by_those_that_come_next() -> None:
    clock = VirtualClock()
    bucket = TokenBucket(1.0, 5, clock)
    await bucket.take()
    bucket.owe(9)
    waiting = asyncio.create_task(bucket.take())
    await clock.advance(5.5)
    assert not waiting.done()
    await clock.advance(1.0)
    assert waiting.done()


async def test_a_read_with_a_pace_of_its_own_keeps_that() -> None:
    async with running() as stand:
        slow = ReadLimits(per_second=100, burst=1, per_action={"DescribeClusterNodes": ReadPace(per_second=2, burst=1)})
        reads = LimitedReads(stand.cloud, slow, 0.5, stand.clock, stand.listener)
        tasks = [asyncio.create_task(reads.nodes(ClusterId(CLUSTER))) for _ in range(3)]
        await stand.clock.advance(1.5)
        assert [task.done() for task in tasks] == [True, True, False]
        await stand.clock.advance(1.0)
        await asyncio.gather(*tasks)


async def test_a_busy_cluster_holds_up_only_the_order_that_met_it() -> None:
    settings = SETTINGS.model_copy(update={"purchases": PurchaseLimits(per_minute=6000, burst=10)})
    async with running(settings=settings) as stand:
        refusing(stand, Busy("ScaleOutCluster", "ErrorClusterState"), 1000)
        await stand.buy(1)
        await stand.clock.advance(1)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(5)
        busy, other = await stand.orders()
        assert other.state is S.ACCEPTED
        assert (busy.state, busy.reason) == (S.PLANNED, Reason.CLUSTER_BUSY)


async def test_the_pauses_between_tries_are_random_and_their_limit_doubles() -> None:
    settings = SETTINGS.model_copy(
        update={"purchases": PurchaseLimits(per_minute=60_000, burst=100), "decision_valid_for": 1e6}
    )
    async with running(settings=settings) as stand:
        moments = refusing(stand, Unavailable("ScaleOutCluster", "ConnectionRefused"), 40)
        await stand.buy(1)
        await stand.clock.advance(2000)
        pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
        limits = [min(30.0, 2.0**number) for number in range(len(pauses))]
        assert len(pauses) == 40
        assert all(pause <= limit + 0.2 for pause, limit in zip(pauses, limits, strict=True))
        assert min(pauses[6:]) < 8 < 22 < max(pauses[6:])
        assert (await stand.only_order()).state is S.READY


@pytest.mark.parametrize("hint", [None, 7.0])
async def test_a_throttling_answer_pauses_its_action_as_long_as_it_says(hint: float | None) -> None:
    async with running() as stand:
        refusing(stand, Throttled("ScaleOutCluster", "Throttling.User", retry_after=hint), 1)
        await stand.buy(1)
        await stand.clock.advance(0.5)
        other = refusing(stand, Throttled("ScaleOutCluster", "Throttling.User"), 0, SHANGHAI)
        began = stand.clock.monotonic()
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(30)
        assert other[0] - began >= (hint or 5.0) - 1.0


async def test_a_forbidden_answer_withdraws_every_order_that_still_waits() -> None:
    settings = SETTINGS.model_copy(update={"purchases": PurchaseLimits(per_minute=60, burst=1, concurrency=1)})
    async with running(settings=settings) as stand:
        refusing(stand, Forbidden("ScaleOutCluster", "Forbidden.RAM"), 1)
        await stand.buy(1)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(5)
        first, second = await stand.orders()
        assert (first.state, first.reason) == (S.FAILED, Reason.FORBIDDEN)
        assert (second.state, second.reason) == (S.FAILED, Reason.ACCOUNT_STOPPED)
        assert stand.cloud.calls == 0


async def test_after_a_refusal_of_the_account_one_order_at_a_time_tries_again() -> None:
    async with running() as stand:
        refusing(stand, Forbidden("ScaleOutCluster", "Forbidden.RAM"), 1)
        await stand.buy(1)
        await stand.clock.advance(5)
        await stand.buy(1)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(5)
        regions = [order.region for order in await stand.orders()]
        assert regions == [BEIJING, BEIJING]
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(5)
        assert (await stand.orders())[-1].region == SHANGHAI
        assert (await stand.orders())[-1].state is S.ACCEPTED


async def test_a_restart_is_no_way_around_the_pace() -> None:
    settings = SETTINGS.model_copy(update={"purchases": PurchaseLimits(per_minute=1, burst=1)})
    async with running(settings=settings) as stand:
        await stand.buy(1)
        await stand.clock.advance(5)
        assert stand.cloud.calls == 1
        await stand.die()
        await stand.restart()
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(50)
        assert stand.cloud.calls == 1
        await stand.clock.advance(10)
        assert stand.cloud.calls == 2


@pytest.mark.parametrize(
    ("ages", "waits"),
    [
        ([], 0.0),
        ([0.0], 0.0),
        ([0.0, 0.0], 10.0),
        ([12.0, 2.0], 0.0),
        ([3.0, 2.0], 7.0),
        ([-5.0], 0.0),
        ([-5.0, -9.0, -9.0], 10.0),
    ],
)
async def test_a_bucket_takes_over_what_was_taken_before(ages: list[float], waits: float) -> None:
    clock = VirtualClock()
    bucket = TokenBucket(0.1, 2, clock)
    bucket.replay(ages)
    taking = asyncio.create_task(bucket.take())
    await clock.advance(100)
    assert await taking == pytest.approx(waits)
