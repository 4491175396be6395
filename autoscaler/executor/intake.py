"""Intake: from order intents to durable orders. The cost is known and reserved before there is an order."""

import logging
from collections.abc import Callable, Iterable, Sequence

from autoscaler.executor.book import OrderBook
from autoscaler.model.errors import BudgetExceeded, CloudError, LedgerError, LedgerUnusable
from autoscaler.model.events import OrderRefused
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order, OrderIntent
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from autoscaler.ports import Clock, Cloud, Observer
from autoscaler.settings.sections import ExecutorSettings

Limits = Callable[[RegionId, float], Sequence[SpendingLimit]]
_log = logging.getLogger(__name__)


class Intake:
    """Takes intents. `limits` gives what an order of a region may not exceed at a moment; `send` takes new orders."""

    def __init__(
        self,
        cloud: Cloud,
        book: OrderBook,
        clock: Clock,
        observer: Observer,
        settings: ExecutorSettings,
        limits: Limits,
        send: Callable[[Order], None],
    ) -> None:
        self._cloud = cloud
        self._book = book
        self._clock = clock
        self._observer = observer
        self._deadline = settings.node_deadline
        self._ask_prices = settings.price_from == "api"
        self._limits = limits
        self._send = send

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
                await self._adopt()

    async def _place(self, intent: OrderIntent) -> None:
        if (stands := self._in_the_way(intent)) is not None:
            self._refuse(intent, Reason.ACCOUNT_STOPPED, stands)
            return
        cost = intent.cost
        if self._ask_prices:
            try:
                cost = await self._cloud.price(intent.operation, intent.nodes)
            except CloudError as error:
                self._refuse(intent, Reason.PRICE_UNKNOWN, str(error))
                return
        now = self._clock.now()
        limits = self._limits(intent.region, now)
        self._send(await self._book.add(intent, cost, now + self._deadline, limits))

    def _in_the_way(self, intent: OrderIntent) -> str | None:
        """After a refusal of the account one order at a time tries again."""
        stop = self._book.sums.stop()
        trying = next((order for order in self._book.open() if order.state.unsettled), None)
        if stop is None or trying is None or trying.region == intent.region:
            return None
        return f"{stop.reason}: order {trying.id} in {trying.region} tries first whether the account may buy again"

    async def _adopt(self) -> None:
        """Send what stands in the ledger without this process knowing: a write that was reported as failed."""
        try:
            for order in await self._book.take_up_unknown():
                self._send(order)
        except LedgerError as error:
            _log.warning("the ledger's open orders can not be read: %s", error)

    def _refuse(self, intent: OrderIntent, reason: Reason, detail: str) -> None:
        self._observer.notice(OrderRefused(intent.region, reason, detail))


def _reason(error: LedgerError) -> Reason:
    return Reason.BUDGET_EXHAUSTED if isinstance(error, BudgetExceeded) else Reason.ORDER_UNSETTLED
