"""Intake: from order intents to durable orders. The cost is known and reserved before there is an order."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from autoscaler.executor.book import OrderBook
from autoscaler.executor.prices import Prices
from autoscaler.model.errors import BudgetExceeded, LedgerError, LedgerUnusable
from autoscaler.model.events import OrderRefused
from autoscaler.model.names import Money, OrderId, RegionId
from autoscaler.model.order import Order, OrderIntent, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from autoscaler.ports import Clock, Observer
from autoscaler.settings.sections import ExecutorSettings

Limits = Callable[[RegionId, float], Sequence[SpendingLimit]]
_log = logging.getLogger(__name__)


class Intake:
    """Takes intents. `limits` gives what an order of a region may not exceed at a moment; `send` takes new orders.

    `prices` is None where the cost of an intent stands in it.
    """

    def __init__(
        self,
        book: OrderBook,
        clock: Clock,
        observer: Observer,
        settings: ExecutorSettings,
        limits: Limits,
        prices: Prices | None,
        send: Callable[[Order], None],
    ) -> None:
        self._book = book
        self._clock = clock
        self._observer = observer
        self._deadline = settings.node_deadline
        self._limits = limits
        self._prices = prices
        self._send = send
        self._doomed: set[OrderId] = set()

    async def place(self, intents: Iterable[OrderIntent]) -> None:
        """Make each intent a durable order, the most urgent first: where money is short, it gets it.

        Does not raise for a refused intent. That is right for the next decision too: it sees what stands in the way.
        """
        for intent in sorted(intents, key=lambda one: (-one.nodes / max(one.desired, one.nodes), one.region)):
            try:
                await self._place(intent)
            except LedgerUnusable:
                return  # the others would wait for the same fault; they are decided again
            except LedgerError as error:
                self._refuse(intent, _reason(error), str(error))
                await self.withdraw_unknown()

    @property
    def must_withdraw(self) -> bool:
        """Whether `withdraw_unknown` has something to end, or to look for."""
        return bool(self._doomed) or self._book.may_hold_unknown

    async def close(self) -> None:
        """Ask for no more prices."""
        if self._prices is not None:
            await self._prices.close()

    async def _place(self, intent: OrderIntent) -> None:
        if (stands := self._in_the_way(intent)) is not None:
            self._refuse(intent, Reason.ACCOUNT_STOPPED, stands)
            return
        decided = self._clock.now() if intent.at is None else intent.at
        limits = self._limits(intent.region, decided)
        priced = intent if self._prices is None else self._priced(intent, self._prices, limits)
        if priced is not None:
            deadline = self._clock.now() + self._deadline
            self._send(await self._book.add(replace(priced, at=decided), deadline, limits))

    def _priced(self, intent: OrderIntent, prices: Prices, limits: Sequence[SpendingLimit]) -> OrderIntent | None:
        """The intent at the API's price, for as many nodes as the limits have money for; None when it is refused."""
        price = prices.known(intent.operation)
        if price is None:
            self._refuse(intent, Reason.PRICE_UNKNOWN, prices.why_unknown(intent.operation))
            return None
        nodes = intent.nodes
        for limit in limits:
            left = limit.most - self._book.sums.spent(limit)
            if price * nodes > left:
                nodes = max(0, left // price)
                if nodes == 0:
                    detail = f"{limit.name}: one node costs {price / 100:.2f}, and {left / 100:.2f} is left"
                    self._refuse(intent, Reason.BUDGET_EXHAUSTED, detail)
                    return None
        return replace(intent, nodes=nodes, cost=Money(price * nodes))

    def _in_the_way(self, intent: OrderIntent) -> str | None:
        """After a refusal of the account one order at a time tries again."""
        stop = self._book.sums.stop()
        if stop is None:
            return None
        for order in self._book.open():
            trying = order.state in {OrderState.PLANNED, OrderState.SUBMITTING} and order.created_at > stop.at
            if trying and order.region != intent.region:
                return f"{stop.reason}: order {order.id} in {order.region} tries first whether the account may buy"
        return None

    async def withdraw_unknown(self) -> None:
        """End what stands in the ledger without this process knowing: a write that was reported as failed.

        Its need was decided again since, perhaps in another region, so it must not be sent. Does not raise; what the
        ledger does not take now is tried again at the next call.
        """
        try:
            self._doomed.update(order.id for order in await self._book.take_up_unknown())
            for name in sorted(self._doomed):
                order = self._book.current(name)
                if order.state is OrderState.PLANNED:
                    detail = "its writing was reported as failed; the region is decided afresh"
                    await self._book.move(order, OrderState.FAILED, Reason.DECISION_WITHDRAWN, detail)
                self._doomed.discard(name)
        except LedgerError as error:
            _log.warning("the ledger's open orders can not be settled: %s", error)

    def _refuse(self, intent: OrderIntent, reason: Reason, detail: str) -> None:
        self._observer.notice(OrderRefused(intent.region, reason, detail))


def _reason(error: LedgerError) -> Reason:
    return Reason.BUDGET_EXHAUSTED if isinstance(error, BudgetExceeded) else Reason.ORDER_UNSETTLED
