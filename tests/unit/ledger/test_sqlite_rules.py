"""What the SQLite file itself enforces, whoever writes to it, and what its thread makes of cancellation and disks."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from autoscaler.ledger.codec import encode_order
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.ledger.statements import INSERT_ORDER, OPEN_ORDERS
from autoscaler.model.errors import LedgerUnusable, UnknownOrder
from autoscaler.model.names import OrderId
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from tests.unit.ledger.builders import NOW, accepted_changes, brought, moved, planned, raw


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest_asyncio.fixture
async def ledger(path: Path) -> AsyncIterator[SqliteLedger]:
    made = await SqliteLedger.connect(path)
    yield made
    await made.close()


async def insert_raw(ledger: SqliteLedger, name: str, state: OrderState) -> None:
    row = {**encode_order(planned(name)), "state": state.value}
    await ledger._read(lambda connection: connection.execute(INSERT_ORDER, row))


async def test_the_pragmas_that_make_a_write_durable_are_in_force(ledger: SqliteLedger) -> None:
    assert await raw(ledger, "PRAGMA journal_mode") == [("wal",)]
    assert await raw(ledger, "PRAGMA synchronous") == [(2,)]
    assert await raw(ledger, "PRAGMA foreign_keys") == [(1,)]
    assert await raw(ledger, "PRAGMA busy_timeout") == [(5000,)]


@pytest.mark.parametrize("first", OrderState)
@pytest.mark.parametrize("second", OrderState)
async def test_the_index_itself_refuses_a_second_unsettled_order(
    ledger: SqliteLedger, first: OrderState, second: OrderState
) -> None:
    await insert_raw(ledger, "o1", first)
    if first.unsettled and second.unsettled:
        with pytest.raises(LedgerUnusable, match="UNIQUE"):
            await insert_raw(ledger, "o2", second)
    else:
        await insert_raw(ledger, "o2", second)


@pytest.mark.parametrize("state", OrderState)
async def test_the_states_in_the_sql_are_those_of_the_model(ledger: SqliteLedger, state: OrderState) -> None:
    await insert_raw(ledger, "o1", state)
    assert len(await raw(ledger, OPEN_ORDERS)) == (0 if state.final else 1)
    update = "UPDATE orders SET state = 'planned'"
    if state.final:
        with pytest.raises(LedgerUnusable, match="a final order never changes"):
            await raw(ledger, update)
    else:
        await raw(ledger, update)


@pytest.mark.parametrize("sql", ["UPDATE order_events SET detail = 'x'", "DELETE FROM order_events"])
async def test_history_can_not_be_rewritten(ledger: SqliteLedger, sql: str) -> None:
    await brought(ledger, planned(), OrderState.SUBMITTING)
    before = await ledger.history(OrderId("o1"))
    with pytest.raises(LedgerUnusable, match="append-only"):
        await raw(ledger, sql)
    assert await ledger.history(OrderId("o1")) == before


async def test_orders_can_not_be_deleted(ledger: SqliteLedger) -> None:
    await ledger.add(planned())
    with pytest.raises(LedgerUnusable, match="never deleted"):
        await raw(ledger, "DELETE FROM orders")
    assert await ledger.open() == [planned()]


async def test_history_belongs_to_an_order_that_exists(ledger: SqliteLedger) -> None:
    insert = """
        INSERT INTO order_events (order_id, at, after, reason, detail, request_id) VALUES ('o9', 1, 'ready', '', '', '')
    """
    with pytest.raises(LedgerUnusable, match="FOREIGN KEY"):
        await raw(ledger, insert)


async def test_an_order_and_its_event_are_written_together_or_not_at_all(ledger: SqliteLedger) -> None:
    await ledger.add(planned())
    await raw(
        ledger, "CREATE TRIGGER fault BEFORE INSERT ON order_events BEGIN SELECT RAISE(ABORT, 'no events today'); END"
    )
    with pytest.raises(Exception, match="no events today"):
        await moved(ledger, planned(), OrderState.SUBMITTING)
    with pytest.raises(Exception, match="no events today"):
        await ledger.add(planned("o2", region="r2"))
    assert await ledger.all(10) == [planned()]
    await raw(ledger, "DROP TRIGGER fault")
    await moved(ledger, planned(), OrderState.SUBMITTING)
    assert len(await ledger.history(OrderId("o1"))) == 2


async def test_what_a_write_has_read_can_not_change_before_it_writes(ledger: SqliteLedger, path: Path) -> None:
    def intrude(_: sqlite3.Connection) -> None:
        with closing(sqlite3.connect(path, timeout=0.0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

    with pytest.raises(LedgerUnusable, match="locked"):
        await ledger._write(intrude, "a test")


async def test_a_canceled_write_is_whole_when_the_cancellation_arrives(ledger: SqliteLedger) -> None:
    gate = threading.Event()
    busy = asyncio.create_task(ledger._read(lambda _: gate.wait(10)))
    write = asyncio.create_task(ledger.add(planned()))
    await asyncio.sleep(0)
    write.cancel()
    await asyncio.sleep(0)
    write.cancel()
    await asyncio.sleep(0.01)
    assert not write.done(), "the cancellation arrived before the write was through"
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await write
    await busy
    assert await ledger.open() == [planned()]
    assert len(await ledger.history(OrderId("o1"))) == 1


async def test_a_canceled_write_that_failed_raises_the_cancellation(ledger: SqliteLedger) -> None:
    gate = threading.Event()
    busy = asyncio.create_task(ledger._read(lambda _: gate.wait(10)))
    write = asyncio.create_task(moved(ledger, planned("o9"), OrderState.SUBMITTING))
    await asyncio.sleep(0)
    write.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError) as raised:
        await write
    assert isinstance(raised.value.__cause__, UnknownOrder)
    await busy


async def test_close_carries_out_what_was_asked_before(path: Path) -> None:
    ledger = await SqliteLedger.connect(path)
    gate = threading.Event()
    busy = asyncio.create_task(ledger._read(lambda _: gate.wait(10)))
    write = asyncio.create_task(ledger.add(planned()))
    await asyncio.sleep(0)
    closing = asyncio.create_task(ledger.close())
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(busy, write, closing)
    again = await SqliteLedger.connect(path)
    assert await again.open() == [planned()]
    await again.close()


async def test_the_event_loop_runs_on_while_the_disk_is_slow(ledger: SqliteLedger) -> None:
    gate = threading.Event()
    slow = asyncio.create_task(ledger._read(lambda _: gate.wait(10)))
    await asyncio.sleep(0.01)
    assert not slow.done()
    gate.set()
    assert await slow


async def test_a_full_disk_refuses_the_write_and_loses_nothing(ledger: SqliteLedger) -> None:
    before = await brought(ledger, planned("o1"), OrderState.SUBMITTING)
    await raw(ledger, "PRAGMA max_page_count = 1")
    after = before.moved(OrderState.ACCEPTED, Reason.API_ACCEPTED, NOW, "x" * 100_000, **accepted_changes())
    with pytest.raises(LedgerUnusable, match=r"the disk is full.*Free space"):
        await ledger.replace(before, after, NOW)
    with pytest.raises(LedgerUnusable, match="the disk is full"):
        await ledger.add(planned("o" * 100_000, region="r2"))
    assert await ledger.all(10) == [before]
    await raw(ledger, "PRAGMA max_page_count = 1000000")
    await ledger.replace(before, after, NOW)
    assert await ledger.get(before.id) == after
    assert await raw(ledger, "PRAGMA integrity_check") == [("ok",)]


async def test_a_file_that_somebody_holds_locked_is_refused_in_words(ledger: SqliteLedger, path: Path) -> None:
    await raw(ledger, "PRAGMA busy_timeout = 1")
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnusable, match="another program holds it locked"):
            await ledger.add(planned())
        other.execute("ROLLBACK")
    finally:
        other.close()
    await ledger.add(planned())
    assert await ledger.open() == [planned()]


async def test_a_row_of_unknown_words_is_a_damaged_ledger_and_not_a_missing_order(ledger: SqliteLedger) -> None:
    await ledger.add(planned())
    await raw(ledger, "UPDATE orders SET reason = 'Because'")
    for call in (ledger.open(), ledger.get(OrderId("o1")), moved(ledger, planned(), OrderState.SUBMITTING)):
        with pytest.raises(LedgerUnusable, match=r"damaged.*Because"):
            await call


async def test_a_closed_ledger_says_so(path: Path) -> None:
    ledger = await SqliteLedger.connect(path)
    await ledger.close()
    for call in (ledger.add(planned()), ledger.open()):
        with pytest.raises(LedgerUnusable, match="closed"):
            await call


async def test_no_file_of_the_ledger_speaks_of_a_password(ledger: SqliteLedger, path: Path) -> None:
    await brought(ledger, planned(), OrderState.ABANDONED)
    written = [file.read_bytes() for file in path.parent.iterdir()]
    assert any(b"ScaleOutCluster" in content for content in written)
    assert not any(b"password" in content.lower() for content in written)
