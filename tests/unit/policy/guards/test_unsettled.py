"""While it is undecided whether an order was bought, the region gets no other."""

import pytest

from autoscaler.model.decision import GuardStep
from autoscaler.model.operation import Offer, Operation
from autoscaler.model.order import UNSETTLED, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.unsettled import guard
from tests.unit.policy.builders import TOLD, ids, offer, order, pool_operation
from tests.unit.policy.situations import situation


@pytest.mark.parametrize("state", list(OrderState))
def test_exactly_the_undecided_orders_stop_a_further_one(state: OrderState) -> None:
    step = guard(situation(5, orders=[order(state, 2)]), 9)
    if state in UNSETTLED:
        message = f"order order-1 for 2 nodes is {state}"
        assert step == GuardStep("unsettled", 9, 5, Reason.ORDER_UNSETTLED, message)
    else:
        assert step is None


def test_the_undecided_order_is_found_behind_others() -> None:
    orders = [order(OrderState.ACCEPTED, id="one"), order(OrderState.IN_DOUBT, id="two")]
    step = guard(situation(5, orders=orders), 9)
    assert step is not None
    assert step.message == "order two for 2 nodes is in_doubt"


def test_an_undecided_order_stops_nothing_when_nothing_was_to_be_bought() -> None:
    assert guard(situation(5, orders=[order()]), 5) is None


UNTOLD = Receipt(None, "request-1")


@pytest.mark.parametrize("state", [OrderState.ACCEPTED, OrderState.OVERDUE])
@pytest.mark.parametrize(
    ("receipt", "known", "held"), [(UNTOLD, 0, True), (UNTOLD, 1, True), (UNTOLD, 2, False), (TOLD, 0, False)]
)
def test_an_order_whose_nodes_can_not_be_told_takes_no_other_beside_it(
    state: OrderState, receipt: Receipt, known: int, held: bool
) -> None:
    one = order(state, 2, receipt=receipt, instances=ids("new", known))
    step = guard(situation(5, orders=[one]), 9)
    assert (step is not None) is held
    if step is not None:
        message = f"order order-1 for 2 nodes is {state}, and the API does not tell yet what it made"
        assert step == GuardStep("unsettled", 9, 5, Reason.ORDER_UNSETTLED, message)


@pytest.mark.parametrize("state", list(OrderState))
@pytest.mark.parametrize(
    ("ordered", "offered"),
    [
        (pool_operation(total=True), Offer(pool_operation(total=True))),
        (pool_operation(), Offer(pool_operation(total=True))),
        (pool_operation(total=True), offer()),
    ],
)
def test_a_total_count_takes_one_order_at_a_time(state: OrderState, ordered: Operation, offered: Offer) -> None:
    one = order(state, 2, by=ordered)
    assert (guard(situation(5, orders=[one], offers=[offered]), 9) is not None) is not state.final


def test_increments_do_not_wait_for_each_other() -> None:
    one = order(OrderState.ACCEPTED, 2, by=pool_operation())
    assert guard(situation(5, orders=[one], offers=[Offer(pool_operation())]), 9) is None
