"""`autoscaler orders`: what was ordered, why, and a human's word on an order that does not settle by itself.

The ledger of a configuration comes in; a table or JSON goes out, and for `resolve` an act into the ledger. Looking
needs no daemon and disturbs none. Exit codes: 0 done, 1 refused or failed, 2 usage.
"""

import asyncio
import sys
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path

import click

from autoscaler.cli.ledger import (
    EVERY,
    REASON_OPTION,
    WAIT_OPTION,
    carried_out,
    ledger_path,
    new_act,
    opened,
    own_settings,
    refusals_are_lines,
    require_region,
    same_pending,
    tell,
)
from autoscaler.cli.orders_text import history, orders_table, when
from autoscaler.cli.run import CONFIG_OPTION
from autoscaler.clock import SystemClock
from autoscaler.ledger.file import Access
from autoscaler.model.act import Act, ActKind
from autoscaler.model.errors import LedgerError, UnknownOrder
from autoscaler.model.names import OrderId
from autoscaler.model.order import Order, OrderEvent, OrderState
from autoscaler.ports import Ledger
from autoscaler.settings.shape import Settings
from autoscaler.web.status import order_document, strict_json

_RESOLVABLE = frozenset({OrderState.IN_DOUBT, OrderState.OVERDUE})
_KINDS = {"bought": ActKind.RESOLVE_BOUGHT, "not-bought": ActKind.RESOLVE_NOT_BOUGHT}
_ANOTHER_CONFIG = click.option(
    "--config", "another", type=click.Path(path_type=Path), help="The configuration file, as for `autoscaler orders`."
)
OUTPUT_OPTION = click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A table for people, or JSON for scripts.",
)


@click.group("orders", invoke_without_command=True)
@CONFIG_OPTION
@click.option(
    "--state",
    "states",
    type=click.Choice([state.value for state in OrderState]),
    multiple=True,
    help="Only orders in this state; may be repeated.",
)
@click.option("--region", help="Only orders in, or for, this ENS region.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest N of them.")
@OUTPUT_OPTION
@click.pass_context
def command(
    context: click.Context, path: Path, states: tuple[str, ...], region: str | None, limit: int, output: str
) -> None:
    """List the orders of the ledger, newest first."""
    context.obj = path
    if context.invoked_subcommand is not None:
        return
    with refusals_are_lines():
        orders = asyncio.run(_listed(own_settings(path), frozenset(states), region, limit))
    if output == "json":
        click.echo(strict_json([order_document(order) for order in orders]))
    elif orders:
        orders_table(orders, SystemClock().now(), sys.stdout)
    else:
        click.echo("no orders")


@command.command("show")
@click.argument("order")
@OUTPUT_OPTION
@_ANOTHER_CONFIG
@click.pass_obj
def show(path: Path, order: str, output: str, another: Path | None) -> None:
    """Show an order with its whole history: every step, its reason and the API's request id."""
    with refusals_are_lines():
        found, events, acts = asyncio.run(_whole(ledger_path(another or path), OrderId(order)))
    if output == "json":
        document = order_document(found)
        document |= {"history": [_event(event) for event in events], "acts": [_act(act) for act in acts]}
        click.echo(strict_json(document))
    else:
        history(found, events, acts, SystemClock().now(), sys.stdout)


@command.command("resolve")
@click.argument("order")
@click.option("--as", "verdict", type=click.Choice(list(_KINDS)), required=True, help="What you found in the console.")
@REASON_OPTION
@WAIT_OPTION
@_ANOTHER_CONFIG
@click.pass_obj
def resolve(path: Path, order: str, verdict: str, reason: str, wait: float, another: Path | None) -> None:
    """Say whether an order was bought that is in doubt or overdue.

    "not-bought" lets the region order again: say it only when the console shows neither the instances nor the task.
    """
    with refusals_are_lines():
        act = asyncio.run(_resolved(ledger_path(another or path), OrderId(order), _KINDS[verdict], reason, wait))
        tell(act)


async def _listed(settings: Settings, states: Collection[str], region: str | None, limit: int) -> Sequence[Order]:
    async with opened(settings.ledger.path, Access.READER) as ledger:
        orders = await ledger.all(EVERY if states or region is not None else limit)
        if region is not None:
            orders = [order for order in orders if region in {order.region, order.for_region}]
            if not orders:
                await require_region(region, settings, ledger)
    return [order for order in orders if not states or order.state in states][:limit]


async def _whole(path: Path, order: OrderId) -> tuple[Order, Sequence[OrderEvent], Sequence[Act]]:
    async with opened(path, Access.READER) as ledger:
        found = await _found(ledger, order)
        acts = [act for act in await ledger.acts() if act.subject == order]
        return found, await ledger.history(order), acts


async def _resolved(path: Path, order: OrderId, kind: ActKind, reason: str, wait: float) -> Act:
    clock = SystemClock()
    act = new_act(kind, order, reason, clock.now())
    async with opened(path, Access.READER) as ledger:
        found = await _found(ledger, order)
        if found.state not in _RESOLVABLE:
            raise LedgerError(f"order {order} is {found.state}: {_needs_none(found)}")
        same_pending(await ledger.acts(), act)
    return await carried_out(path, act, wait, clock)


async def _found(ledger: Ledger, order: OrderId) -> Order:
    try:
        return await ledger.get(order)
    except UnknownOrder:
        known = [one.id for one in await ledger.all(EVERY)]
        near = [one for one in known if order and one.endswith(order)] or get_close_matches(order, known, n=3)
        hint = f"; did you mean {' or '.join(near[:3])}?" if near else f"; the ledger has {len(known)} orders"
        raise UnknownOrder(f"no order {order!r} in the ledger{hint}") from None


def _needs_none(order: Order) -> str:
    """Why an order in such a state is not for a human to resolve."""
    match order.state:
        case OrderState.PLANNED:
            return "it has not been sent, so nothing was bought; it is sent, or dropped, by itself"
        case OrderState.SUBMITTING:
            return "its call is under way; it is in doubt, and can be resolved, when no answer has come"
        case OrderState.ACCEPTED:
            return f"it was bought and its nodes are on their way; it is overdue from {when(order.deadline)} on"
        case _:
            settled = when(order.settled_at) if order.settled_at is not None else "an unknown time"
            return f"it is settled since {settled} and never changes ({order.reason})"


def _event(event: OrderEvent) -> dict[str, object]:
    return {
        "at": event.at,
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "detail": event.detail,
        "request_id": event.request_id,
    }


def _act(act: Act) -> dict[str, object]:
    return {
        "id": act.id,
        "at": act.at,
        "kind": act.kind,
        "by": act.by,
        "reason": act.reason,
        "done_at": act.done_at,
        "outcome": act.outcome,
    }
