"""What the SQLite ledger does inside one transaction, from the first check to the last row.

A connection with a transaction under way comes in, rows are read and written. Beginning, committing and taking back
are the caller's; an exception from here means that nothing of it may stay.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from autoscaler.ledger import statements
from autoscaler.ledger.codec import decode_act, decode_order, encode_act, encode_event, encode_order
from autoscaler.ledger.rules import (
    check_alone,
    check_filed,
    check_limit,
    check_new,
    check_step,
    closed_act,
    event_of,
)
from autoscaler.model.act import Act
from autoscaler.model.errors import LedgerError, UnknownOrder
from autoscaler.model.names import OrderId
from autoscaler.model.order import Order
from autoscaler.model.spending import SpendingLimit

PRUNE_BATCH = 500
"""Orders that one transaction forgets: few enough that an order to be written waits for milliseconds."""

_T = TypeVar("_T")


class NotUnderstoodError(Exception):
    """A row that no version of this program has written."""


def understood(decode: Callable[[sqlite3.Row], _T], row: sqlite3.Row) -> _T:
    """What a row holds; raises NotUnderstoodError."""
    try:
        return decode(row)
    except (LookupError, TypeError, ValueError) as error:
        raise NotUnderstoodError(repr(error)) from error


def stored_order(connection: sqlite3.Connection, order: OrderId) -> Order:
    """Raises UnknownOrder."""
    row = connection.execute(statements.ORDER, (order,)).fetchone()
    if row is None:
        raise UnknownOrder(f"no order {order} in the ledger")
    return understood(decode_order, row)


def add(connection: sqlite3.Connection, order: Order, limits: Iterable[SpendingLimit]) -> None:
    """See ports.Ledger.add."""
    check_new(order)
    if connection.execute(statements.ORDER, (order.id,)).fetchone() is not None:
        raise LedgerError(f"order {order.id} is in the ledger already")
    row = connection.execute(statements.UNSETTLED, (order.cluster, order.region)).fetchone()
    check_alone(order, None if row is None else understood(decode_order, row))
    for limit in limits:
        if limit.covers(order.region):
            check_limit(limit, _spent(connection, limit), order)
    connection.execute(statements.INSERT_ORDER, encode_order(order))
    connection.execute(statements.INSERT_EVENT, encode_event(event_of(None, order, order.created_at)))


def replace(connection: sqlite3.Connection, before: Order, after: Order, at: float) -> None:
    """See ports.Ledger.replace."""
    check_step(stored_order(connection, before.id), before, after)
    connection.execute(statements.UPDATE_ORDER, encode_order(after))
    connection.execute(statements.INSERT_EVENT, encode_event(event_of(before.state, after, at)))


def file(connection: sqlite3.Connection, act: Act) -> Act:
    """See ports.Ledger.file."""
    check_filed(act)
    number = connection.execute(statements.INSERT_ACT, encode_act(act)).lastrowid or 0
    return _stored_act(connection, number)


def close_act(connection: sqlite3.Connection, act: int, at: float, outcome: str) -> Act:
    """See ports.Ledger.close_act."""
    connection.execute(statements.CLOSE_ACT, encode_act(closed_act(_stored_act(connection, act), at, outcome)))
    return _stored_act(connection, act)


def prune(connection: sqlite3.Connection, before: float) -> int:
    """Forget the longest settled PRUNE_BATCH of the orders settled before then; gives how many, 0 when none is left.

    A trigger of the file adds their nodes to `pruned_nodes`.
    """
    rows = connection.execute(statements.PRUNABLE, (before, PRUNE_BATCH)).fetchall()
    if rows:
        ids: Sequence[tuple[str]] = [(row["id"],) for row in rows]
        connection.execute(statements.BEGIN_PRUNING, (before,))
        connection.executemany(statements.PRUNE_EVENTS, ids)
        connection.executemany(statements.PRUNE_ORDER, ids)
        connection.execute(statements.END_PRUNING)
    return len(rows)


def _spent(connection: sqlite3.Connection, limit: SpendingLimit) -> int:
    if limit.regions is None:
        row = connection.execute(statements.SPENT, (limit.since,)).fetchone()
    else:
        row = connection.execute(statements.SPENT_IN, (limit.since, json.dumps(sorted(limit.regions)))).fetchone()
    spent: int = row[0]
    return spent


def _stored_act(connection: sqlite3.Connection, act: int) -> Act:
    row = connection.execute(statements.ACT, (act,)).fetchone()
    if row is None:
        raise LedgerError(f"no act {act} in the ledger")
    return understood(decode_act, row)
