"""The way of an order: from an intent to nodes that are ready, and every way in which it may end otherwise."""

from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.settings.sections import PurchaseLimits
from autoscaler.simulator.records import ScaleOutBody
from autoscaler.simulator.scenario import RegionScenario
from tests.unit.executor.stand import BEIJING, SETTINGS, SHANGHAI, Stand, running, scenario

S = OrderState


async def test_an_order_becomes_ready_nodes_and_capacity() -> None:
    async with running() as stand:
        await stand.buy(3)
        await stand.clock.advance(70)

        order = await stand.only_order()
        assert (await stand.states(order))[:3] == [S.PLANNED, S.SUBMITTING, S.ACCEPTED]
        assert order.state is S.READY
        assert stand.books.sold(BEIJING) == 3 == len(order.instances)
        capacity = stand.executor.capacity(BEIJING)
        assert capacity is not None
        assert len(capacity.ready) == 4
        assert BEIJING in stand.rung


async def test_the_order_is_on_disk_before_the_call_leaves() -> None:
    async with running() as stand:
        seen: list[tuple[OrderState, bool]] = []
        sell = stand.cloud.purchase

        async def watched(operation: object, nodes: int) -> object:
            order = await stand.only_order()
            seen.append((order.state, order.baseline is not None))
            return await sell(operation, nodes)  # type: ignore[arg-type]  # passed through as it came

        stand.cloud.purchase = watched  # type: ignore[method-assign,assignment]  # a spy
        await stand.buy(1)
        await stand.clock.advance(5)

        assert seen == [(S.SUBMITTING, True)]


async def test_a_throttled_purchase_is_sent_again_and_sold_once() -> None:
    async with running() as stand:
        stand.cloud.faults.extend(["throttled", "throttled"])
        await stand.buy(2)
        await stand.clock.advance(30)

        order = await stand.only_order()
        assert order.state is S.ACCEPTED
        assert order.attempt == 3
        assert stand.books.sold(BEIJING) == 2


async def test_a_request_that_never_left_is_sent_again() -> None:
    async with running() as stand:
        stand.cloud.faults.append("never_sent")
        await stand.buy(2)
        await stand.clock.advance(10)

        assert stand.books.sold(BEIJING) == 2
        assert (await stand.only_order()).attempt == 2


async def test_a_lost_answer_is_never_resent_and_is_found_again_by_its_task() -> None:
    async with running() as stand:
        stand.cloud.faults.append("lost_answer")
        await stand.buy(2)
        await stand.clock.advance(4)
        assert (await stand.only_order()).state is S.IN_DOUBT

        await stand.clock.advance(180)
        order = await stand.only_order()
        assert order.state is S.READY
        assert stand.cloud.calls == 1
        assert stand.books.sold(BEIJING) == 2
        assert order.receipt is not None
        assert order.receipt.task == stand.books.purchases[0].task_id


async def test_a_lost_answer_is_found_by_its_instances_when_the_task_does_not_tell() -> None:
    async with running(scenario(task_parameters=False)) as stand:
        stand.cloud.faults.append("lost_answer")
        await stand.buy(2)
        await stand.clock.advance(180)

        assert (await stand.only_order()).state is S.READY
        assert stand.books.sold(BEIJING) == 2


async def test_a_request_that_got_lost_is_dropped_only_after_the_settle_time() -> None:
    async with running() as stand:
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(95)
        assert (await stand.only_order()).state is S.IN_DOUBT

        await stand.clock.advance(30)
        order = await stand.only_order()
        assert order.state is S.FAILED
        assert order.reason is Reason.EXPIRED_UNSENT
        assert Reason.ABSENCE_PROVEN in [line.reason for line in await stand.ledger.history(order.id)]
        assert stand.cloud.calls == 1
        assert stand.books.sold_total == 0


