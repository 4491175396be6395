"""Submitting: from PLANNED to the API's answer, and never twice.

The order is SUBMITTING on disk before the call leaves. What comes back is recorded before anything else happens.
Only what provably was not executed goes back to PLANNED and is sent again.
"""

from autoscaler.executor.book import OrderBook
from autoscaler.executor.limiter import PurchaseGate
from autoscaler.model.errors import (
    CloudError,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    QuotaExceeded,
    Rejected,
    Throttled,
    Unavailable,
)
from autoscaler.model.order import Baseline, Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.ports import Clock, Cloud

_REFUSALS: tuple[tuple[type[CloudError], Reason], ...] = (
    (OutOfStock, Reason.OUT_OF_STOCK),
    (QuotaExceeded, Reason.QUOTA_EXCEEDED),
    (Forbidden, Reason.FORBIDDEN),
    (Rejected, Reason.REJECTED),
    (NotFound, Reason.REJECTED),
)
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


class Submitter:
    """Sends planned orders. `valid_for` is seconds: an order not sent by then is dropped, and decided afresh."""

    def __init__(self, cloud: Cloud, book: OrderBook, gate: PurchaseGate, clock: Clock, valid_for: float) -> None:
        self._cloud = cloud
        self._book = book
        self._gate = gate
        self._clock = clock
        self._valid_for = valid_for

    async def submit(self, order: Order) -> Order:
        """Bring a PLANNED order to an answer. Gives it as it then is: ACCEPTED, IN_DOUBT or FAILED.

        Raises LedgerError when the ledger did not take the step to SUBMITTING; then nothing was sent.
        """
        pauses = 0
        while order.state is OrderState.PLANNED:
            if pauses:
                await self._clock.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (pauses - 1)))
            pauses += 1
            async with self._gate.turn(order.operation.name):
                order = await self._try_once(order)
        return order

    async def _try_once(self, order: Order) -> Order:
        if self._expired(order):
            return await self._drop(order)
        try:
            baseline = await self._baseline(order)
        except CloudError as error:
            return await self._book.move(order, OrderState.PLANNED, Reason.BASELINE_UNREADABLE, str(error))
        if self._expired(order):  # reading the baseline may have waited long
            return await self._drop(order)
        order = await self._book.move(
            order,
            OrderState.SUBMITTING,
            Reason.SENDING,
            baseline=baseline,
            submitted_at=self._clock.now(),
            attempt=order.attempt + 1,
        )
        return await self._send(order)

    def _expired(self, order: Order) -> bool:
        return self._clock.now() > order.created_at + self._valid_for

    async def _drop(self, order: Order) -> Order:
        detail = f"not sent within {self._valid_for:.0f} s; the region is decided afresh"
        return await self._book.move(order, OrderState.FAILED, Reason.EXPIRED_UNSENT, detail)

    async def _baseline(self, order: Order) -> Baseline:
        instances = await self._cloud.instances((order.region,))
        return Baseline(frozenset(instance.instance for instance in instances), self._clock.now())

    async def _send(self, order: Order) -> Order:
        record = self._book.record
        try:
            receipt = await self._cloud.purchase(order.operation, order.quantity)
        except Throttled as error:
            self._gate.pause(error.retry_after)
            return await record(order, OrderState.PLANNED, Reason.THROTTLED, str(error))
        except Unavailable as error:
            return await record(order, OrderState.PLANNED, Reason.NEVER_SENT, str(error))
        except OutcomeUnknown as error:
            return await record(order, OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN, str(error))
        except CloudError as error:
            reason = _refusal(error)
            state = OrderState.FAILED if reason else OrderState.IN_DOUBT
            return await record(order, state, reason or Reason.OUTCOME_UNKNOWN, str(error))
        except Exception as error:  # noqa: BLE001  # a fault of ours after the call may hide a purchase: never assume none
            return await record(
                order, OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN, f"a fault of this program: {type(error).__name__}"
            )
        return await record(order, OrderState.ACCEPTED, Reason.API_ACCEPTED, receipt=receipt)


def _refusal(error: CloudError) -> Reason | None:
    return next((reason for kind, reason in _REFUSALS if isinstance(error, kind)), None)
