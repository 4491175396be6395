"""A disk with no room left, for real: a process that may not make its files any larger."""

import subprocess
import sys
from pathlib import Path

from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import raw

SCRIPT = """
import asyncio, resource, sys
from pathlib import Path
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from tests.unit.ledger.builders import NOW, brought, moved, planned

def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

async def refused(call):
    try:
        await call
    except LedgerUnusable as error:
        return str(error)
    raise SystemExit("the write was taken")

async def main():
    path = Path(sys.argv[1])
    ledger = await SqliteLedger.connect(path)
    before = await brought(ledger, planned("o1"), OrderState.SUBMITTING)
    settled = await brought(ledger, planned("o2", region="r2"), OrderState.READY)
    orders = await ledger.all(9)
    room(path.with_name(path.name + "-wal").stat().st_size + 100)
    after = before.moved(OrderState.ACCEPTED, Reason.API_ACCEPTED, NOW)
    for _ in range(3):
        print(await refused(ledger.replace(before, after, NOW)))
        print(await refused(ledger.add(planned("o3", region="r3"))))
        print(await refused(ledger.prune(NOW + 1)))
    assert await ledger.all(9) == orders
    assert len(await ledger.history(settled.id)) == 4
    room(resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    await ledger.replace(before, after, NOW)
    await ledger.add(planned("o3", region="r3"))
    assert await ledger.prune(NOW + 1) == 1
    room(100)
    print(await refused(moved(ledger, after, OrderState.READY)))
    await ledger.close()

asyncio.run(main())
"""
ROOT = Path(__file__).parents[3]


async def test_without_room_every_write_is_refused_and_with_room_it_is_taken_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    child = subprocess.run(  # noqa: ASYNC221 - the limit is the child's, and nothing else runs on this loop
        [sys.executable, "-c", SCRIPT, str(path)], cwd=ROOT, timeout=60, capture_output=True, check=False
    )
    assert child.returncode == 0, child.stderr.decode()
    refusals = child.stdout.decode().splitlines()
    assert len(refusals) == 10
    assert all(str(path) in text and "file size limit" in text and "is safe" in text for text in refusals)
    ledger = await SqliteLedger.connect(path)
    assert {order.id: order.state for order in await ledger.all(9)} == {
        "o1": OrderState.ACCEPTED,
        "o3": OrderState.PLANNED,
    }
    assert await ledger.totals() == {"r2": 3}
    assert await raw(ledger, "PRAGMA integrity_check") == [("ok",)]
    await ledger.close()
