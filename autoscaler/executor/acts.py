"""Acts: carrying out what a human asked for. The ledger holds the request, its reason and what came of it.

The daemon looks for acts at every poll; without a daemon the command line carries them out by the same code.
"""

from collections.abc import Callable, Sequence

from autoscaler.executor.book import OrderBook
from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.errors import LedgerError
from autoscaler.model.events import ActDone
from autoscaler.model.names import OrderId, RegionId
from autoscaler.model.order import Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.ports import Clock, Ledger, Observer

_REASONS = {ActKind.RESOLVE_BOUGHT: Reason.RESOLVED_BOUGHT, ActKind.RESOLVE_NOT_BOUGHT: Reason.RESOLVED_NOT_BOUGHT}


async def carry_out_pending(
    ledger: Ledger, book: OrderBook, clock: Clock, observer: Observer
) -> tuple[Sequence[Act], Sequence[RegionId]]:
    """Carry out every act that waits, oldest first; gives them closed, and the regions that they are about.

    EVERYWHERE is no region, and not among them. Raises LedgerError.
    """
    done: list[Act] = []
    regions: list[RegionId] = []
    for act in await ledger.acts():
        if act.done_at is None:
            outcome, region = await _carry_out(act, ledger, book)
            closed = await ledger.close_act(act.id, clock.now(), outcome)
            if act.kind is ActKind.RELEASE:
                book.sums.release(act.subject, closed.done_at or clock.now())
            observer.notice(ActDone(closed))
            done.append(closed)
            regions += [region] if region else []
    return done, regions


async def carry_out_offline(
    ledger: Ledger, clock: Clock, observer: Observer, new_id: Callable[[], OrderId] | None = None
) -> Sequence[Act]:
    """As `carry_out_pending`, for a process that owns the ledger while no daemon runs. It can make no order."""

    def none() -> OrderId:
        raise LedgerError("no order is made here")

    book = OrderBook(ledger, clock, observer, new_id or none)
    await book.load()
    return (await carry_out_pending(ledger, book, clock, observer))[0]


async def _carry_out(act: Act, ledger: Ledger, book: OrderBook) -> tuple[str, RegionId | None]:
    """What came of an act, in words, and the region that it is about."""
    if act.kind is ActKind.RELEASE:
        where = "every region and the account" if act.subject == EVERYWHERE else act.subject
        return f"released {where}", None if act.subject == EVERYWHERE else RegionId(act.subject)
    try:
        order = await ledger.get(OrderId(act.subject))
        after = order if await _is_done(order, act, ledger) else await _resolve(order, act, book)
    except LedgerError as error:
        return f"refused: {error}", None
    if isinstance(after, str):
        return f"refused: {after}", order.region
    return f"order {after.id} is {after.state}: {after.reason}", order.region


async def _is_done(order: Order, act: Act, ledger: Ledger) -> bool:
    """Whether a process that died before it could close the act has moved the order already."""
    said = (_REASONS.get(act.kind), _detail(act))
    return said in [(event.reason, event.detail) for event in await ledger.history(order.id)]


def _detail(act: Act) -> str:
    return f"{act.by}: {act.reason}"


async def _resolve(order: Order, act: Act, book: OrderBook) -> Order | str:
    """The order, moved on by a human's word; a text says why it was not."""
    bought = act.kind is ActKind.RESOLVE_BOUGHT
    reason, detail = _REASONS[act.kind], _detail(act)
    if order.state is OrderState.IN_DOUBT and bought:
        receipt = order.receipt or Receipt(None, "")
        return await book.move(order, OrderState.ACCEPTED, reason, detail, receipt=receipt)
    if order.state is OrderState.OVERDUE and bought:
        return await book.move(order, OrderState.ABANDONED, reason, detail)
    if order.state in {OrderState.IN_DOUBT, OrderState.OVERDUE}:
        if order.instances:
            return f"{len(order.instances)} instances of order {order.id} are known: it was bought"
        return await book.move(order, OrderState.FAILED, reason, detail)
    return f"order {order.id} is {order.state}, which settles itself"
