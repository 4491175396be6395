"""A process that is killed the moment a write has returned: what it was told is on the disk is there."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import NOW, PATHS, planned

SCRIPT = """
import asyncio, os, signal, sys
from pathlib import Path
from autoscaler.ledger.sqlite import SqliteLedger
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
