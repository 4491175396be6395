"""Late lists: a sale that the API shows late is a sale. That a node was never made takes time to prove."""

from autoscaler.model.decision import RegionFacts
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.committed import committed_nodes
from autoscaler.ports import Clock
from autoscaler.simulator.records import ScaleOutBody
from autoscaler.simulator.scenario import Scenario
from autoscaler.simulator.script import Appearance, PurchaseScript, Visibility
from tests.unit.executor.stand import BEIJING, CLUSTER, Stand, running, scenario, tell_nothing

S = OrderState


def committed(stand: Stand) -> int:
    """What the next decision counts in the region."""
    desk, now = stand.executor, stand.clock.now()
    facts = RegionFacts(BEIJING, {}, desk.capacity(BEIJING), tuple(desk.orders(BEIJING)))
    return committed_nodes(facts, now)


def slow_task(**changes: object) -> Scenario:
    """A task of 150 s, longer than the settle time; ENS lists its instances 60 s after it has ended."""
    return scenario(visible=LATE, task_seconds=150.0, join_seconds=100.0, **changes)


async def test_a_task_longer_than_the_settle_time_is_no_failure_when_it_ends() -> None:
    async with running(slow_task()) as stand:
        tell_nothing(stand)
        await stand.buy(2)
        await stand.clock.advance(170)
        order = await stand.only_order()
        assert (order.state, order.bought, committed(stand)) == (S.ACCEPTED, 2, 3)
        await stand.clock.advance(110)
        assert (await stand.only_order()).state is S.READY
        assert committed(stand) == 3


LATE = Visibility(instances=Appearance(after=210.0))
MADE_ONE = PurchaseScript(task="fail", error="StockNotEnough", made=1, task_seconds=150.0, visible=LATE)


async def test_a_failed_task_that_made_something_bought_it_although_the_lists_are_late() -> None:
    async with running(slow_task(scripts=(MADE_ONE,))) as stand:
        await stand.buy(2)
        await stand.clock.advance(170)
        order = await stand.only_order()
        assert (order.state, order.bought, committed(stand)) == (S.ACCEPTED, 2, 3)
        await stand.clock.advance(200)
        order = await stand.only_order()
        assert (order.state, order.reason, order.bought) == (S.PARTIAL, Reason.OUT_OF_STOCK, 1)
        assert order.instances == set(stand.books.purchases[0].instances)


async def test_what_a_failed_task_made_without_telling_stays_counted_until_a_human_looks() -> None:
    """One new instance for an order of two: it may be anybody's, so it is neither taken nor called never made."""
    async with running(slow_task(scripts=(MADE_ONE,))) as stand:
        tell_nothing(stand)
        await stand.buy(2)
        for _ in range(20):
            await stand.clock.advance(20)
            order = await stand.only_order()
            assert (order.state, order.bought, order.instances) == (S.ACCEPTED, 2, frozenset())
        await stand.clock.advance(stand.settings.node_deadline)
        assert (await stand.only_order()).state is S.OVERDUE


async def test_a_wall_clock_set_forward_proves_no_failure() -> None:
    late = Visibility(instances=Appearance(after=80.0))
    async with running(scenario(visible=late, task_seconds=20.0, join_seconds=100.0)) as stand:
        tell_nothing(stand)
        real = stand.cloud._clock
        await stand.buy(2)
        await stand.clock.advance(35)
        stand.cloud._clock = _Behind(real, 3600.0)  # the cloud's clock stays right
        stand.clock.jump(3600)
        await stand.clock.advance(30)
        order = await stand.only_order()
        assert (order.state, order.bought, committed(stand)) == (S.OVERDUE, 2, 3)
        await stand.clock.advance(100)
        assert (await stand.only_order()).state is S.READY
        assert stand.books.sold(BEIJING) == 2


class _Behind:
    """A clock that is behind another one by some seconds."""

    def __init__(self, ahead: Clock, by: float) -> None:
        self._ahead = ahead
        self._by = by

    def now(self) -> float:
        return self._ahead.now() - self._by

    def monotonic(self) -> float:
        return self._ahead.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._ahead.sleep(seconds)


async def test_a_restart_waits_the_settle_time_anew() -> None:
    async with running(slow_task()) as stand:
        tell_nothing(stand)
        await stand.buy(2)
        await stand.clock.advance(155)
        await stand.die()
        await stand.clock.advance(300)
        listed = stand.cloud.instances

        async def none(regions: object) -> list[object]:
            return []

        stand.cloud.instances = none  # type: ignore[method-assign,assignment]  # the list is short for a moment
        await stand.restart()
        await stand.clock.advance(30)
        assert (await stand.only_order()).state is S.ACCEPTED
        stand.cloud.instances = listed  # type: ignore[method-assign]  # as it was
        await stand.clock.advance(30)
        assert (await stand.only_order()).state is S.READY


async def test_an_unexplained_instance_of_the_region_keeps_a_node_from_being_called_never_made() -> None:
    """Somebody buys by hand meanwhile: three new instances for an order of two can not be told apart."""
    async with running(scenario(task_parameters=False)) as stand:
        tell_nothing(stand)
        await stand.buy(2)
        await stand.clock.advance(3)
        body = ScaleOutBody(str(CLUSTER), BEIJING, "ens.sn1.tiny", 1, "m-1", 40, 0, 1)
        stand.books.buy(body, "by-hand", stand.clock.now(), who="hand")
        await stand.clock.advance(300)
        order = await stand.only_order()
        assert (order.state, order.bought) == (S.ACCEPTED, 2)
