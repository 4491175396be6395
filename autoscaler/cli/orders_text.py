"""Orders as people read them: a table of many, or the whole story of one.

Orders and the present time come in, text goes to a stream. On a terminal it fits the window, and is as wide as it needs
to be anywhere else. What came from an API is shown as plain text: it can not change the terminal.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TextIO

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from autoscaler.model.act import Act
from autoscaler.model.names import Money
from autoscaler.model.order import Order, OrderEvent, OrderState

_STYLES = {
    OrderState.READY: "green",
    OrderState.ACCEPTED: "cyan",
    OrderState.FAILED: "red",
    OrderState.IN_DOUBT: "bold red",
    OrderState.ABANDONED: "red",
    OrderState.OVERDUE: "yellow",
    OrderState.PARTIAL: "yellow",
}
_NUMBERS = frozenset({"nodes", "age", "cost"})
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def orders_table(orders: Sequence[Order], now: float, stream: TextIO) -> None:
    """One line per order. `now` is Unix seconds."""
    table = _table("id", "region", "type", "nodes", "state", "reason", "age", "cost", "detail")
    for order in orders:
        table.add_row(
            order.id,
            _text(_place(order)),
            _text(order.operation.worker_instance_type),
            str(order.nodes),
            Text(order.state, style=_STYLES.get(order.state, "")),
            order.reason,
            age(now - order.created_at),
            money(order.cost),
            _text(order.detail),
        )
    _print(table, stream)


def history(order: Order, events: Sequence[OrderEvent], acts: Sequence[Act], now: float, stream: TextIO) -> None:
    """The order, every step of its history, and what humans said about it."""
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    for name, value in _facts(order, now):
        facts.add_row(name, _text(value))
    _print(facts, stream)
    steps = _table("at", "before", "after", "reason", "request id", "detail")
    for event in events:
        before = event.before or ""
        steps.add_row(
            when(event.at), before, event.after, event.reason, _text(event.request_id or "-"), _text(event.detail)
        )
    _print(steps, stream)
    if acts:
        told = _table("at", "act", "by", "reason", "outcome")
        for act in acts:
            outcome = "waits for the daemon" if act.done_at is None else act.outcome
            told.add_row(when(act.at), act.kind, _text(act.by), _text(act.reason), _text(outcome))
        _print(told, stream)


def age(seconds: float) -> str:
    """A length of time in its two largest units.

    >>> age(7.9), age(605.0), age(93_784.0), age(-3.0)
    ('7s', '10m5s', '1d2h', '0s')
    """
    total = max(0, int(seconds))
    for (size, unit), (smaller, small_unit) in pairwise(_UNITS):
        if total >= size:
            rest = total % size // smaller
            return f"{total // size}{unit}" + (f"{rest}{small_unit}" if rest else "")
    return f"{total}s"


def when(at: float) -> str:
    """Unix seconds as date and time in UTC.

    >>> when(1_700_000_000.25)
    '2023-11-14 22:13:20Z'
    """
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z"


def money(amount: Money) -> str:
    """Units of the currency. A price is never 0: no cost is one that nobody told.

    >>> money(Money(123_450)), money(Money(0))
    ('1234.50', '-')
    """
    return f"{amount / 100:.2f}" if amount else "-"


def _facts(order: Order, now: float) -> Sequence[tuple[str, str]]:
    operation, receipt = order.operation, order.receipt
    pool = f", pool {operation.pool}" if operation.pool else ""
    stock = () if order.in_stock is None else (("in stock", f"{order.in_stock} when it was turned down"),)
    sent = "not sent" if order.submitted_at is None else f"{when(order.submitted_at)}, attempt {order.attempt}"
    return (
        ("order", order.id),
        ("state", f"{order.state}: {order.reason}" + (f": {order.detail}" if order.detail else "")),
        ("region", _place(order)),
        ("cluster", f"{order.cluster}{pool}"),
        ("operation", f"{operation.name}, {operation.worker_instance_type}, template {operation.template}"),
        ("nodes", f"{order.nodes}, cost {money(order.cost)}"),
        *stock,
        ("made", f"{when(order.created_at)} ({age(now - order.created_at)} ago), tick {order.tick}"),
        ("sent", sent),
        ("deadline", when(order.deadline)),
        ("task", (receipt.task if receipt else None) or "-"),
        ("request id", (receipt.request_id if receipt else "") or "-"),
        ("instances", ", ".join(sorted(order.instances)) or "-"),
    )


def _place(order: Order) -> str:
    return order.region if order.for_region is None else f"{order.region} for {order.for_region}"


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in names:
        right = name in _NUMBERS
        table.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=name in {"id", "at"})
    return table


def _text(value: str) -> Text:
    """Text without markup or control characters."""
    return Text("".join(one if one.isprintable() else " " for one in value))


def _print(table: Table, stream: TextIO) -> None:
    console = Console(file=stream, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        widest = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
        console = Console(file=stream, highlight=False, width=widest)
    console.print(table)
