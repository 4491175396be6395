"""Who may do what: one owner, and beside it readers who only look and clerks who only file acts."""

# ruff: noqa: ASYNC240 - these tests are about files, and nothing else runs on their event loop

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from autoscaler.ledger.file import MIGRATIONS, Access
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.names import OrderId
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import NOW, brought, moved, planned, raw, release

ROOT = Path(__file__).parents[3]
BESIDE = [Access.READER, Access.CLERK]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


async def written(path: Path) -> None:
    ledger = await SqliteLedger.connect(path)
    await brought(ledger, planned("o0", region="r0"), OrderState.ACCEPTED)
    await ledger.close()


@pytest.mark.parametrize("access", BESIDE)
async def test_who_is_beside_the_daemon_sees_what_it_has_just_written(path: Path, access: Access) -> None:
    daemon = await SqliteLedger.connect(path)
    await daemon.add(planned())
    beside = await SqliteLedger.connect(path, access=access)
    assert await beside.open() == [planned()]
    after = await moved(daemon, planned(), OrderState.SUBMITTING)
    assert await beside.open() == [after]
    assert len(await beside.history(after.id)) == 2
    await beside.close()
    await moved(daemon, after, OrderState.IN_DOUBT)
    await daemon.close()


@pytest.mark.parametrize("access", BESIDE)
async def test_who_only_looks_keeps_no_daemon_from_starting(path: Path, access: Access) -> None:
    await written(path)
    beside = await SqliteLedger.connect(path, access=access)
    assert len(await beside.open()) == 1
    daemon = await SqliteLedger.connect(path)
    await daemon.add(planned("o9"))
    assert len(await beside.open()) == 2
    await daemon.close()
    await beside.close()


async def test_read_only_is_a_reader(path: Path) -> None:
    await written(path)
    reader = await SqliteLedger.connect(path, read_only=True)
    with pytest.raises(LedgerUnusable, match="to be read only"):
        await reader.file(release())
    await reader.close()


@pytest.mark.parametrize("access", BESIDE)
async def test_nobody_beside_the_daemon_writes_orders_or_closes_acts(path: Path, access: Access) -> None:
    await written(path)
    daemon = await SqliteLedger.connect(path)
    await daemon.file(release())
    beside = await SqliteLedger.connect(path, access=access)
    before = (await daemon.all(9), await daemon.acts())
    calls = (
        beside.add(planned("o9")),
        moved(beside, await beside.get(OrderId("o0")), OrderState.READY),
        beside.close_act(1, NOW, "done"),
        beside.prune(NOW + 1e9),
    )
    for call in calls:
        with pytest.raises(LedgerUnusable, match=f"opened as a {access}.*written by the daemon that owns it"):
            await call
    assert (await daemon.all(9), await daemon.acts()) == before
    await beside.close()
    await daemon.close()


async def test_a_reader_files_nothing_and_its_connection_can_not_write(path: Path) -> None:
    await written(path)
    reader = await SqliteLedger.connect(path, access=Access.READER)
    with pytest.raises(LedgerUnusable, match="to be read only"):
        await reader.file(release())
    with pytest.raises(LedgerUnusable, match="can not be written"):
        await raw(reader, "UPDATE orders SET detail = 'x'")
    await reader.close()


async def test_what_a_clerk_files_the_daemon_finds_and_closes(path: Path) -> None:
    daemon = await SqliteLedger.connect(path)
    clerk = await SqliteLedger.connect(path, access=Access.CLERK)
    act = await clerk.file(release())
    assert await daemon.acts() == [act]
    closed = await daemon.close_act(act.id, NOW + 1, "released")
    assert await clerk.acts() == [closed]
    await daemon.close()
    later = await clerk.file(release("*"))
    await clerk.close()
    daemon = await SqliteLedger.connect(path)
    assert await daemon.acts() == [closed, later]
    await daemon.close()


