"""Evidence is proof or it is none: what a task does not tell must not be read into it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from autoscaler.executor.recover import fits
from autoscaler.executor.survey import Survey
from autoscaler.model.capacity import Task, TaskRow, TaskState
from autoscaler.model.errors import LedgerUnusable, OutcomeUnknown
from autoscaler.model.events import OrderChanged
from autoscaler.model.names import ClusterId, InstanceId, OrderId, RegionId, TaskId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from tests.unit.executor.stand import BEIJING, CLUSTER, SETTINGS, SHANGHAI, operation, running

S = OrderState
ORDER = Order(OrderId("o-1"), 1, BEIJING, operation(BEIJING), 2, 0.0, 10.0)
SITES = {InstanceId("i-1"): BEIJING, InstanceId("i-2"): BEIJING, InstanceId("i-s"): SHANGHAI}

SEEN = Survey(CLUSTER, 5.0, {}, {BEIJING: frozenset(), SHANGHAI: frozenset()}, {}, sites=SITES)


def task(parameters: dict[str, object], *results: str) -> Task:
    listed = {InstanceId(instance): "success" for instance in results}
    return Task(
        TaskId("T-1"), CLUSTER, "cluster_scaleout", TaskState.RUNNING, 1.0, results=listed, parameters=parameters
    )


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (task({"ens_region_id": BEIJING, "count": 2}), True),
        (task({"ens_region_id": BEIJING, "count": 5, "worker_period": 2}), False),
        (task({"ens_region_id": BEIJING}), None),
        (task({"ens_region_id": BEIJING, "size": "2 nodes"}), None),
        (task({"ens_region_id": SHANGHAI, "count": 2}, "i-s"), False),
        (task({}), None),
        (task({}, "i-1"), None),
        (task({}, "i-1", "i-2"), True),
        (task({}, "i-1", "i-unknown"), None),
        (task({}, "i-1", "i-s"), False),
        (task({}, "i-1", "i-2", "i-3"), False),
    ],
)
def test_a_task_fits_or_does_not_only_on_proof(found: Task, answer: bool | None) -> None:
    assert fits(ORDER, found, SEEN, foreign=False) is answer
    assert fits(ORDER, found, SEEN, foreign=True) is False


async def test_an_instance_that_failed_to_join_stays_counted_after_its_order_ended() -> None:
    async with running() as stand:
        await stand.buy(1)
        await stand.clock.advance(3)
        read = stand.cloud.task

        async def failing(task: TaskId) -> Task:
            told = await read(task)
            return replace(told, state=TaskState.FAILED, results=dict.fromkeys(told.results, "failed"))

        forgotten = stand.books.purchases[0].instances
        listed = stand.cloud.nodes

        async def without(cluster: object) -> object:
            return [node for node in await listed(CLUSTER) if node.instance not in forgotten]

        stand.cloud.task = failing  # type: ignore[method-assign]  # the task ends badly
        stand.cloud.nodes = without  # type: ignore[method-assign,assignment]  # and its instance never is a node
        await stand.clock.advance(120)

        order = await stand.only_order()
        capacity = stand.executor.capacity(BEIJING)
        assert (order.state, order.reason) == (S.FAILED, Reason.SOME_NODES_FAILED)
        assert capacity is not None
        assert len(capacity.instances) == 2


async def test_a_clock_set_forward_proves_no_absence() -> None:
    async with running() as stand:
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(12)
        stand.clock.jump(3600)
        await stand.clock.advance(30)
        assert (await stand.only_order()).state is S.IN_DOUBT


async def test_a_clock_set_back_proves_no_absence() -> None:
    async with running() as stand:
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(12)
        stand.clock.jump(-3600)
        await stand.clock.advance(200)
        assert (await stand.only_order()).state is S.IN_DOUBT


async def test_a_call_that_was_sent_again_has_a_settle_time_of_its_own() -> None:
    """The lists had time to show what the first call made, not what the second one did."""
    async with running(settings=SETTINGS.model_copy(update={"decision_valid_for": 1e6})) as stand:
        stand.cloud.faults.extend(["lost_request", "lost_request"])
        await stand.buy(2)
        await stand.clock.advance(125)
        again = await stand.only_order()
        assert (again.state, again.attempt) == (S.IN_DOUBT, 2)
        stand.clock.jump(3600)
        await stand.clock.advance(60)
        order = await stand.only_order()
        assert (order.state, order.attempt) == (S.IN_DOUBT, 2)


async def test_a_list_of_tasks_that_can_not_be_read_is_asked_for_once_by_all_who_doubt() -> None:
    async with running() as stand:
        stand.cloud.faults.extend(["lost_answer", "lost_answer"])
        await stand.buy(2)
        await stand.buy(2, SHANGHAI)
        await stand.clock.advance(5)
        asked: list[float] = []

        async def unreadable(cluster: ClusterId, since: float) -> Sequence[TaskRow]:
            asked.append(stand.clock.monotonic())
            raise OutcomeUnknown("DescribeClusterTasks", "Timeout")

        stand.cloud.tasks = unreadable  # type: ignore[method-assign]  # the API does not tell
        await stand.clock.advance(150)
        assert len(asked) == 15
        for order in await stand.orders():
            assert (order.state, order.detail[:24]) == (S.IN_DOUBT, "evidence can not be read")


async def test_a_write_that_was_reported_as_failed_and_is_on_disk_does_not_wedge_the_region() -> None:
    async with running() as stand:
        write = stand.ledger.replace
        once = iter([True])

        async def lying(before: Order, after: Order, at: float) -> None:
            await write(before, after, at)
            if after.state is S.ACCEPTED and next(once, False):
                raise LedgerUnusable("the disk reports an error after the commit")

        stand.ledger.replace = lying  # type: ignore[method-assign]  # a disk that lies
        await stand.buy(2)
        await stand.clock.advance(90)
        assert (await stand.only_order()).state is S.READY
        assert stand.books.sold(BEIJING) == 2
        told = [(e.before, e.order.state) for e in stand.listener.events if isinstance(e, OrderChanged)]
        assert told.count((S.SUBMITTING, S.ACCEPTED)) == 1


async def test_one_orders_fault_of_ours_leaves_the_others_alone() -> None:
    async with running() as stand:
        await stand.buy(1)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(5)
        read = stand.cloud.task
        mine = stand.books.purchases[0].task_id

        async def broken(task: TaskId) -> Task:
            if task == mine:
                raise KeyError("a bug")
            return await read(task)

        stand.cloud.task = broken  # type: ignore[method-assign]  # a bug that meets one order
        await stand.clock.advance(80)
        by_region = {RegionId(order.region): order.state for order in await stand.orders()}
        assert by_region == {BEIJING: S.ACCEPTED, SHANGHAI: S.READY}


async def test_an_order_whose_add_was_reported_as_failed_is_found_on_disk_and_withdrawn() -> None:
    async with running() as stand:
        write = stand.ledger.add
        once = iter([True])

        async def lying(order: Order, limits: Sequence[SpendingLimit] = ()) -> None:
            await write(order, limits)
            if next(once, False):
                raise LedgerUnusable("the disk reports an error after the commit")

        stand.ledger.add = lying  # type: ignore[method-assign]  # a disk that lies
        await stand.buy(2)
        assert stand.executor.open_orders() == ()
        await stand.buy(2)  # meets it, and is refused
        await stand.buy(2)
        await stand.clock.advance(90)
        first, second = await stand.orders()
        assert (first.state, first.reason) == (S.FAILED, Reason.DECISION_WITHDRAWN)
        assert second.state is S.READY
        assert stand.books.sold(BEIJING) == 2


async def test_a_step_to_sending_that_was_reported_as_failed_sends_nothing_and_becomes_a_doubt() -> None:
    async with running() as stand:
        write = stand.ledger.replace
        once = iter([True])

        async def lying(before: Order, after: Order, at: float) -> None:
            await write(before, after, at)
            if after.state is S.SUBMITTING and next(once, False):
                raise LedgerUnusable("the disk reports an error after the commit")

        stand.ledger.replace = lying  # type: ignore[method-assign]  # a disk that lies
        await stand.buy(2)
        await stand.clock.advance(35)
        assert (await stand.only_order()).state is S.IN_DOUBT
        assert stand.cloud.calls == 0
        await stand.clock.advance(150)
        assert (await stand.only_order()).reason is Reason.EXPIRED_UNSENT
        assert stand.books.sold_total == 0
