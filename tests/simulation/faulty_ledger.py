"""The ledger as one process sees it: every write is a place to die at, and the disk may lie or be full.

A ledger comes in, a ledger goes out. What is durable is told to the audit at once, so that it is judged even when the
process does not live to see its answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeVar

from autoscaler.model.act import Act
from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.names import InstanceId, OrderId, RegionId
from autoscaler.model.order import Order, OrderEvent
from autoscaler.model.spending import SpendingLimit
from autoscaler.ports import Ledger

T = TypeVar("T")
WriteFate = Literal["well", "die before", "die after", "lie", "full"]


class FaultyLedger:
    """Implements ports.Ledger. `fate` is drawn for every write; `die` never returns; `durable` hears of orders,
    `remembered` of nodes."""

    def __init__(
        self,
        inner: Ledger,
        fate: Callable[[], WriteFate],
        die: Callable[[str], Awaitable[None]],
        durable: Callable[[Order], None],
        remembered: Callable[[Iterable[InstanceId]], None],
    ) -> None:
        self._inner = inner
        self._fate = fate
        self._die = die
        self._durable = durable
        self._remembered = remembered

    async def add(self, order: Order, limits: Sequence[SpendingLimit] = ()) -> None:
        await self._write(lambda: self._inner.add(order, limits), order)

    async def replace(self, before: Order, after: Order, at: float) -> None:
        await self._write(lambda: self._inner.replace(before, after, at), after)

    async def file(self, act: Act) -> Act:
        return await self._write(lambda: self._inner.file(act))

    async def close_act(self, act: int, at: float, outcome: str) -> Act:
        return await self._write(lambda: self._inner.close_act(act, at, outcome))

    async def prune(self, before: float) -> int:
        return await self._write(lambda: self._inner.prune(before))

    async def get(self, order: OrderId) -> Order:
        return await self._read(self._inner.get(order))

    async def open(self) -> Sequence[Order]:
        return await self._read(self._inner.open())

    async def settled_since(self, since: float) -> Sequence[Order]:
        return await self._read(self._inner.settled_since(since))

    async def all(self, limit: int) -> Sequence[Order]:
        return await self._read(self._inner.all(limit))

    async def history(self, order: OrderId) -> Sequence[OrderEvent]:
        return await self._read(self._inner.history(order))

    async def acts(self) -> Sequence[Act]:
        return await self._read(self._inner.acts())

    async def totals(self) -> Mapping[RegionId, int]:
        return await self._read(self._inner.totals())

    async def remember(self, nodes: Mapping[InstanceId, RegionId], at: float) -> None:
        async def remember() -> None:
            await self._inner.remember(nodes, at)
            self._remembered(nodes)

        await self._write(remember)

    async def remembered(self) -> Mapping[InstanceId, RegionId]:
        return await self._read(self._inner.remembered())

    async def close(self) -> None:
        await self._inner.close()

    async def _read(self, job: Awaitable[T]) -> T:
        await asyncio.sleep(0)
        return await job

    async def _write(self, job: Callable[[], Awaitable[T]], order: Order | None = None) -> T:
        fate = self._fate()
        await asyncio.sleep(0)
        if fate == "full":
            raise LedgerUnusable("ledger: database or disk is full")
        if fate == "die before":
            await self._die("before a write")
        answer = await job()
        if order is not None:
            self._durable(order)
        if fate == "die after":
            await self._die("after a write")
        await asyncio.sleep(0)
        if fate == "lie":
            raise LedgerUnusable("ledger: disk I/O error")
        return answer