async def test_a_clerk_writes_as_durably_as_the_daemon(path: Path) -> None:
    await written(path)
    clerk = await SqliteLedger.connect(path, access=Access.CLERK)
    assert await raw(clerk, "PRAGMA synchronous") == [(2,)]
    assert await raw(clerk, "PRAGMA journal_mode") == [("wal",)]
    assert await raw(clerk, "PRAGMA busy_timeout") == [(5000,)]
    await clerk.close()


@pytest.mark.parametrize("access", BESIDE)
async def test_only_a_daemon_makes_a_ledger(tmp_path: Path, access: Access) -> None:
    with pytest.raises(LedgerUnusable, match=r"there is no such file\. Check the path.*a daemon makes the file"):
        await SqliteLedger.connect(tmp_path / "missing" / "ledger.db", access=access)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("access", BESIDE)
async def test_only_a_daemon_brings_an_older_ledger_up_to_date(path: Path, access: Access) -> None:
    await written(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
    before = path.read_bytes()
    with pytest.raises(LedgerUnusable, match=f"schema 1.* reads {len(MIGRATIONS)}.*Start this version of the daemon"):
        await SqliteLedger.connect(path, access=access)
    assert path.read_bytes() == before


CLERK = """
import asyncio, os, signal, sys
from pathlib import Path
from autoscaler.ledger.file import Access
from autoscaler.ledger.sqlite import SqliteLedger
from tests.unit.ledger.builders import release

async def main():
    clerk = await SqliteLedger.connect(Path(sys.argv[1]), access=Access.CLERK)
    for number in range(40):
        await clerk.file(release(f"r{number}"))
        print(number, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_acts_and_orders_of_two_processes_are_all_there_though_the_clerk_is_killed(path: Path) -> None:
    daemon = await SqliteLedger.connect(path)
    clerk = subprocess.Popen(  # noqa: ASYNC220 - two processes must write at once
        [sys.executable, "-c", CLERK, str(path)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert clerk.stdout is not None
    written_meanwhile = 0
    while clerk.stdout.readline():  # while the clerk files the next act, this one writes the next order
        await brought(daemon, planned(f"o{written_meanwhile}"), OrderState.READY)
        written_meanwhile += 1
    _, errors = clerk.communicate()
    assert clerk.returncode == -signal.SIGKILL, errors.decode()
    assert [act.subject for act in await daemon.acts()] == [f"r{number}" for number in range(40)]
    assert len(await daemon.all(99)) == written_meanwhile == 40
    assert await raw(daemon, "PRAGMA integrity_check") == [("ok",)]
    await daemon.close()


OWNER = """
import asyncio, sys
from pathlib import Path
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import brought, planned

async def main():
    daemon = await SqliteLedger.connect(Path(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        await brought(daemon, planned("o" + line.strip()), OrderState.READY)
        print(line, end="", flush=True)

asyncio.run(main())
"""


async def test_a_clerk_files_on_when_the_daemon_is_killed_amid_its_writes(path: Path) -> None:
    daemon = subprocess.Popen(  # noqa: ASYNC220 - two processes must write at once
        [sys.executable, "-c", OWNER, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert daemon.stdin is not None
    assert daemon.stdout is not None
    assert daemon.stdout.readline() == b"ready\n"
    clerk = await SqliteLedger.connect(path, access=Access.CLERK)
    for number in range(10):
        daemon.stdin.write(b"%d\n" % number)
        daemon.stdin.flush()
        await clerk.file(release(f"r{number}"))
        assert daemon.stdout.readline() == b"%d\n" % number
    daemon.stdin.write(b"10\n")
    daemon.stdin.flush()
    await clerk.file(release("r10"))
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.communicate()
    await clerk.file(release("r11"))
    await clerk.close()
    ledger = await SqliteLedger.connect(path)
    assert [act.subject for act in await ledger.acts()] == [f"r{number}" for number in range(12)]
    assert len(await ledger.settled_since(0.0)) >= 10
    for order in await ledger.all(99):
        assert len(await ledger.history(order.id)) == order.version + 1
    await ledger.close()
