"""Dispatching: whose turn it is to be sent, when the limiter has a turn to give.

Planned orders come in, tries go out: one task each, outside any group, since stopping must not cut a call that has
left. An order that was not executed waits for a random pause of its own and holds nobody up.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, get_args

from autoscaler.executor.book import OrderBook
from autoscaler.executor.limiter import PurchaseGate
from autoscaler.executor.queue import OrderQueue
from autoscaler.executor.submit import Submitter
from autoscaler.model.errors import LedgerError
from autoscaler.model.names import OrderId, RegionId
from autoscaler.model.operation import OperationName
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.ports import Clock
from autoscaler.settings.sections import BackoffSettings

_MOST_DOUBLINGS = 30
_log = logging.getLogger(__name__)


class Dispatcher:
    """Sends orders, the most urgent of each action first. `dice` decides the pauses."""

    def __init__(
        self,
        submitter: Submitter,
        book: OrderBook,
        gate: PurchaseGate,
        clock: Clock,
        wake: Callable[[Iterable[RegionId]], None],
        backoff: BackoffSettings,
        dice: random.Random,
    ) -> None:
        self._submitter = submitter
        self._book = book
        self._gate = gate
        self._clock = clock
        self._wake = wake
        self._backoff = backoff
        self._dice = dice
        self._queues = {action: OrderQueue(clock) for action in get_args(OperationName)}
        self._tasks: dict[asyncio.Task[None], OrderId] = {}
        self._tries: dict[OrderId, int] = {}
        self._draining = False

    def put(self, order: Order) -> None:
        """Let a PLANNED order wait for its turn."""
        if not self._draining:
            self._queues[order.operation.name].put(order)

    async def run_with(self, companion: Coroutine[Any, Any, None]) -> None:
        """Send until canceled; `companion` runs and ends with it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(companion, name="executor: poll")
            for action in self._queues:
                group.create_task(self._serve(action), name=f"executor: send {action}")

    async def drain(self, seconds: float) -> None:
        """Let the calls that have left finish and be recorded, at most `seconds`; send nothing more."""
        self._draining = True
        flying = {order.id for order in self._book.open() if order.state is OrderState.SUBMITTING}
        for task, order in self._tasks.items():
            if order not in flying:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop_withdrawn(self) -> None:
        """End waiting orders that must not be sent any more: they would keep their regions from a new decision.

        They take no turn of the limiter: under load the dead would otherwise keep the living from being sent.
        """
        for queue in self._queues.values():
            for order in queue.drop(self._submitter.is_withdrawn):
                self._start(order.id, self._withdraw(order))

    async def _serve(self, action: str) -> None:
        queue = self._queues[action]
        while True:
            await queue.filled()
            await self._gate.enter(action)
            self.drop_withdrawn()
            if not len(queue):
                self._gate.leave(action)
                continue
            # Chosen now, not when it came: a more urgent one may have come meanwhile.
            order = queue.pop()
            self._start(order.id, self._submit(order))

    def _start(self, order: OrderId, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=order)
        self._tasks[task] = order
        task.add_done_callback(self._tasks.pop)

    async def _withdraw(self, order: Order) -> None:
        try:
            await self._submitter.withdraw(order)
        except LedgerError as error:
            _log.warning("order %s waits for the ledger: %s", order.id, error)
            self._again(self._book.current(order.id))
        self._wake({order.region, order.for_region or order.region})

    async def _submit(self, order: Order) -> None:
        try:
            try:
                order = await self._submitter.try_once(order)
            finally:
                self._gate.leave(order.operation.name)
        except LedgerError as error:
            _log.warning("order %s waits for the ledger: %s", order.id, error)
            order = await self._after_fault(order)
        except Exception:  # noqa: BLE001  # one order's fault stays with that order
            _log.exception("order %s met a fault of this program while it was being sent", order.id)
            order = await self._after_fault(order)
        self._again(order)
        self._wake({order.region, order.for_region or order.region})

    def _again(self, order: Order) -> None:
        """Let an order that is still PLANNED wait for its pause and then for its turn."""
        if order.state is OrderState.PLANNED:
            self._start(order.id, self._later(order, self._pause(order.id)))
        else:
            self._tries.pop(order.id, None)

    async def _later(self, order: Order, pause: float) -> None:
        await self._clock.sleep(pause)
        self.put(order)

    def _pause(self, order: OrderId) -> float:
        """Full jitter: anything up to a limit that doubles with every try.

        Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
        """
        tries = self._tries.get(order, 0)
        self._tries[order] = tries + 1
        limit = min(self._backoff.longest, self._backoff.first * 2 ** min(tries, _MOST_DOUBLINGS))
        return self._dice.uniform(0.0, limit)

    async def _after_fault(self, order: Order) -> Order:
        """What was not sent is sent later, what may have been sent is in doubt."""
        stored = self._book.current(order.id)
        if stored.state is OrderState.SUBMITTING:
            return await self._book.record(
                stored, OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN, "a fault while it was sent"
            )
        return stored
