"""Files of an earlier version: everything in them is there afterwards, or nothing about them has changed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autoscaler.ledger import file as ledger_file
from autoscaler.ledger.file import MIGRATIONS
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.errors import LedgerUnusable, UnsettledOrderExists
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import NOW, brought, planned, raw
from tests.unit.ledger.version_1 import write_version_1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


async def refusal(path: Path) -> str:
    with pytest.raises(LedgerUnusable) as raised:
        await SqliteLedger.connect(path)
    return str(raised.value)


async def test_everything_in_a_file_of_version_1_is_there_afterwards(path: Path) -> None:
    orders, events = write_version_1(path)
    ledger = await SqliteLedger.connect(path)
    assert await raw(ledger, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert await ledger.all(99) == orders[::-1]
    assert await ledger.open() == [order for order in orders if not order.state.final]
    assert await ledger.settled_since(0.0) == [order for order in orders if order.state.final]
    assert [event for order in orders for event in await ledger.history(order.id)] == events
    assert (await ledger.acts(), await ledger.totals()) == ([], {})
    assert await raw(ledger, "PRAGMA integrity_check") == [("ok",)]
    assert await raw(ledger, "PRAGMA foreign_key_check") == []
    await ledger.close()


async def test_nodes_bought_under_version_1_count_as_the_model_counts_them(path: Path) -> None:
    orders, _ = write_version_1(path)
    ledger = await SqliteLedger.connect(path)
    sums = "SELECT id, bought, charged FROM orders ORDER BY id"
    assert await raw(ledger, sums) == [(order.id, order.bought, order.charged) for order in orders]
    final = [order for order in orders if order.state.final]
    assert await ledger.prune(NOW + 1e9) == len(final)
    assert await ledger.totals() == {order.region: order.bought for order in final}
    await ledger.close()


async def test_the_rules_of_version_1_hold_on_after_it(path: Path) -> None:
    write_version_1(path)
    ledger = await SqliteLedger.connect(path)
    with pytest.raises(UnsettledOrderExists):
        await ledger.add(planned("new", region="r0"))
    with pytest.raises(LedgerUnusable, match="a final order never changes"):
        await raw(ledger, "UPDATE orders SET detail = 'x'")
    with pytest.raises(LedgerUnusable, match="append-only"):
        await raw(ledger, "DELETE FROM order_events")
    with pytest.raises(LedgerUnusable, match="never deleted"):
        await raw(ledger, "DELETE FROM orders")
    await ledger.close()


@pytest.mark.parametrize("table", ["pruning", "pruned_nodes", "acts"])
async def test_a_migration_that_fails_half_way_leaves_version_1_whole(path: Path, table: str) -> None:
    """Something in the file has the name that the migration needs, after it has changed `orders` already."""
    write_version_1(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE {table} (x)")
        before = list(connection.iterdump())
    assert f"{table} already exists" in await refusal(path)
    with closing(sqlite3.connect(path)) as connection:
        assert list(connection.iterdump()) == before
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        connection.execute(f"DROP TABLE {table}")
    ledger = await SqliteLedger.connect(path)
    assert len(await ledger.all(99)) == len(OrderState)
    await ledger.close()


async def test_a_migration_that_fails_leaves_the_former_schema(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await SqliteLedger.connect(path)
    await brought(ledger, planned(), OrderState.ACCEPTED)
    await ledger.close()
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "next.sql").write_text("CREATE TABLE half (x); CREATE TABLE orders (x);")
    monkeypatch.setattr(ledger_file, "MIGRATIONS", (*MIGRATIONS, "next.sql"))
    monkeypatch.setattr(ledger_file, "files", lambda _: tmp_path)
    assert "orders already exists" in await refusal(path)
    monkeypatch.undo()
    ledger = await SqliteLedger.connect(path)
    assert await raw(ledger, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert await raw(ledger, "SELECT name FROM sqlite_schema WHERE name = 'half'") == []
    await ledger.close()


async def test_a_later_migration_is_applied_once(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = await SqliteLedger.connect(path)
    await brought(ledger, planned(), OrderState.ACCEPTED)
    await ledger.close()
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "next.sql").write_text("CREATE TABLE later (x);")
    monkeypatch.setattr(ledger_file, "MIGRATIONS", (*MIGRATIONS, "next.sql"))
    monkeypatch.setattr(ledger_file, "files", lambda _: tmp_path)
    for _ in range(2):
        ledger = await SqliteLedger.connect(path)
        assert await raw(ledger, "PRAGMA user_version") == [(len(MIGRATIONS) + 1,)]
        assert len(await ledger.open()) == 1
        await ledger.close()
