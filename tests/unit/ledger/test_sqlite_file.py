"""Opening: what is refused, in which words, and that a refusal changes nothing."""

# ruff: noqa: ASYNC240 - these tests are about files, and nothing else runs on their event loop

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autoscaler.ledger import file as ledger_file
from autoscaler.ledger.file import MIGRATIONS, Access, LedgerFile
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import accepted_changes, brought, moved, planned


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


async def written(path: Path, orders: int = 1) -> None:
    ledger = await SqliteLedger.connect(path)
    for number in range(orders):
        await brought(ledger, planned(f"o{number}", region=f"r{number}"), OrderState.ACCEPTED)
    await ledger.close()


async def refusal(path: Path, access: Access = Access.OWNER) -> str:
    with pytest.raises(LedgerUnusable) as raised:
        await SqliteLedger.connect(path, access=access)
    assert str(path) in str(raised.value)
    return str(raised.value)


async def test_the_folder_and_the_file_are_made_when_missing(tmp_path: Path) -> None:
    path = tmp_path / "var" / "lib 100%?#" / "ledger.db"
    await written(path)
    assert sorted(file.name for file in path.parent.iterdir()) == ["ledger.db", "ledger.db.lock"]


async def test_orders_are_there_after_a_restart(path: Path) -> None:
    first = await SqliteLedger.connect(path)
    submitting = await brought(first, planned(), OrderState.SUBMITTING)
    order = await moved(first, submitting, OrderState.ACCEPTED, **accepted_changes())
    history = await first.history(order.id)
    await first.close()
    second = await SqliteLedger.connect(path)
    assert await second.open() == [order]
    assert await second.history(order.id) == history
    await second.close()


async def test_a_second_daemon_refuses_to_order_and_says_who_is_there_and_what_to_do(path: Path) -> None:
    first = await SqliteLedger.connect(path)
    text = await refusal(path)
    assert f"another daemon uses it (process {os.getpid()}), and a second one refuses to order" in text
    assert "Stop that one first, or give this one another path and other regions" in text
    await first.add(planned())
    await first.close()
    second = await SqliteLedger.connect(path)
    assert await second.open() == [planned()]
    await second.close()


async def test_a_refused_opening_keeps_nothing_locked(path: Path) -> None:
    await written(path)
    content = path.read_bytes()
    path.write_bytes(b"no ledger at all" * 100)
    await refusal(path)
    path.write_bytes(content)
    await written(path, orders=0)


@pytest.mark.parametrize("access", Access)
async def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, access: Access) -> None:
    path.write_bytes(b"not a database, but a few bytes more than its header" * 50)
    before = path.read_bytes()
    text = await refusal(path, access)
    assert "compare the open orders" in text
    assert "restore it from a backup" in text
    assert path.read_bytes() == before


@pytest.mark.parametrize("access", Access)
async def test_a_damaged_page_is_found_at_opening(path: Path, access: Access) -> None:
    await written(path, orders=40)
    with path.open("r+b") as file:
        file.seek(4096 * 2 + 8)
        file.write(b"\xff" * 2000)
    assert "damaged" in await refusal(path, access)


async def test_an_index_that_lost_its_entries_is_found_at_opening(path: Path) -> None:
    """The index holds the rule that a region is not bought for twice; a quick check does not look into it."""
    await written(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET sql = replace(sql, 'in_doubt', 'accepted') WHERE type = 'index'")
        connection.commit()
    assert "missing from index orders_one_unsettled" in await refusal(path)


@pytest.mark.parametrize("access", Access)
async def test_a_newer_ledger_is_refused_and_left_alone(path: Path, access: Access) -> None:
    await written(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    text = await refusal(path, access)
    assert "A newer version has written it" in text
    assert path.read_bytes() == before


@pytest.mark.parametrize("access", Access)
async def test_the_database_of_another_program_is_left_alone(path: Path, access: Access) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()
    text = await refusal(path, access)
    assert "it is a database of another program. Check the path of the ledger" in text
    assert path.read_bytes() == before


@pytest.mark.parametrize("access", Access)
async def test_a_ledger_that_was_emptied_is_not_taken_for_a_new_one(path: Path, access: Access) -> None:
    await written(path)
    path.write_bytes(b"")
    text = await refusal(path, access)
    assert "it is empty. Stop every daemon on it and restore it from a backup" in text
    assert path.read_bytes() == b""


async def test_a_ledger_moved_away_without_its_log_is_not_made_anew(path: Path) -> None:
    path.with_name("ledger.db-wal").write_bytes(b"the latest orders")
    assert "-wal file is there" in await refusal(path)
    assert not path.exists()


async def test_a_ledger_is_made_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_file, "MIGRATIONS", ("0001_orders.sql", "missing.sql"))
    text = await refusal(path)
    assert "missing.sql" in text
    assert not path.exists()
    monkeypatch.undo()
    await written(path)


async def test_a_volume_that_can_not_keep_it_safe_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite answers with the mode that it could set; on some network volumes that is not WAL."""
    monkeypatch.setattr(ledger_file, "_PRAGMAS", (("journal_mode", "off"), ("journal_mode", "wall")))
    assert "journal_mode stays" in await refusal(path)


async def test_a_path_that_is_a_folder_or_below_a_file_is_refused_in_words(tmp_path: Path) -> None:
    assert "can not be opened" in await refusal(tmp_path)
    (tmp_path / "file").write_text("x")
    await refusal(tmp_path / "file" / "ledger.db")


@pytest.mark.parametrize("fate", ["deleted", "replaced"])
async def test_nothing_is_written_into_a_file_that_lost_its_name(path: Path, fate: str) -> None:
    ledger = await SqliteLedger.connect(path)
    path.rename(path.with_name("aside.db"))
    if fate == "replaced":
        path.write_bytes(b"")
    with pytest.raises(LedgerUnusable, match="deleted or replaced"):
        await ledger.add(planned())
    path.with_name("aside.db").replace(path)
    await ledger.add(planned())
    assert await ledger.open() == [planned()]
    await ledger.close()


def test_a_closed_file_gives_no_connection(path: Path) -> None:
    file = LedgerFile(path, Access.OWNER)
    file.close()
    file.close()
    with pytest.raises(LedgerUnusable, match="closed"):
        _ = file.connection
