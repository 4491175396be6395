"""While it is undecided whether an order was bought, the region gets no other."""

import pytest

from autoscaler.model.decision import GuardStep
from autoscaler.model.order import UNSETTLED, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.unsettled import guard
from tests.unit.policy.builders import order, situation


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
