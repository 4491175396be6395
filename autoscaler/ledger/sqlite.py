"""The durable ledger: one SQLite file, written by one thread of one daemon.

Orders come in and go out; a write is on the disk before its method returns. SQLite blocks, so one thread of its own
does all of it, one transaction after the other. This module must not read a clock or know why an order is written.

A canceled call: what was asked is carried out all the same, whole, and the cancellation arrives after that. So nothing
is half-written, and no write is still under way when the canceled task has ended. The canceled caller is not told how
it ended; whoever goes on with that order reads it again (a version that has moved on shows up as StaleOrder).
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from autoscaler.ledger import statements
from autoscaler.ledger.codec import decode_event, decode_order, encode_event, encode_order
from autoscaler.ledger.faults import damaged, from_error
from autoscaler.ledger.file import LedgerFile
from autoscaler.ledger.rules import check_new, check_step, event_of
from autoscaler.model.errors import LedgerError, LedgerUnusable, UnknownOrder, UnsettledOrderExists
from autoscaler.model.names import OrderId
from autoscaler.model.order import Order, OrderEvent

_T = TypeVar("_T")


class _NotUnderstoodError(Exception):
    """A row that no version of this program has written."""


class SqliteLedger:
    """An implementer of ports.Ledger. Made by `connect` only."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._path = path
        self._read_only = read_only
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._file: LedgerFile | None = None
        self._closed = False

    @classmethod
    async def connect(cls, path: Path, *, read_only: bool = False) -> "SqliteLedger":
        """Open the ledger at `path`, and make it and its folder if there is none.

        A writer owns the file until `close`. A reader makes nothing and owns nothing: it may look while a daemon runs.

        Raises:
            LedgerUnusable: corrupt, newer than this program, in use, not writable, or missing (for a reader).
        """
        ledger = cls(path, read_only=read_only)
        try:
            await ledger._in_thread(ledger._open_file)
        except BaseException:
            await ledger.close()
            raise
        return ledger

    async def add(self, order: Order) -> None:
        """See ports.Ledger. Raises LedgerError, too, for an order that is not new."""
        check_new(order)

        def job(connection: sqlite3.Connection) -> None:
            if connection.execute(statements.ORDER, (order.id,)).fetchone() is not None:
                raise LedgerError(f"order {order.id} is in the ledger already")
            connection.execute(statements.INSERT_ORDER, encode_order(order))
            connection.execute(statements.INSERT_EVENT, encode_event(event_of(None, order, order.created_at)))

        await self._write(job, order)

    async def replace(self, before: Order, after: Order, at: float) -> None:
        """See ports.Ledger. Raises LedgerError, too, for a step that changes what the order is for."""

        def job(connection: sqlite3.Connection) -> None:
            check_step(_stored(connection, before.id), before, after)
            connection.execute(statements.UPDATE_ORDER, encode_order(after))
            connection.execute(statements.INSERT_EVENT, encode_event(event_of(before.state, after, at)))

        await self._write(job, after)

    async def get(self, order: OrderId) -> Order:
        """Raises UnknownOrder."""
        return await self._read(lambda connection: _stored(connection, order))

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
            return [_understood(decode_event, row) for row in connection.execute(statements.HISTORY, (order,))]

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
            return [_understood(decode_order, row) for row in connection.execute(query, parameters)]

        return await self._read(job)

    async def _read(self, job: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._in_thread(lambda: job(self._opened().connection))

    async def _write(self, job: Callable[[sqlite3.Connection], None], order: Order) -> None:
        """Run `job` in one transaction, durable when this returns; any error leaves nothing of it."""
        if self._read_only:
            raise LedgerUnusable(f"ledger {self._path}: it was opened to be read only")

        def writing() -> None:
            file = self._opened()
            file.check_in_place()
            try:
                with _transaction(file.connection):
                    job(file.connection)
            except sqlite3.IntegrityError as error:
                raise _refusal(error, order) from error

        await self._in_thread(writing)

    async def _in_thread(self, job: Callable[[], _T]) -> _T:
        def guarded() -> _T:
            try:
                return job()
            except sqlite3.Error as error:
                raise from_error(self._path, error) from error
            except _NotUnderstoodError as error:
                raise damaged(self._path, f"a row can not be understood: {error}") from error

        if self._closed:
            raise LedgerUnusable(f"ledger {self._path}: it is closed")
        return await _finished(asyncio.get_running_loop().run_in_executor(self._thread, guarded))

    def _open_file(self) -> None:
        self._file = LedgerFile(self._path, read_only=self._read_only)

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


def _stored(connection: sqlite3.Connection, order: OrderId) -> Order:
    row = connection.execute(statements.ORDER, (order,)).fetchone()
    if row is None:
        raise UnknownOrder(f"no order {order} in the ledger")
    return _understood(decode_order, row)


def _understood(decode: Callable[[sqlite3.Row], _T], row: sqlite3.Row) -> _T:
    try:
        return decode(row)
    except (LookupError, TypeError, ValueError) as error:
        raise _NotUnderstoodError(repr(error)) from error


def _refusal(error: sqlite3.IntegrityError, order: Order) -> LedgerError:
    """What a broken constraint means. The only unique index beside the primary key is the one on unsettled orders."""
    if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
        place = f"cluster {order.operation.cluster}, region {order.region}"
        return UnsettledOrderExists(f"{place}: an order is unsettled already")
    return LedgerError(f"order {order.id} was refused: {error}")
