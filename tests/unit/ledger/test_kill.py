"""A process that is killed the moment a write has returned: what it was told is on the disk is there."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import NOW, PATHS, planned, raw
from tests.unit.ledger.version_1 import write_version_1

SCRIPT = """
import asyncio, os, signal, sys
from pathlib import Path
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import brought, planned

async def main():
    ledger = await SqliteLedger.connect(Path(sys.argv[1]))
    await brought(ledger, planned(), OrderState(sys.argv[2]))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("state", [OrderState.PLANNED, OrderState.SUBMITTING, OrderState.ACCEPTED])
async def test_what_a_write_returned_survives_a_kill(tmp_path: Path, state: OrderState) -> None:
    path = tmp_path / "ledger.db"
    dead = subprocess.run(  # noqa: ASYNC221 - nothing else runs on this loop, and the child must be dead before we look
        [sys.executable, "-c", SCRIPT, str(path), state.value], cwd=ROOT, timeout=30, capture_output=True, check=False
    )
    assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
    assert path.with_name("ledger.db-wal").exists(), "the process closed the ledger before it died"
    reader = await SqliteLedger.connect(path, read_only=True)
    assert [order.state for order in await reader.open()] == [state]
    await reader.close()
    ledger = await SqliteLedger.connect(path)
    (order,) = await ledger.open()
    assert (order.state, order.version, order.created_at) == (state, len(PATHS[state]), NOW)
    assert [event.after for event in await ledger.history(planned().id)] == [OrderState.PLANNED, *PATHS[state]]
    await ledger.close()


PRUNING = """
import asyncio, os, signal, sys
from pathlib import Path
from autoscaler.ledger import transactions
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import NOW, brought, planned

async def main():
    left = int(sys.argv[2])
    transactions.PRUNE_BATCH = 4
    ledger = await SqliteLedger.connect(Path(sys.argv[1]))
    for number in range(10):
        await brought(ledger, planned(f"o{number}", nodes=1 + number), OrderState.READY)

    def count(statement):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    await ledger._read(lambda connection: connection.set_trace_callback(count))
    await ledger.prune(NOW + 1)

asyncio.run(main())
"""


@pytest.mark.parametrize("statements", [5, 20, 38, 45, 75, 95])
async def test_a_kill_amid_pruning_leaves_every_order_whole_or_counted(tmp_path: Path, statements: int) -> None:
    path = tmp_path / "ledger.db"
    dead = subprocess.run(  # noqa: ASYNC221 - nothing else runs on this loop, and the child must be dead before we look
        [sys.executable, "-c", PRUNING, str(path), str(statements)],
        cwd=ROOT,
        timeout=30,
        capture_output=True,
        check=False,
    )
    assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
    ledger = await SqliteLedger.connect(path)
    orders = await ledger.all(99)
    assert len(orders) in {10, 6, 2}
    assert sum(order.bought for order in orders) + sum((await ledger.totals()).values()) == 55
    for order in orders:
        assert len(await ledger.history(order.id)) == order.version + 1
    with pytest.raises(LedgerUnusable, match="never deleted"):
        await raw(ledger, "DELETE FROM orders")
    await ledger.close()


MIGRATING = """
import asyncio, os, signal, sqlite3, sys
from pathlib import Path
from autoscaler.ledger import file
from autoscaler.ledger.sqlite import SqliteLedger

connect = file._connect

def watched(path, mode):
    connection = connect(path, mode)
    connection.set_trace_callback(kill)
    return connection

def kill(statement):
    if sys.argv[2] in statement:
        os.kill(os.getpid(), signal.SIGKILL)

file._connect = watched
asyncio.run(SqliteLedger.connect(Path(sys.argv[1])))
"""


@pytest.mark.parametrize(
    "statement", ["DROP TRIGGER orders_final_stay", "CREATE TABLE acts", "PRAGMA user_version = 2"]
)
async def test_a_kill_amid_the_migration_leaves_a_ledger_that_the_next_start_migrates(
    tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "ledger.db"
    orders, events = write_version_1(path)
    dead = subprocess.run(  # noqa: ASYNC221 - nothing else runs on this loop, and the child must be dead before we look
        [sys.executable, "-c", MIGRATING, str(path), statement],
        cwd=ROOT,
        timeout=30,
        capture_output=True,
        check=False,
    )
    assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()
    ledger = await SqliteLedger.connect(path)
    assert await ledger.all(99) == orders[::-1]
    assert sum([len(await ledger.history(order.id)) for order in orders]) == len(events)
    await ledger.close()
