"""A surge: hundreds of regions at once are served at the pace, each in its turn, and what waits makes nothing blind."""

from itertools import pairwise

from autoscaler.model.errors import Busy, Forbidden, Throttled
from autoscaler.model.names import OrderId, RegionId
from autoscaler.model.order import Baseline, Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.settings.sections import ExecutorSettings, PurchaseLimits, ReadLimits
from autoscaler.simulator.records import ScaleOutBody
from autoscaler.simulator.scenario import RegionScenario, Scenario
from tests.unit.executor.stand import CLUSTER, SETTINGS, SHANGHAI, Stand, intent, operation, refusing, running

S = OrderState
FLEET = tuple(RegionId(f"cn-r{number:04}") for number in range(300))
PACE = ExecutorSettings().purchases.per_minute


def fleet(regions: tuple[RegionId, ...]) -> Scenario:
    """Empty regions with enough in stock, and tasks that never end."""
    rows = tuple(RegionScenario(region=region, initial_nodes=0, stock=100_000) for region in regions)
    return Scenario(cluster_id=str(CLUSTER), regions=rows, node_quota=100_000, task_seconds=1e6)


def busy_fleet(regions: tuple[RegionId, ...], **changes: object) -> Stand:
    """The shipped pace and validity; the cloud is looked at seldom, to keep the test short."""
    settings = ExecutorSettings(reads=ReadLimits(per_second=1000, burst=1000), poll_interval=600.0, node_deadline=1e6)
    return Stand(fleet(regions), settings.model_copy(update=changes), {CLUSTER: regions})


async def decide(stand: Stand, regions: set[RegionId]) -> None:
    """What a loop does for regions that need nodes: one order each, where none is unsettled."""
    orders = stand.executor.orders
    free = [region for region in sorted(regions) if not any(order.state.unsettled for order in orders(region))]
    await stand.place(*(intent(2, region, desired=2, at=stand.clock.now()) for region in free))


async def test_hundreds_of_regions_are_served_at_the_pace_and_every_one_in_its_turn() -> None:
    """Ten minutes of work, while a decision is good for two."""
    stand = busy_fleet(FLEET)
    await stand.start()
    need = set(FLEET)
    await decide(stand, need)
    for second in range(5, 12 * 60, 5):
        await stand.clock.advance(5, turns=3)
        need -= {order.region for order in stand.executor.open_orders() if order.state is S.ACCEPTED}
        rung, stand.rung = need & set(stand.rung), []
        await decide(stand, rung)
        if second <= 9 * 60:
            assert stand.cloud.calls >= 0.9 * PACE * second / 60 - 1
    assert need == set()
    assert stand.cloud.calls == len(FLEET)
    await stand.die()


async def test_purchases_go_on_at_the_pace_for_an_hour_however_many_wait() -> None:
    stand = busy_fleet(FLEET)
    await stand.start()
    calls = [0]
    for _ in range(60):
        for _ in range(6):
            await decide(stand, set(FLEET))
            await stand.clock.advance(10, turns=3)
        calls.append(stand.cloud.calls)
    minutes = [later - earlier for earlier, later in pairwise(calls)]
    assert sum(minutes) >= 0.95 * 60 * PACE
    assert min(minutes) >= 0.7 * PACE
    assert max(minutes) <= PACE + 1
    served = [stand.books.sold(region) for region in FLEET]
    assert min(served) >= 2 * 4
    await stand.die()


async def test_a_stopped_account_keeps_no_region_waiting_for_a_turn() -> None:
    regions = FLEET[:100]
    stand = busy_fleet(regions)
    await stand.start()
    refusing(stand, Forbidden("ScaleOutCluster", "Forbidden.RAM"), 10**9, regions[0])
    await decide(stand, set(regions))
    await stand.clock.advance(5)
    assert stand.executor.open_orders() == ()
    reasons = [order.reason for order in await stand.orders()]
    assert reasons.count(Reason.FORBIDDEN) == 1
    assert reasons.count(Reason.ACCOUNT_STOPPED) == 99
    await stand.die()


