"""Acts: carrying out what a human asked for. The ledger holds the request, its reason and what came of it.

The daemon looks for acts at every poll; without a daemon the command line carries them out by the same code.
"""

from collections.abc import Callable, Sequence

from autoscaler.executor.book import OrderBook
from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.errors import LedgerError, LedgerUnusable
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
        closed = act
        if act.done_at is None:
            outcome, region = await _carry_out(act, ledger, book)
            # Not before what it is about: the clock may have been set back.
            closed = await ledger.close_act(act.id, max(clock.now(), book.sums.newest(act.subject)), outcome)
            observer.notice(ActDone(closed))
            done.append(closed)
            regions += [region] if region else []
        if closed.kind is ActKind.RELEASE and closed.done_at is not None:
            book.sums.release(closed.subject, closed.done_at)  # also one whose closing was reported as failed before
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
        if await _is_done(order, act, ledger):
            book.take(order)
            after: Order | str = order
        else:
            after = await _resolve(order, act, book)
    except LedgerUnusable:
        raise  # the disk says nothing about the order: it is tried again at the next poll
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
    """The words of one act and of no other: a human may say the same twice about an order, and mean both."""
    return f"{act.by}: {act.reason} (act {act.id})"


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
