"""What the memory ledger adds to the contract: it can be made to fail, and outlives its closing."""

import pytest

from autoscaler.ledger.memory import MemoryLedger
from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.names import OrderId
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import NOW, moved, planned, release


async def test_a_fault_refuses_every_call_and_changes_nothing() -> None:
    ledger = MemoryLedger()
    await ledger.add(planned())
    ledger.fault = "the disk is full"
    calls = [
        ledger.add(planned("o2", region="r2")),
        moved(ledger, planned(), OrderState.SUBMITTING),
        ledger.get(OrderId("o1")),
        ledger.open(),
        ledger.settled_since(0.0),
        ledger.all(9),
        ledger.history(OrderId("o1")),
        ledger.file(release()),
        ledger.acts(),
        ledger.close_act(1, NOW, "done"),
        ledger.prune(NOW),
        ledger.totals(),
    ]
    for call in calls:
        with pytest.raises(LedgerUnusable, match="the disk is full"):
            await call
    ledger.fault = None
    assert await ledger.all(9) == [planned()]


async def test_a_second_daemon_finds_what_the_first_left() -> None:
    ledger = MemoryLedger()
    await ledger.add(planned())
    await ledger.close()
    assert await ledger.open() == [planned()]
