"""Forgetting: only what is past the horizon, whole, in small steps, and never a node that was bought."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from autoscaler.ledger import transactions
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.ledger.statements import PRUNABLE
from autoscaler.model.errors import LedgerUnusable
from autoscaler.model.order import OrderState
from tests.unit.ledger.builders import NOW, brought, planned, raw, release


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    made = await SqliteLedger.connect(tmp_path / "ledger.db")
    yield made
    await made.close()


async def test_many_orders_are_forgotten_in_several_transactions(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "PRUNE_BATCH", 4)
    for number in range(10):
        await brought(ledger, planned(f"o{number}", nodes=2), OrderState.READY, at=NOW + number)
    sizes: list[int] = []
    batch = transactions.prune

    def counted(*arguments: object) -> int:
        sizes.append(batch(*arguments))  # type: ignore[arg-type]
        return sizes[-1]

    monkeypatch.setattr(transactions, "prune", counted)
    assert await ledger.prune(NOW + 9) == 9
    assert sizes == [4, 4, 1, 0]
    assert await ledger.totals() == {planned().region: 18}
    assert [order.id for order in await ledger.all(99)] == ["o9"]
    assert await raw(ledger, "SELECT DISTINCT order_id FROM order_events") == [("o9",)]
    assert await raw(ledger, "SELECT * FROM pruning") == []


@pytest.mark.parametrize("sql", ["DELETE FROM orders", "DELETE FROM order_events"])
@pytest.mark.parametrize("state", OrderState)
async def test_no_statement_deletes_an_order_or_its_history_unless_it_is_being_pruned(
    ledger: SqliteLedger, sql: str, state: OrderState
) -> None:
    await brought(ledger, planned(), state)
    with pytest.raises(LedgerUnusable, match=r"never deleted within their retention|append-only"):
        await raw(ledger, sql)


@pytest.mark.parametrize(("table", "column"), [("orders", "id"), ("order_events", "order_id")])
@pytest.mark.parametrize("state", OrderState)
async def test_while_pruning_only_what_is_final_and_older_can_be_deleted(
    ledger: SqliteLedger, table: str, column: str, state: OrderState
) -> None:
    await brought(ledger, planned("o1"), state)
    await brought(ledger, planned("o2", region="r2"), OrderState.READY, at=NOW + 5)
    await raw(ledger, f"INSERT INTO pruning VALUES ({NOW + 5})")  # noqa: S608 - a constant of these tests
    await raw(ledger, "PRAGMA foreign_keys = OFF")  # only the triggers are to answer
    older, newer = (f"DELETE FROM {table} WHERE {column} = '{name}'" for name in ("o1", "o2"))  # noqa: S608
    with pytest.raises(LedgerUnusable, match=r"never deleted|append-only"):
        await raw(ledger, newer)
    if state.final:
        await raw(ledger, older)
    else:
        with pytest.raises(LedgerUnusable, match=r"never deleted|append-only"):
            await raw(ledger, older)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM pruned_nodes",
        "UPDATE pruned_nodes SET bought = bought - 1",
        "UPDATE pruned_nodes SET region = 'r9'",
    ],
)
async def test_nodes_that_were_bought_can_not_be_made_fewer(ledger: SqliteLedger, sql: str) -> None:
    await brought(ledger, planned(region="r1"), OrderState.READY)
    await ledger.prune(NOW + 1)
    with pytest.raises(LedgerUnusable, match="stay counted"):
        await raw(ledger, sql)
    assert await ledger.totals() == {"r1": 3}


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM acts",
        "UPDATE acts SET outcome = 'x' WHERE id = 2",
        "UPDATE acts SET reason = 'x', done_at = 5 WHERE id = 1",
        "UPDATE acts SET done_at = NULL WHERE id = 2",
        "UPDATE acts SET outcome = 'x' WHERE id = 1",
    ],
)
async def test_what_a_human_asked_for_can_not_be_rewritten(ledger: SqliteLedger, sql: str) -> None:
    await ledger.file(release("r1"))
    await ledger.file(release("r2"))
    await ledger.close_act(2, NOW, "released")
    before = await ledger.acts()
    with pytest.raises(LedgerUnusable, match=r"never deleted|closed, and once"):
        await raw(ledger, sql)
    assert await ledger.acts() == before


async def test_orders_to_forget_are_found_by_their_age(ledger: SqliteLedger) -> None:
    plan = await raw(ledger, "EXPLAIN QUERY PLAN " + PRUNABLE.replace("?", "5"))
    assert [row[3] for row in plan] == ["SEARCH orders USING INDEX orders_by_settled_at (settled_at<?)"]
