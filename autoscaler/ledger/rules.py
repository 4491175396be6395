"""What every ledger refuses, whatever it is kept in: the shared half of the implementers of ports.Ledger.

Orders and acts come in, an exception or what is to be stored comes out. Pure: nothing is read or written here.
"""

from dataclasses import replace

from autoscaler.model.act import Act
from autoscaler.model.errors import BudgetExceeded, IllegalTransition, LedgerError, StaleOrder, UnsettledOrderExists
from autoscaler.model.names import Money
from autoscaler.model.order import TRANSITIONS, Order, OrderEvent, OrderState
from autoscaler.model.spending import SpendingLimit

_PURPOSE = ("id", "tick", "region", "operation", "nodes", "created_at", "term", "desired", "cost", "for_region")
"""What an order is for. A step that changes one of these would be another purchase under the same id.

Since `cost` is among them, and no step adds to the nodes bought, only a new order can use up a budget.
"""


def check_new(order: Order) -> None:
    """Refuse what is not a new order.

    Raises:
        IllegalTransition: the order is not PLANNED.
        LedgerError: it was written before (version above 0), is settled, buys less than one node, or costs
            less than nothing.
    """
    if order.state is not OrderState.PLANNED:
        raise IllegalTransition(order.id, "nothing", order.state)
    if order.version != 0:
        raise LedgerError(f"order {order.id} is not new: it has version {order.version}")
    if order.nodes < 1:
        raise LedgerError(f"order {order.id} is for {order.nodes} nodes; an order buys at least 1")
    if order.cost < 0:
        raise LedgerError(f"order {order.id} costs {amount(order.cost)}: it would give a budget back what it never had")
    _check_settled(order)


def check_alone(order: Order, other: Order | None) -> None:
    """Refuse a new order while `other`, of the same cluster and region, is unsettled.

    Raises:
        UnsettledOrderExists: there is such an order.
    """
    if other is not None:
        place = f"cluster {order.operation.cluster}, region {order.region}"
        raise UnsettledOrderExists(f"{place}: order {other.id} is unsettled already ({other.state})")


def check_limit(limit: SpendingLimit, spent: int, order: Order) -> None:
    """Refuse an order that costs more than is left of a limit, of which `spent` (hundredths) are used.

    Raises:
        BudgetExceeded: the text names the limit, what is spent, what the order costs and what is left.
    """
    if spent + order.cost > limit.most:
        raise BudgetExceeded(
            f"{limit.name}: {amount(spent)} of {amount(limit.most)} is spent; order {order.id} in {order.region} "
            f"costs {amount(order.cost)}, and {amount(max(0, limit.most - spent))} is left"
        )


def amount(money: Money | int) -> str:
    """An amount (hundredths) as people write it.

    >>> amount(12345), amount(7), amount(-250)
    ('123.45', '0.07', '-2.50')
    """
    return f"{'-' if money < 0 else ''}{abs(money) // 100}.{abs(money) % 100:02d}"


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


def check_filed(act: Act) -> None:
    """Refuse what is not a new act.

    Raises:
        LedgerError: it has an id, or was carried out.
    """
    if act.id != 0 or act.done_at is not None or act.outcome:
        raise LedgerError(f"act {act.id} is not new: the ledger gives the id, and nothing has come of it yet")


def closed_act(act: Act, at: float, outcome: str) -> Act:
    """The act, carried out or refused at `at` (Unix seconds).

    Raises:
        LedgerError: it was closed before.
    """
    if act.done_at is not None:
        raise LedgerError(f"act {act.id} was closed before: {act.outcome}")
    return replace(act, done_at=at, outcome=outcome)
