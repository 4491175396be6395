"""After an order that was taken and brought no ready node the region waits, longer each time."""

import pytest

from autoscaler.model.decision import GuardStep, Tally
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.breaker import guard, in_vain
from tests.unit.policy.builders import TOLD, capacity, ids, order, policy
from tests.unit.policy.situations import situation

SERVED = policy(scale_up={"breakerSeconds": 1800})


def taken(ago: float, state: OrderState = OrderState.FAILED, reason: Reason = Reason.TASK_FAILED) -> Order:
    """An order that the API took, settled `ago` seconds ago."""
    return order(state, id=f"order-{ago:.0f}", settled_ago=ago, reason=reason, receipt=TOLD)


@pytest.mark.parametrize(
    ("state", "ready", "held"),
    [
        (OrderState.OVERDUE, 0, True),
        (OrderState.OVERDUE, 1, False),
        (OrderState.ACCEPTED, 0, False),
    ],
)
def test_an_overdue_order_without_a_ready_node_takes_no_other_beside_it(
    state: OrderState, ready: int, held: bool
) -> None:
    one = order(state, 2, instances=[*sorted(ids("ready", 1))[:ready], *ids("lost", 1)])
    step = guard(situation(5, served=SERVED, capacity_=capacity(3), orders=[one]), 9)
    assert (step is not None) is held
    if step is not None:
        message = (
            "order order-1 for 2 nodes is overdue and none of them is ready; if they do not come: "
            "autoscaler orders resolve order-1 --as bought|not-bought --reason ..."
        )
        assert step == GuardStep("breaker", 9, 5, Reason.BREAKER_OPEN, message)


@pytest.mark.parametrize(("ago", "held"), [(0, True), (1799.5, True), (1800, False)])
def test_after_an_order_in_vain_the_breaker_is_open_for_its_time(ago: float, held: bool) -> None:
    step = guard(situation(3, served=SERVED, orders=[taken(ago)]), 5)
    assert (step is not None) is held


def test_what_a_human_closed_does_not_open_the_breaker() -> None:
    assert guard(situation(3, served=SERVED, orders=[taken(0, OrderState.ABANDONED)]), 5) is None


def test_the_step_tells_the_order_and_the_wait() -> None:
    step = guard(situation(3, served=SERVED, orders=[taken(300), taken(4000)]), 5)
    message = "order order-300 was taken and is failed (TaskFailed), 2 in a row; 3300 s left"
    assert step == GuardStep("breaker", 5, 3, Reason.BREAKER_OPEN, message)


@pytest.mark.parametrize(
    ("earlier", "wait"),
    [
        ([], 1800),
        ([2000], 3600),
        ([2000, 3000, 4000], 14_400),
        ([1000 * n for n in range(2, 12)], 86_400),
        ([86_000], 3600),
        ([90_000], 3600),
    ],
)
def test_the_wait_doubles_with_each_order_in_vain_in_a_row_up_to_a_day(earlier: list[float], wait: float) -> None:
    orders = [taken(10), *(taken(ago) for ago in earlier)]
    step = guard(situation(3, served=SERVED, orders=orders), 5)
    assert step is not None
    assert step.message.endswith(f"{wait - 10:.0f} s left")


@pytest.mark.parametrize(("in_vain", "wait"), [(1, 1800), (6, 57_600), (9, 86_400), (90, 86_400)])
def test_the_ledger_counts_the_row_also_beyond_what_is_remembered(in_vain: int, wait: float) -> None:
    """The wait of a day outlasts the memory of orders; it must not begin anew for that."""
    step = guard(situation(3, served=SERVED, orders=[taken(10)], tally=Tally(in_vain=in_vain)), 5)
    assert step is not None
    assert step.message.endswith(f"{wait - 10:.0f} s left")


def test_a_release_closes_the_breaker() -> None:
    assert guard(situation(3, served=SERVED, orders=[taken(10)], tally=Tally(in_vain=0)), 5) is None


@pytest.mark.parametrize("state", [OrderState.READY, OrderState.PARTIAL])
def test_an_order_that_brought_nodes_closes_the_breaker(state: OrderState) -> None:
    assert in_vain([taken(10, state), taken(20), taken(30)]) == []
    assert [one.id for one in in_vain([taken(10), taken(20, state), taken(30)])] == ["order-10"]


@pytest.mark.parametrize("reason", [Reason.OUT_OF_STOCK, Reason.RESOLVED_NOT_BOUGHT])
def test_an_order_that_sold_nothing_neither_opens_nor_closes_the_breaker(reason: Reason) -> None:
    assert in_vain([taken(10, reason=reason)]) == []
    assert [one.id for one in in_vain([taken(10, reason=reason), taken(20)])] == ["order-20"]


def test_a_plain_refusal_is_the_backoffs_business() -> None:
    assert in_vain([order(OrderState.FAILED, settled_ago=1, reason=Reason.REJECTED)]) == []


def test_an_open_breaker_stops_nothing_when_nothing_was_to_be_bought() -> None:
    assert guard(situation(3, served=SERVED, orders=[taken(1)]), 3) is None
