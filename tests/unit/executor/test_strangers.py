"""Strangers: what somebody else bought, or another order of ours, is never taken for what an order in doubt made."""

from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.simulator.script import Appearance, PurchaseScript, Visibility
from tests.unit.executor.stand import BEIJING, SETTINGS, running, scenario, tell_nothing

S = OrderState
NEVER = Appearance(after=1e6)
LATE_TASKS = Visibility(task=Appearance(after=30.0), tasks=Appearance(after=30.0))


async def test_a_task_that_made_what_was_there_before_the_call_is_a_strangers() -> None:
    async with running(scenario(visible=LATE_TASKS, task_seconds=60.0)) as stand:
        stand.books.buy_by_hand(BEIJING, 2, stand.clock.now())
        await stand.clock.advance(600)
        stand.cloud.faults.append("lost_answer")
        await stand.buy(2)
        await stand.clock.advance(40)
        assert (await stand.only_order()).state is S.IN_DOUBT
        await stand.clock.advance(200)
        order = await stand.only_order()
        assert order.state is S.READY
        assert order.instances == set(stand.books.purchases[1].instances)


async def test_a_strangers_task_is_never_ours_even_when_ours_was_never_made() -> None:
    async with running(scenario(task_seconds=60.0)) as stand:
        stand.books.buy_by_hand(BEIJING, 2, stand.clock.now())
        await stand.clock.advance(100)
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(200)
        order = await stand.only_order()
        assert Reason.ABSENCE_PROVEN in await stand.reasons(order)
        assert (order.state, order.bought) == (S.FAILED, 0)


async def test_a_single_task_that_fits_counts_only_after_the_settle_time() -> None:
    """Somebody buys the same by hand at the same moment, and the API lists our own task late."""
    async with running(scenario(scripts=(PurchaseScript(visible=LATE_TASKS),), task_seconds=300.0)) as stand:
        stand.cloud.faults.append("lost_answer")
        await stand.buy(2)
        await stand.clock.advance(1)
        stand.books.buy_by_hand(BEIJING, 2, stand.clock.now())
        await stand.clock.advance(20)
        assert (await stand.only_order()).state is S.IN_DOUBT
        await stand.clock.advance(300)
        order = await stand.only_order()
        assert order.state is S.IN_DOUBT
        assert order.detail.startswith("tasks that can not be told apart: ")


async def test_the_task_of_another_order_is_never_taken() -> None:
    async with running() as stand:
        tell_nothing(stand)
        await stand.buy(2)
        await stand.clock.advance(3)
        stand.cloud.faults.append("lost_answer")
        await stand.buy(2)
        await stand.clock.advance(150)
        first, second = await stand.orders()
        made = [sale.task_id for sale in stand.books.purchases]
        assert first.receipt is not None
        assert second.receipt is not None
        assert [first.receipt.task, second.receipt.task] == made


async def test_instances_of_another_order_are_never_taken() -> None:
    late = PurchaseScript(visible=Visibility(instances=Appearance(after=90.0)))
    async with running(scenario(scripts=(late,), task_seconds=5.0)) as stand:
        await stand.buy(2)
        await stand.clock.advance(60)
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(200)
        first, second = await stand.orders()
        assert first.state is S.READY
        assert Reason.ABSENCE_PROVEN in await stand.reasons(second)
        assert (second.state, second.instances) == (S.FAILED, frozenset())


async def test_new_instances_are_nobodys_while_another_order_of_the_region_may_have_made_them() -> None:
    late = PurchaseScript(visible=Visibility(instances=Appearance(after=20.0)), task="running")
    async with running(scenario(scripts=(late,), join_seconds=1e6, task_parameters=False)) as stand:
        tell_nothing(stand)
        await stand.buy(2)
        await stand.clock.advance(3)
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(200)
        _, second = await stand.orders()
        assert second.state is S.IN_DOUBT
        assert second.detail == "2 new instances in the region, 2 were ordered"


async def test_what_a_doubtful_order_made_is_not_taken_for_an_accepted_one_whose_task_tells_nothing() -> None:
    """Two orders of one region that nobody can tell apart, and the list shows only what the second one made."""
    hidden = PurchaseScript(visible=Visibility(instances=NEVER, nodes=NEVER))
    async with running(scenario(scripts=(hidden,), task_parameters=False)) as stand:
        tell_nothing(stand)
        await stand.buy(2)
        await stand.clock.advance(3)
        stand.cloud.faults.append("lost_answer")
        await stand.buy(2)
        await stand.clock.advance(250)
        first, second = await stand.orders()
        others = set(stand.books.purchases[1].instances)
        assert first.state is S.ACCEPTED
        assert not first.instances & others
        assert second.state is S.IN_DOUBT
        assert stand.books.sold(BEIJING) == 4


async def test_new_nodes_that_ens_does_not_list_yet_keep_a_doubt_open() -> None:
    unlisted = Visibility(tasks=NEVER, instances=Appearance(after=125.0))
    async with running(scenario(visible=unlisted)) as stand:
        stand.cloud.faults.append("lost_answer")
        await stand.buy(2)
        await stand.clock.advance(118)
        order = await stand.only_order()
        assert (order.state, order.detail) == (S.IN_DOUBT, "2 new nodes that ENS does not list yet")
        await stand.clock.advance(40)
        assert (await stand.only_order()).state is S.READY
        assert stand.books.sold(BEIJING) == 2 * stand.cloud.calls


async def test_a_task_is_found_although_the_clouds_clock_is_behind_ours() -> None:
    behind = -(SETTINGS.clock_skew - 60.0)
    async with running(scenario(clock_skew=behind)) as stand:
        stand.cloud.faults.append("lost_answer")
        await stand.buy(2)
        await stand.clock.advance(200)
        order = await stand.only_order()
        assert order.receipt is not None
        assert order.receipt.task == stand.books.purchases[0].task_id


async def test_one_strangers_instance_is_not_taken_for_half_of_an_order() -> None:
    hidden = PurchaseScript(visible=Visibility(instances=NEVER, nodes=NEVER))
    async with running(scenario(scripts=(hidden,))) as stand:
        tell_nothing(stand)
        await stand.buy(2)
        await stand.clock.advance(3)
        stand.books.buy_by_hand(BEIJING, 1, stand.clock.now())
        await stand.clock.advance(300)
        order = await stand.only_order()
        assert (order.state, order.instances) == (S.ACCEPTED, frozenset())
