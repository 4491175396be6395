"""Unsettled order: while it is undecided whether an order was bought, the region gets no other.

The same holds while the API does not tell what an order made, since a second one could not be told from it; and beside
a total count, which means something else when the pool changes meanwhile.
"""

from autoscaler.model.decision import GuardStep
from autoscaler.model.operation import Count
from autoscaler.model.order import Order
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold while such an order is there."""
    orders = situation.facts.orders
    for stops in (_undecided, _untold):
        order = next((order for order in orders if stops(order)), None)
        if order is not None:
            return situation.hold("unsettled", desired, Reason.ORDER_UNSETTLED, stops(order))
    order = next((order for order in orders if not order.state.final), None)
    offer = situation.pick.offer
    if order is None or (Count.TOTAL not in {order.operation.count, offer and offer.operation.count}):
        return None
    message = f"order {order.id} for {order.nodes} nodes is {order.state}, and a total count takes one order at a time"
    return situation.hold("unsettled", desired, Reason.ORDER_UNSETTLED, message)


def _undecided(order: Order) -> str:
    return f"order {order.id} for {order.nodes} nodes is {order.state}" if order.state.unsettled else ""


def _untold(order: Order) -> str:
    if not order.untold:
        return ""
    return f"order {order.id} for {order.nodes} nodes is {order.state}, and the API does not tell yet what it made"
