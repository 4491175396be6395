"""The daemon as a real process: killed, asked to stop, started twice, and started on nonsense."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from tests.integration.daemon import BUSY, Bench, DaemonProcess, bench, scene, until

GOLDEN = Path(__file__).parents[1] / "golden" / "bad_configuration"
HELD = 60.0
"""Seconds: longer than any test, so that a held answer never comes unless a test says so."""


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path) as made:
        yield made


async def reasons(stand: Bench) -> list[Reason]:
    order = await stand.only_order()
    return [event.reason for event in await stand.history(order.id)]


async def books_agree_on_one_purchase(stand: Bench) -> None:
    assert [(sale.region, sale.nodes) for sale in stand.books.purchases] == [(BUSY, 2)]
    order = await stand.only_order()
    assert order.state is OrderState.READY
    assert order.instances == frozenset(stand.books.purchases[0].instances)
    assert await stand.bought() == stand.books.sold_total == 2


@pytest.mark.parametrize("task_parameters", [True, False], ids=["task tells region and count", "task tells instances"])
async def test_a_daemon_killed_after_the_sale_finds_the_purchase_and_buys_no_second(
    tmp_path: Path, task_parameters: bool
) -> None:
    async with bench(tmp_path, scene(task_parameters=task_parameters)) as stand:
        stand.faults.next_purchase("delay_answer", seconds=HELD)
        first = await stand.daemon()
        await stand.sale(first)
        assert (await stand.only_order()).state is OrderState.SUBMITTING  # on the disk before the call has left
        assert await first.end(SIGKILL) == -SIGKILL

        second = await stand.daemon()
        await stand.settled(second)
        await books_agree_on_one_purchase(stand)
        assert Reason.PROCESS_DIED_WHILE_SENDING in await reasons(stand)
        assert Reason.EVIDENCE_FOUND in await reasons(stand)
        assert (await stand.only_order()).attempt == 1


async def test_a_sale_executed_after_its_caller_was_killed_is_found_and_not_bought_again(stand: Bench) -> None:
    stand.faults.next_purchase("hang_before", seconds=4.0)
    first = await stand.daemon()
    await stand.call_held(first)
    assert (await stand.only_order()).state is OrderState.SUBMITTING
    assert await first.end(SIGKILL) == -SIGKILL
    assert not stand.books.purchases

    second = await stand.daemon(EXECUTOR__SETTLE_AFTER="10s")

    async def taken_up() -> bool:
        return (await stand.only_order()).state is OrderState.IN_DOUBT

    await until(taken_up, "the order is in doubt")
    assert not stand.books.purchases  # the doubt is older than the sale
    await stand.settled(second)
    await books_agree_on_one_purchase(stand)
    assert Reason.EVIDENCE_FOUND in await reasons(stand)
    assert Reason.ABSENCE_PROVEN not in await reasons(stand)


async def test_a_call_that_died_with_its_caller_is_proven_absent_and_sent_once_more(stand: Bench) -> None:
    stand.faults.next_purchase("hang_before", seconds=HELD)
    first = await stand.daemon()
    await stand.call_held(first)
    assert await first.end(SIGKILL) == -SIGKILL
    await stand.restart_simulator()
    assert not stand.books.purchases

    second = await stand.daemon(EXECUTOR__SETTLE_AFTER="2s", ALIBABA__TIMEOUT="1s")
    await stand.settled(second)
    await books_agree_on_one_purchase(stand)
    told = await reasons(stand)
    assert told[:4] == [Reason.DECIDED, Reason.SENDING, Reason.PROCESS_DIED_WHILE_SENDING, Reason.ABSENCE_PROVEN]
    order = await stand.only_order()
    assert order.attempt == 2
    events = await stand.history(order.id)
    assert events[3].at - events[1].at >= 2.0  # no sooner than the settle time after the call


async def test_a_stop_waits_for_the_answer_of_a_call_that_has_left(stand: Bench) -> None:
    stand.faults.next_purchase("delay_answer", seconds=1.0)
    first = await stand.daemon()
    await stand.sale(first)
    assert (await stand.only_order()).state is OrderState.SUBMITTING
    assert await first.end(SIGTERM) == 0
    order = await stand.only_order()
    assert (order.state, order.reason) == (OrderState.ACCEPTED, Reason.API_ACCEPTED)
    assert order.receipt is not None
    assert order.receipt.task == stand.books.purchases[0].task_id

    second = await stand.daemon()
    await stand.settled(second)
    await books_agree_on_one_purchase(stand)


async def test_a_stop_without_an_answer_leaves_a_doubt_that_the_next_start_settles(stand: Bench) -> None:
    stand.faults.next_purchase("delay_answer", seconds=HELD)
    first = await stand.daemon(ALIBABA__TIMEOUT="1s")
    await stand.sale(first)
    assert await first.end(SIGTERM) == 0
    order = await stand.only_order()
    assert (order.state, order.reason) == (OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN)

    second = await stand.daemon()
    await stand.settled(second)
    await books_agree_on_one_purchase(stand)


async def test_an_idle_daemon_stops_within_two_seconds_and_has_told_no_secret(stand: Bench) -> None:
    stand.faults.next_purchase("throttle", retry_after=0.1)  # a refusal passes more code than a sale
    daemon = await stand.daemon(LOG__LEVEL="debug")
    await stand.settled(daemon)
    assert await daemon.get("/healthz") == "ok\n"
    assert await daemon.get("/readyz") == "ok\n"
    pages = [await daemon.get(page) or "" for page in ("/metrics", "/api/v1/status", f"/api/v1/regions/{BUSY}/explain")]
    assert "autoscaler_" in pages[0]
    files = [path.read_bytes() for path in sorted(stand.ledger.parent.glob("ledger.db*"))]  # the log beside it, too
    assert await daemon.end(SIGTERM, within=2.0) == 0
    files.append(stand.ledger.read_bytes())

    lines = [json.loads(line) for line in daemon.stderr.splitlines()]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    assert any(line["event"] == "order changed" for line in lines)
    assert daemon.stdout == ""
    told = [text.encode() for text in (daemon.stderr, *pages)] + files
    assert any(BUSY.encode() in file for file in files)
    assert not [secret for secret in secrets(stand) if any(secret in text for text in told)]


def secrets(stand: Bench) -> list[bytes]:
    """The AccessKey secret and the login password, as the configuration has them."""
    written = "\n".join(path.read_text() for path in sorted(stand.config.parent.rglob("*.yaml")))
    found = [secret for secret in ("simulated-secret", "Simulated-2026") if secret in written]
    assert len(found) == 2
    return [secret.encode() for secret in found]


async def test_a_bad_configuration_ends_it_with_every_problem_told(tmp_path: Path) -> None:
    daemon = DaemonProcess(GOLDEN / "autoscaler.yaml", tmp_path / "daemon", {})
    try:
        await daemon.start()
        assert await daemon.ended() == 1
    finally:
        await daemon.reap()
    expected = (GOLDEN / "expected.txt").read_text(encoding="utf-8").splitlines()[:-1]  # the last line counts them
    assert daemon.stderr.splitlines() == expected
    assert daemon.stdout == ""


async def test_a_second_daemon_on_a_ledger_ends_at_once_and_the_first_goes_on(stand: Bench) -> None:
    first = await stand.daemon()
    await until(first.is_ready, "the first daemon is ready")
    second = await stand.daemon()
    assert await second.ended() == 1
    assert f"another daemon uses it (process {first.pid})" in second.stderr
    assert len(second.stderr.splitlines()) == 1  # the one reason, and no traceback

    await stand.settled(first)
    await books_agree_on_one_purchase(stand)
    assert await first.end(SIGTERM) == 0
