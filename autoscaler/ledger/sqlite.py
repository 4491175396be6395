"""The durable ledger: one SQLite file, whose orders are written by one thread of one daemon.

Orders and acts come in and go out; a write is on the disk before its method returns. SQLite blocks, so one thread of
its own does all of it, one transaction after the other. This module must not read a clock or know why an order is
written.

A canceled call: what was asked is carried out all the same, whole, and the cancellation arrives after that. So nothing
is half-written, and no write is still under way when the canceled task has ended. The canceled caller is not told how
it ended; whoever goes on with that order reads it again (a version that has moved on shows up as StaleOrder).
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from autoscaler.ledger import statements, transactions
from autoscaler.ledger.codec import decode_act, decode_event, decode_order
from autoscaler.ledger.faults import damaged, from_error, unusable
from autoscaler.ledger.file import Access, LedgerFile
from autoscaler.ledger.transactions import NotUnderstoodError, stored_order, understood
from autoscaler.model.act import Act
from autoscaler.model.errors import LedgerError, LedgerUnusable, UnsettledOrderExists
from autoscaler.model.names import InstanceId, OrderId, RegionId
from autoscaler.model.order import Order, OrderEvent
from autoscaler.model.spending import SpendingLimit

_T = TypeVar("_T")
_OWNER_ONLY = frozenset({Access.OWNER})
_WHO_FILES = frozenset({Access.OWNER, Access.CLERK})
_MAY = {
    Access.READER: "to be read only",
    Access.CLERK: "who may read, and file acts",
}


class SqliteLedger:
    """An implementer of ports.Ledger. Made by `connect` only."""

    def __init__(self, path: Path, access: Access) -> None:
        self._path = path
        self._access = access
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._file: LedgerFile | None = None
        self._closed = False

    @classmethod
    async def connect(cls, path: Path, *, access: Access = Access.OWNER, read_only: bool = False) -> "SqliteLedger":
        """Open the ledger at `path`; an owner makes it and its folder if there is none. See Access.

        `read_only` is a short word for Access.READER.

        Raises:
            LedgerUnusable: corrupt, newer than this program, not writable; in use (for an owner); missing or older
                than this program (for the others).
        """
        ledger = cls(path, Access.READER if read_only else access)
        try:
            await ledger._in_thread(ledger._open_file)
        except BaseException:
            await ledger.close()
            raise
        return ledger

    async def add(self, order: Order, limits: Sequence[SpendingLimit] = ()) -> None:
        """See ports.Ledger. Raises LedgerError, too, for an order that is not new."""
        await self._write(lambda connection: transactions.add(connection, order, limits), _named(order))

    async def replace(self, before: Order, after: Order, at: float) -> None:
        """See ports.Ledger. Raises LedgerError, too, for a step that changes what the order is for."""
        await self._write(lambda connection: transactions.replace(connection, before, after, at), _named(after))

    async def get(self, order: OrderId) -> Order:
        """Raises UnknownOrder."""
        return await self._read(lambda connection: stored_order(connection, order))

    async def open(self) -> Sequence[Order]:
        """Every order that is not final, oldest first; equal ages by id."""
        return await self._orders(statements.OPEN_ORDERS)

    async def settled_since(self, since: float) -> Sequence[Order]:
        """Final orders whose `settled_at` >= since (Unix seconds), the longest settled first; equal ages by id."""
        return await self._orders(statements.SETTLED_SINCE, since)

    async def all(self, limit: int) -> Sequence[Order]:
        """The newest `limit` orders, newest first; none for a limit below 1."""
        return await self._orders(statements.NEWEST, max(0, limit))

    async def history(self, order: OrderId) -> Sequence[OrderEvent]:
        """Every step of an order, oldest first, its making included; empty for an unknown order."""

        def job(connection: sqlite3.Connection) -> Sequence[OrderEvent]:
            return [understood(decode_event, row) for row in connection.execute(statements.HISTORY, (order,))]

        return await self._read(job)

    async def file(self, act: Act) -> Act:
        """See ports.Ledger. Raises LedgerError for an act that is not new."""
        return await self._write(lambda connection: transactions.file(connection, act), "an act", _WHO_FILES)

    async def acts(self) -> Sequence[Act]:
        """Every act, oldest first."""

        def job(connection: sqlite3.Connection) -> Sequence[Act]:
            return [understood(decode_act, row) for row in connection.execute(statements.ACTS)]

        return await self._read(job)

    async def close_act(self, act: int, at: float, outcome: str) -> Act:
        """See ports.Ledger."""
        return await self._write(lambda connection: transactions.close_act(connection, act, at, outcome), f"act {act}")

    async def prune(self, before: float) -> int:
        """See ports.Ledger. Many short transactions, between which others are written; canceled, it stops after one."""
        pruned = 0
        while batch := await self._write(lambda connection: transactions.prune(connection, before), "pruning"):
            pruned += batch
        return pruned

    async def totals(self) -> Mapping[RegionId, int]:
        """See ports.Ledger. Holds only regions in which something was bought."""

        def job(connection: sqlite3.Connection) -> Mapping[RegionId, int]:
            rows = connection.execute(statements.PRUNED_NODES)
            return {RegionId(row["region"]): row["bought"] for row in rows}

        return await self._read(job)

    async def remember(self, nodes: Mapping[InstanceId, RegionId], at: float) -> None:
        """See ports.Ledger."""
        rows = [{"instance": instance, "region": region, "at": at} for instance, region in nodes.items()]
        await self._write(lambda connection: connection.executemany(statements.INSERT_NODE, rows), "nodes")

    async def remembered(self) -> Mapping[InstanceId, RegionId]:
        """See ports.Ledger."""

        def job(connection: sqlite3.Connection) -> Mapping[InstanceId, RegionId]:
            rows = connection.execute(statements.NODES)
            return {InstanceId(row["instance"]): RegionId(row["region"]) for row in rows}

        return await self._read(job)

    async def close(self) -> None:
        """Finish what is under way, fold the log into the file and release it. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self._close_file)
        self._thread.shutdown(wait=False)  # takes no more calls; those made before are carried out
        await _finished(closing)

    async def _orders(self, query: str, *parameters: float) -> Sequence[Order]:
        def job(connection: sqlite3.Connection) -> Sequence[Order]:
            return [understood(decode_order, row) for row in connection.execute(query, parameters)]

        return await self._read(job)

    async def _read(self, job: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._in_thread(lambda: job(self._opened().connection))

    async def _write(
        self, job: Callable[[sqlite3.Connection], _T], subject: str, allowed: frozenset[Access] = _OWNER_ONLY
    ) -> _T:
        """Run `job` in one transaction, durable when this returns; any error leaves nothing of it."""
        if self._access not in allowed:
            what = f"it was opened as a {self._access}, {_MAY[self._access]}"
            raise unusable(self._path, what, "Everything else is written by the daemon that owns it")

        def writing() -> _T:
            file = self._opened()
            file.check_in_place()
            try:
                with _transaction(file.connection):
                    return job(file.connection)
            except sqlite3.IntegrityError as error:
                raise _refusal(error, subject) from error

        return await self._in_thread(writing)

    async def _in_thread(self, job: Callable[[], _T]) -> _T:
        def guarded() -> _T:
            try:
                return job()
            except sqlite3.Error as error:
                raise from_error(self._path, error) from error
            except NotUnderstoodError as error:
                raise damaged(self._path, f"a row can not be understood: {error}") from error

        if self._closed:
            raise LedgerUnusable(f"ledger {self._path}: it is closed")
        return await _finished(asyncio.get_running_loop().run_in_executor(self._thread, guarded))

    def _open_file(self) -> None:
        self._file = LedgerFile(self._path, self._access)

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()

    def _opened(self) -> LedgerFile:
        if self._file is None:
            raise LedgerUnusable(f"ledger {self._path}: it is not open; SqliteLedger.connect opens it")
        return self._file


async def _finished(future: "asyncio.Future[_T]") -> _T:
    """The result of what a thread does; a cancellation is passed on only when the thread is through with it."""
    canceled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            canceled = error
    if canceled is not None:
        raise canceled from future.exception()
    return future.result()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute(statements.BEGIN)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk makes SQLite roll back by itself
            connection.execute("ROLLBACK")
        raise


def _named(order: Order) -> str:
    return f"order {order.id} (cluster {order.cluster}, region {order.region})"


def _refusal(error: sqlite3.IntegrityError, subject: str) -> LedgerError:
    """What a broken constraint means. The only unique index beside the primary keys is the one on unsettled orders."""
    if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
        return UnsettledOrderExists(f"{subject}: another one is unsettled there already")
    return LedgerError(f"{subject} was refused: {error}")
