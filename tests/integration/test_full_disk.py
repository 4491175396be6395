"""A full disk, for a real daemon: nothing is ordered, readiness says why, and the answer of a purchase is not lost."""

import asyncio
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.model.order import OrderState
from tests.integration.daemon import Bench, DaemonProcess, bench, until
from tests.integration.servers import http_get


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as made:
        yield made


def let_no_file_grow(daemon: DaemonProcess, ledger: Path) -> None:
    """No file of the process grows beyond the ledger's log as it is now: what is written next meets a full disk."""
    log = ledger.with_name(f"{ledger.name}-wal")
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, resource.RLIM_INFINITY))


def make_room(daemon: DaemonProcess) -> None:
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def test_the_answer_of_a_purchase_waits_for_room_and_nothing_is_bought_twice(stand: Bench) -> None:
    stand.faults.next_purchase("delay_answer", seconds=1.5)
    daemon = await stand.daemon(LOG__LEVEL="error")
    await stand.call_held(daemon)
    let_no_file_grow(daemon, stand.ledger)

    async def refused() -> bool:
        why = await asyncio.to_thread(http_get, daemon.port, "/readyz?verbose", 503)
        return why is not None and "ledger" in why and await daemon.get("/healthz") is not None

    await until(refused, "the daemon is not ready because of its ledger, and lives")
    metrics = await daemon.get("/metrics")
    assert metrics is not None
    assert "autoscaler_ledger_usable 0.0" in metrics
    assert (await stand.only_order()).state is OrderState.SUBMITTING
    assert stand.books.sold_total == 2

    make_room(daemon)
    await stand.settled(daemon)
    order = await stand.only_order()
    assert (order.state, order.attempt, await stand.bought()) == (OrderState.READY, 1, 2)
    assert stand.books.sold_total == 2
    assert await daemon.get("/readyz") is not None