async def test_a_fault_of_ours_after_the_call_is_a_doubt_and_no_licence_to_resend() -> None:
    async with running() as stand:
        stand.cloud.faults.append("crash_after")
        await stand.buy(1)
        await stand.clock.advance(180)

        assert stand.cloud.calls == 1
        assert stand.books.sold(BEIJING) == 1
        assert (await stand.only_order()).state is S.READY


async def test_somebody_buying_by_hand_keeps_a_doubt_open() -> None:
    async with running(scenario(task_parameters=False)) as stand:
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(2)
        buy_by_hand(stand)
        await stand.clock.advance(300)

        order = await stand.only_order()
        assert order.state is S.IN_DOUBT
        assert order.detail != ""
        assert stand.cloud.calls == 1


def buy_by_hand(stand: Stand) -> None:
    body = ScaleOutBody(str(stand.books.scenario.cluster_id), BEIJING, "ens.sn1.tiny", 5, "m-1", 40, 0, 1)
    stand.books.buy(body, "by-hand", stand.clock.now())


async def test_a_stock_out_fails_the_order_with_its_reason() -> None:
    async with running() as stand:
        await stand.buy(11)
        await stand.clock.advance(5)

        order = await stand.only_order()
        assert (order.state, order.reason) == (S.FAILED, Reason.OUT_OF_STOCK)
        assert stand.books.sold_total == 0


async def test_a_stock_out_told_by_the_task_fails_the_order_too() -> None:
    async with running(scenario(stock_answer="fail_task")) as stand:
        await stand.buy(11)
        await stand.clock.advance(120)
        assert (await stand.only_order()).state is S.ACCEPTED  # the API's lists may lag behind its task
        await stand.clock.advance(30)

        order = await stand.only_order()
        assert (order.state, order.reason) == (S.FAILED, Reason.OUT_OF_STOCK)


async def test_nodes_past_their_deadline_stay_counted_and_are_adopted_when_they_come_late() -> None:
    async with running(scenario(join_seconds=900.0)) as stand:
        await stand.buy(2)
        await stand.clock.advance(700)
        order = await stand.only_order()
        assert order.state is S.OVERDUE
        assert order in stand.executor.open_orders()

        await stand.clock.advance(300)
        assert (await stand.only_order()).state is S.READY


async def test_an_unreadable_baseline_sends_nothing_and_the_order_expires() -> None:
    async with running() as stand:
        stand.cloud.readable = False
        await stand.buy(2)
        await stand.clock.advance(120)

        order = await stand.only_order()
        assert (order.state, order.reason) == (S.FAILED, Reason.EXPIRED_UNSENT)
        assert stand.cloud.calls == 0


async def test_a_region_with_an_unsettled_order_gets_no_second_one_and_others_are_not_delayed() -> None:
    async with running() as stand:
        stand.cloud.faults.append("hang")
        await stand.buy(2)
        await stand.clock.advance(3)
        await stand.buy(2)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(60)

        assert stand.books.sold(BEIJING) == 2
        assert stand.books.sold(SHANGHAI) == 1
        assert len(await stand.orders()) == 2


async def test_purchases_keep_their_rate() -> None:
    settings = SETTINGS.model_copy(update={"purchases": PurchaseLimits(per_minute=6, burst=1, concurrency=4)})
    regions = tuple(RegionScenario(region=r, initial_nodes=1, stock=10) for r in (BEIJING, SHANGHAI))
    async with running(scenario(regions=regions), settings) as stand:
        await stand.buy(1)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(8)
        assert stand.cloud.calls == 1
        await stand.clock.advance(4)
        assert stand.cloud.calls == 2


async def test_an_unreadable_cloud_leaves_the_last_capacity_to_grow_old() -> None:
    async with running() as stand:
        before = stand.executor.capacity(BEIJING)
        stand.cloud.readable = False
        await stand.clock.advance(60)

        after = stand.executor.capacity(BEIJING)
        assert before is not None
        assert after is not None
        assert after.at - before.at <= 10
        assert stand.clock.now() - after.at >= 45
