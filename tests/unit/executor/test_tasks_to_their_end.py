"""Tasks to their end, whatever it is: an order is settled by what is seen, and is not forgotten while it may bring."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from autoscaler.model.capacity import Task, TaskState
from autoscaler.model.errors import NotFound
from autoscaler.model.names import TaskId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from tests.unit.executor.stand import BEIJING, Stand, running, scenario

S = OrderState
Shown = Callable[[Task], Task]


def show(stand: Stand, change: Shown) -> None:
    """Let the API show every task changed."""
    real = stand.cloud.task

    async def task(task: TaskId) -> Task:
        return change(await real(task))

    stand.cloud.task = task  # type: ignore[method-assign]  # what the API says of a task


def forget(stand: Stand) -> None:
    """Let the API know no task any more."""

    async def task(task: TaskId) -> Task:
        raise NotFound("DescribeTaskInfo", "ErrorTaskNotFound", task, status=404)

    stand.cloud.task = task  # type: ignore[method-assign]  # a task that vanished


async def notes(stand: Stand, order: Order) -> list[str]:
    return [line.detail for line in await stand.ledger.history(order.id) if line.reason is Reason.TASK_STALLED]


async def ordered(stand: Stand, after: float, nodes: int = 2) -> Order:
    await stand.buy(nodes)
    await stand.clock.advance(after)
    return await stand.only_order()


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.CANCELED])
async def test_a_task_that_ends_without_making_anything_fails_its_order_once_its_nodes_had_time(
    state: TaskState,
) -> None:
    async with running(scenario(stock_answer="fail_task", regions=_no_stock())) as stand:
        show(stand, lambda task: replace(task, state=state if task.state.ended else task.state, error_code="Broken"))
        assert (await ordered(stand, 60)).state is S.ACCEPTED
        await stand.clock.advance(stand.settings.settle_after)
        order = await stand.only_order()
        assert (order.state, order.reason, order.bought) == (S.FAILED, Reason.TASK_FAILED, 0)
        assert "Broken" in order.detail


def _no_stock() -> list[dict[str, object]]:
    return [{"region": BEIJING, "initial_nodes": 1, "stock": 0}]


@pytest.mark.parametrize("state", [TaskState.PAUSED, TaskState.UNKNOWN, TaskState.RUNNING])
async def test_a_task_that_does_not_go_on_is_watched_until_the_deadline_and_then_overdue(state: TaskState) -> None:
    async with running(scenario(join_seconds=1e7, task_seconds=1e7)) as stand:
        show(stand, lambda task: replace(task, state=state, results={}))
        order = await ordered(stand, 300)
        assert order.state is S.ACCEPTED
        told = await notes(stand, order)
        assert len(told) == (0 if state is TaskState.RUNNING else 1)
        await stand.clock.advance(stand.settings.node_deadline)
        late = await stand.only_order()
        assert (late.state, late.reason) == (S.OVERDUE, Reason.PAST_DEADLINE)
        assert late.outstanding(frozenset()) == 2
        assert len(await notes(stand, order)) == len(told)


async def test_a_paused_task_that_goes_on_brings_its_order_to_ready() -> None:
    async with running() as stand:
        paused = [True]
        show(stand, lambda task: replace(task, state=TaskState.PAUSED, results={}) if paused[0] else task)
        assert (await ordered(stand, 100)).state is S.ACCEPTED
        paused[0] = False
        await stand.clock.advance(20)
        assert (await stand.only_order()).state is S.READY


async def test_a_task_that_vanished_leaves_its_nodes_to_be_found_by_their_instances() -> None:
    async with running() as stand:
        forget(stand)
        order = await ordered(stand, 60)
        assert order.state is S.ACCEPTED
        assert "does not know the order's task any more" in order.detail
        await stand.clock.advance(stand.settings.settle_after)
        assert (await stand.only_order()).state is S.READY


async def test_a_task_that_vanished_and_made_nothing_is_overdue_and_not_forgotten() -> None:
    async with running(scenario(stock_answer="fail_task", regions=_no_stock())) as stand:
        forget(stand)
        await ordered(stand, stand.settings.node_deadline + 30)
        order = await stand.only_order()
        assert (order.state, order.outstanding(frozenset())) == (S.OVERDUE, 2)


async def test_nodes_that_come_after_the_deadline_are_taken() -> None:
    async with running(scenario(join_seconds=900.0)) as stand:
        order = await ordered(stand, stand.settings.node_deadline + 30)
        assert order.state is S.OVERDUE
        await stand.clock.advance(400)
        late = await stand.only_order()
        assert (late.state, late.reason) == (S.READY, Reason.NODES_READY)


def _half_failed(task: Task) -> Task:
    names = sorted(task.results)
    failed = frozenset(names[: len(names) // 2])
    if not task.state.ended:
        return task
    return replace(task, results={name: "failed" if name in failed else "success" for name in names})


async def test_a_task_that_made_some_of_its_nodes_makes_the_order_partial() -> None:
    async with running() as stand:
        show(stand, _half_failed)
        nodes = stand.cloud.nodes

        async def without_failed(cluster):  # type: ignore[no-untyped-def]  # the failed ones never become nodes
            (order,) = await stand.orders()
            bad = set(sorted(order.instances)[:1])
            return [node for node in await nodes(cluster) if node.instance not in bad]

        await stand.buy(2)
        stand.cloud.nodes = without_failed  # type: ignore[method-assign]
        await stand.clock.advance(70)
        order = await stand.only_order()
        assert (order.state, order.reason) == (S.PARTIAL, Reason.SOME_NODES_FAILED)
        assert order.bought == 2, "a node that failed is paid all the same"
        assert order.failed_joins == 1, "and counts for the latch"


async def test_a_task_that_made_fewer_nodes_than_ordered_is_partial_after_the_settle_time() -> None:
    async with running() as stand:

        def fewer(task: Task) -> Task:
            kept = dict(list(task.results.items())[:1])
            return replace(task, results=kept)

        show(stand, fewer)
        real = stand.cloud.instances

        async def hidden(regions):  # type: ignore[no-untyped-def]  # and ENS lists only that one, too
            rows = await real(regions)
            return rows[: 2 if BEIJING in regions else None]

        stand.cloud.instances = hidden  # type: ignore[method-assign]
        order = await ordered(stand, 80)
        assert order.state is S.ACCEPTED
        await stand.clock.advance(stand.settings.settle_after)
        order = await stand.only_order()
        assert (order.state, order.bought, order.failed_joins) == (S.PARTIAL, 1, 0)
