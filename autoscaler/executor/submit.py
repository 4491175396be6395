"""Submitting: one try to bring an order from PLANNED to the API's answer, and never twice.

The order is SUBMITTING on disk before the call leaves. What comes back is recorded before anything else happens.
Only what provably was not executed goes back to PLANNED, to be sent again.
"""

from autoscaler.executor.book import OrderBook
from autoscaler.executor.limiter import PurchaseGate
from autoscaler.model.errors import (
    BalanceExhausted,
    Busy,
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
from autoscaler.model.operation import Count, PoolOperation, ScaleOutCluster
from autoscaler.model.order import Baseline, Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.ports import Clock, Cloud
from autoscaler.settings.sections import ExecutorSettings

_REFUSALS: tuple[tuple[type[CloudError], Reason], ...] = (
    (OutOfStock, Reason.OUT_OF_STOCK),
    (QuotaExceeded, Reason.QUOTA_EXCEEDED),
    (BalanceExhausted, Reason.BALANCE_EXHAUSTED),
    (Forbidden, Reason.FORBIDDEN),
    (Rejected, Reason.REJECTED),
    (NotFound, Reason.REJECTED),
)
"""Never sent again: the order has failed."""
_NOT_NOW: tuple[tuple[type[CloudError], Reason], ...] = (
    (Throttled, Reason.THROTTLED),
    (Busy, Reason.CLUSTER_BUSY),
    (Unavailable, Reason.NEVER_SENT),
)
"""Provably not executed: the order is sent again later."""
_LOOK_UP = 30.0
"""Seconds after which an order that waits for its turn looks whether it may still be sent."""


class Submitter:
    """Sends planned orders. `cloud` is the purchases' own share of the rate limits."""

    def __init__(
        self, cloud: Cloud, book: OrderBook, gate: PurchaseGate, clock: Clock, settings: ExecutorSettings
    ) -> None:
        self._cloud = cloud
        self._book = book
        self._gate = gate
        self._clock = clock
        self._valid_for = settings.decision_valid_for
        self._check_stock = settings.check_stock

    async def try_once(self, order: Order) -> Order:
        """One try. Gives the order as it then is: ACCEPTED, IN_DOUBT, FAILED, or PLANNED to be tried again.

        Raises LedgerError when the ledger did not take the step to SUBMITTING; then nothing was sent.
        """
        if self.is_withdrawn(order):
            return await self.withdraw(order)
        try:
            if self._check_stock and (refused := await self._short_of_stock(order)) is not None:
                return refused
            baseline = await self._baseline(order)
        except CloudError as error:
            reason = Reason.POOL_BUSY if isinstance(error, Busy) else Reason.BASELINE_UNREADABLE
            return await self._book.move(order, OrderState.PLANNED, reason, str(error))
        action = order.operation.name
        while not self.is_withdrawn(order) and not await self._gate.turn(action, at_most=_LOOK_UP):
            pass  # a pause may be long, and the order must not outlive its decision in it
        if self.is_withdrawn(order):
            return await self.withdraw(order)
        order = await self._book.move(
            order,
            OrderState.SUBMITTING,
            Reason.SENDING,
            baseline=baseline,
            submitted_at=self._clock.now(),
            attempt=order.attempt + 1,
        )
        return await self._send(order)

    def is_withdrawn(self, order: Order) -> bool:
        """Whether an order must not be sent any more: it is too old, or the account was refused meanwhile."""
        return self._why_withdrawn(order) is not None

    async def withdraw(self, order: Order) -> Order:
        """End an order that must not be sent any more. Raises LedgerError."""
        reason, detail = self._why_withdrawn(order) or (Reason.DECISION_WITHDRAWN, "the region is decided afresh")
        return await self._book.move(order, OrderState.FAILED, reason, detail)

    def _why_withdrawn(self, order: Order) -> tuple[Reason, str] | None:
        stop = self._book.sums.stop()
        if stop is not None and stop.at >= order.created_at:
            detail = f"the account was refused meanwhile ({stop.reason}); the region is decided afresh"
            return Reason.ACCOUNT_STOPPED, detail
        if self._book.age(order) > self._valid_for:
            last = f" (last: {order.reason}: {order.detail})" if order.reason is not Reason.DECIDED else ""
            return Reason.EXPIRED_UNSENT, f"not sent within {self._valid_for:.0f} s; the region is decided afresh{last}"
        return None

    async def _short_of_stock(self, order: Order) -> Order | None:
        left = await self._cloud.stock(order.operation)
        if left >= order.nodes:
            return None
        kind = order.operation.worker_instance_type
        detail = f"{order.region} has {left} of {kind} in stock, {order.nodes} are needed"
        return await self._book.move(order, OrderState.FAILED, Reason.OUT_OF_STOCK, detail, in_stock=left)

    async def _baseline(self, order: Order) -> Baseline:
        size = None
        operation = order.operation
        if not isinstance(operation, ScaleOutCluster) and operation.count is Count.TOTAL:
            size = await self._pool_size(operation)
        at = self._clock.now()
        instances = await self._cloud.instances((order.region,))
        return Baseline(frozenset(instance.instance for instance in instances), at, size)

    async def _pool_size(self, operation: PoolOperation) -> int:
        """The size to add to. Raises Busy while a pool has more nodes than it is told to have.

        A total above the one and below the other would remove nodes that are paid for.
        """
        pool = await self._cloud.pool(operation)
        if pool.size < pool.total:
            told = f"pool {pool.pool} is told to have {pool.size} nodes and has {pool.total}"
            raise Busy(operation.name, "PoolShrinks", told)
        return pool.size

    async def _send(self, order: Order) -> Order:
        record = self._book.record
        try:
            receipt = await self._cloud.purchase(order.operation, order.quantity)
        except CloudError as error:
            if isinstance(error, Throttled):
                self._gate.pause(order.operation.name, error.retry_after)
            state, reason = _reaction(error)
            return await record(order, state, reason, str(error))
        except Exception as error:  # noqa: BLE001  # a fault of ours after the call may hide a purchase: never assume none
            return await record(
                order, OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN, f"a fault of this program: {type(error).__name__}"
            )
        return await record(order, OrderState.ACCEPTED, Reason.API_ACCEPTED, receipt=receipt)


def _reaction(error: CloudError) -> tuple[OrderState, Reason]:
    if isinstance(error, OutcomeUnknown):
        return OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN
    for state, table in ((OrderState.PLANNED, _NOT_NOW), (OrderState.FAILED, _REFUSALS)):
        for kind, reason in table:
            if isinstance(error, kind):
                return state, reason
    return OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN  # an error that no table knows proves nothing
