"""What every ledger refuses, whatever it is kept in: the shared half of the implementers of ports.Ledger.

Orders come in, an exception or an OrderEvent comes out. Pure: nothing is read or written here.
"""

from autoscaler.model.errors import IllegalTransition, LedgerError, StaleOrder
from autoscaler.model.order import TRANSITIONS, Order, OrderEvent, OrderState

_PURPOSE = ("id", "tick", "region", "operation", "nodes", "created_at", "term")
"""What an order is for. A step that changes one of these would be another purchase under the same id."""


def check_new(order: Order) -> None:
    """Refuse what is not a new order.

    Raises:
        IllegalTransition: the order is not PLANNED.
        LedgerError: it was written before (version above 0), is settled, or buys less than one node.
    """
    if order.state is not OrderState.PLANNED:
        raise IllegalTransition(order.id, "nothing", order.state)
    if order.version != 0:
        raise LedgerError(f"order {order.id} is not new: it has version {order.version}")
    if order.nodes < 1:
        raise LedgerError(f"order {order.id} is for {order.nodes} nodes; an order buys at least 1")
    _check_settled(order)


def check_step(stored: Order, before: Order, after: Order) -> None:
    """Refuse a step from `before` to `after` that the `stored` order must not take.

    Raises:
        StaleOrder: `before` is not what is stored, or `after` is not one version later.
        IllegalTransition: the state machine has no such step.
        LedgerError: the step would change what the order is for, or misstate whether it is settled.
    """
    if (stored.version, stored.state) != (before.version, before.state):
        raise StaleOrder(
            f"order {stored.id} is {stored.state}, version {stored.version}, and no longer "
            f"{before.state}, version {before.version}"
        )
    if after.version != stored.version + 1:
        raise StaleOrder(f"order {stored.id} has version {stored.version}; {after.version} can not follow it")
    stays = after.state is stored.state and not stored.state.final
    if not stays and after.state not in TRANSITIONS[stored.state]:
        raise IllegalTransition(stored.id, stored.state, after.state)
    changed = [name for name in _PURPOSE if getattr(stored, name) != getattr(after, name)]
    if changed:
        raise LedgerError(f"order {stored.id}: a step must not change {', '.join(changed)}")
    _check_settled(after)


def _check_settled(order: Order) -> None:
    """A final order without its time would be in neither `open` nor `settled_since`: no timer would see it."""
    if order.state.final != (order.settled_at is not None):
        raise LedgerError(f"order {order.id} is {order.state} with settled_at {order.settled_at}")


def event_of(before: OrderState | None, after: Order, at: float) -> OrderEvent:
    """The line of history for one write; `at` is Unix seconds, `before` is None for a new order."""
    request_id = after.receipt.request_id if after.receipt else ""
    return OrderEvent(after.id, at, before, after.state, after.reason, after.detail, request_id)