async def test_an_order_that_became_too_old_takes_no_turn() -> None:
    settings = SETTINGS.model_copy(update={"purchases": PurchaseLimits(per_minute=1, burst=1)})
    stand = Stand(fleet(FLEET[:3]), settings.model_copy(update={"poll_interval": 1000.0}), {CLUSTER: FLEET[:3]})
    await stand.start()
    stale = stand.clock.now() - settings.decision_valid_for
    await stand.place(intent(1, FLEET[0]))
    await stand.clock.advance(1)
    await stand.place(intent(1, FLEET[1], at=stale + 5))
    await stand.clock.advance(30)
    await stand.place(intent(1, FLEET[2]))
    await stand.clock.advance(32)
    _, old, new = sorted(await stand.orders(), key=lambda order: order.region)
    assert (old.reason, new.state) == (Reason.EXPIRED_UNSENT, S.ACCEPTED)
    await stand.die()


async def test_a_turn_that_nobody_took_is_there_for_the_next_order() -> None:
    settings = SETTINGS.model_copy(update={"purchases": PurchaseLimits(per_minute=1, burst=1), "poll_interval": 1000.0})
    stand = Stand(fleet(FLEET[:2]), settings, {CLUSTER: FLEET[:2]})
    await stand.start()
    await stand.place(intent(1, FLEET[0], at=stand.clock.now() - 2 * settings.decision_valid_for))
    await stand.clock.advance(1)
    assert (await stand.only_order()).reason is Reason.EXPIRED_UNSENT
    await stand.place(intent(1, FLEET[1]))
    await stand.clock.advance(1)
    assert stand.cloud.calls == 1
    await stand.die()


async def test_an_order_that_became_too_old_ends_although_no_place_is_free() -> None:
    """A long pause of the API: the region is decided afresh, and is not kept from it by the dead."""
    settings = SETTINGS.model_copy(update={"purchases": PurchaseLimits(per_minute=600, burst=10, concurrency=1)})
    async with running(settings=settings) as stand:
        refusing(stand, Throttled("ScaleOutCluster", "Throttling.User", retry_after=5000.0), 1)
        await stand.buy(1)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(settings.decision_valid_for + settings.poll_interval + 5)
        first = (await stand.orders())[0]
        assert (first.state, first.reason) == (S.FAILED, Reason.EXPIRED_UNSENT)


async def test_a_wall_clock_set_back_keeps_no_old_decision_alive() -> None:
    async with running() as stand:
        refusing(stand, Busy("ScaleOutCluster", "ErrorClusterState"), 10**9)
        await stand.buy(2)
        await stand.clock.advance(5)
        stand.clock.jump(-3600)
        await stand.clock.advance(stand.settings.decision_valid_for + 30)
        order = await stand.only_order()
        assert (order.state, order.reason) == (S.FAILED, Reason.EXPIRED_UNSENT)


async def test_capacities_stay_young_while_many_orders_are_followed_slowly() -> None:
    """600 tasks are read at seven a second: it takes longer than a reading of the nodes may be old."""
    regions = tuple(RegionId(f"cn-r{number:04}") for number in range(600))
    stand = Stand(fleet(regions), ExecutorSettings(node_deadline=1e6, capacity_max_age=60.0), {CLUSTER: regions})
    for region in regions:
        await accepted_before(stand, region)
    await stand.start()
    for _ in range(30):
        await stand.clock.advance(5, turns=3)
        capacity = stand.executor.capacity(regions[0])
        assert capacity is not None
        assert stand.clock.now() - capacity.at <= 20.0
    await stand.die()


async def accepted_before(stand: Stand, region: RegionId) -> None:
    """An order that a former process has placed."""
    now = stand.clock.now()
    task = stand.books.buy(ScaleOutBody(str(CLUSTER), region, "ens.sn1.tiny", 1, "m-1", 40, 0, 1), "x", now)
    planned = Order(OrderId(f"before-{region}"), 1, region, operation(region), 1, now, now + 1e6)
    await stand.ledger.add(planned)
    sent = planned.moved(
        S.SUBMITTING, Reason.SENDING, now, submitted_at=now, baseline=Baseline(frozenset(), now), attempt=1
    )
    await stand.ledger.replace(planned, sent, now)
    told = sent.moved(S.ACCEPTED, Reason.API_ACCEPTED, now, receipt=Receipt(task.id, ""))  # type: ignore[arg-type]
    await stand.ledger.replace(sent, told, now)
