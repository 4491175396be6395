"""Unsettled order: while it is undecided whether an order was bought, the region gets no other."""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold while an order is planned, submitting or in doubt."""
    order = next((order for order in situation.facts.orders if order.state.unsettled), None)
    if order is None:
        return None
    message = f"order {order.id} for {order.nodes} nodes is {order.state}"
    return situation.hold("unsettled", desired, Reason.ORDER_UNSETTLED, message)
