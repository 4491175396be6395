"""The cooldown counts from the moment the nodes became ready, and derives from the ledger."""

import pytest

from autoscaler.model.decision import GuardStep
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.cooldown import guard
from tests.unit.policy.builders import order, policy
from tests.unit.policy.situations import situation

SERVED = policy(cooldown=300)


@pytest.mark.parametrize("state", [OrderState.READY, OrderState.PARTIAL])
def test_new_nodes_get_time_to_take_load(state: OrderState) -> None:
    step = guard(situation(5, served=SERVED, orders=[order(state, settled_ago=100)]), 9)
    message = "nodes became ready 100 s ago; 200 s of cooldown left"
    assert step == GuardStep("cooldown", 9, 5, Reason.COOLDOWN_FROM_READY, message)


@pytest.mark.parametrize(("ago", "held"), [(299.5, True), (300, False), (301, False)])
def test_the_cooldown_ends_on_its_last_second(ago: float, held: bool) -> None:
    step = guard(situation(5, served=SERVED, orders=[order(OrderState.READY, settled_ago=ago)]), 9)
    assert (step is not None) is held


def test_the_latest_arrival_counts_whatever_the_order_of_the_list() -> None:
    old, new = order(OrderState.READY, settled_ago=5000), order(OrderState.READY, settled_ago=10)
    for orders in ([old, new], [new, old]):
        assert guard(situation(5, served=SERVED, orders=orders), 9) is not None


@pytest.mark.parametrize(
    "state", [state for state in OrderState if state not in {OrderState.READY, OrderState.PARTIAL}]
)
def test_an_order_that_brought_no_node_starts_no_cooldown(state: OrderState) -> None:
    one = order(state, settled_ago=1 if state.final else None)
    assert guard(situation(5, served=SERVED, orders=[one]), 9) is None


def test_a_cooldown_stops_nothing_when_nothing_was_to_be_bought() -> None:
    assert guard(situation(5, served=SERVED, orders=[order(OrderState.READY, settled_ago=1)]), 5) is None
