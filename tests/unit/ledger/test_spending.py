"""Budgets in the ledger: whatever is ordered and however it ends, no order is stored that a limit can not pay."""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoscaler.ledger.memory import MemoryLedger
from autoscaler.ledger.rules import amount
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.ledger.statements import SPENT, SPENT_IN
from autoscaler.model.errors import BudgetExceeded, IllegalTransition, LedgerError
from autoscaler.model.names import InstanceId, Money, RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from autoscaler.ports import Ledger
from tests.unit.ledger.builders import NOW, planned, raw

REGIONS = [RegionId(f"r{number}") for number in range(3)]


@dataclass(frozen=True)
class Add:
    """A new order."""

    region: RegionId
    nodes: int
    cost: int
    at: float


@dataclass(frozen=True)
class Step:
    """A step of one of the orders, legal or not; `came` instances of it are known then."""

    which: int
    to: OrderState
    came: int


TIMES = st.integers(-3, 3).map(lambda seconds: NOW + seconds)
ADDS = st.builds(Add, st.sampled_from(REGIONS), st.integers(1, 4), st.integers(0, 6), TIMES)
STEPS = st.builds(Step, st.integers(0, 9), st.sampled_from(OrderState), st.integers(0, 5))
LIMITS = st.lists(
    st.builds(
        SpendingLimit,
        name=st.just("budget north, day"),
        regions=st.none() | st.frozensets(st.sampled_from(REGIONS), min_size=1),
        since=TIMES,
        most=st.integers(0, 15).map(Money),
    ),
    min_size=1,
    max_size=4,
)


def spent(limit: SpendingLimit, orders: list[Order]) -> int:
    return sum(order.charged for order in orders if order.created_at >= limit.since and limit.covers(order.region))


async def play(ledger: Ledger, actions: list[Add | Step], limits: list[SpendingLimit]) -> list[str]:
    """Carry the actions out; gives what the ledger answered to each, for comparison with another ledger."""
    answers = []
    for number, action in enumerate(actions):
        before = list(await ledger.all(99))
        try:
            if isinstance(action, Add):
                await added(ledger, number, action, limits, before)
            elif before:
                await stepped(ledger, before[action.which % len(before)], action)
        except (LedgerError, IllegalTransition) as error:
            assert list(await ledger.all(99)) == before
            answers.append(f"{type(error).__name__}: {error}")
        else:
            answers.append("done")
            after = list(await ledger.all(99))
            if isinstance(action, Step):
                assert all(spent(limit, after) <= spent(limit, before) for limit in limits), "a step spent money"
    return answers


async def added(ledger: Ledger, number: int, action: Add, limits: list[SpendingLimit], before: list[Order]) -> None:
    order = planned(f"o{number}", region=action.region, nodes=action.nodes, cost=action.cost, at=action.at)
    covering = [limit for limit in limits if limit.covers(action.region)]
    fits = all(spent(limit, before) + action.cost <= limit.most for limit in covering)
    try:
        await ledger.add(order, limits)
    except BudgetExceeded:
        assert not fits, "refused, though every limit has enough left"
        raise
    assert fits
    after = list(await ledger.all(99))
    assert all(spent(limit, after) <= limit.most for limit in covering)


async def stepped(ledger: Ledger, order: Order, step: Step) -> None:
    # No more than ordered: what a vendor makes beyond an order is charged, and no ledger can keep it from that.
    instances = frozenset(InstanceId(f"i-{number}") for number in range(min(step.came, order.nodes)))
    await ledger.replace(order, order.moved(step.to, Reason.SENDING, NOW, instances=instances), NOW)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ADDS | STEPS, max_size=25), LIMITS)
def test_no_order_takes_the_charges_above_a_limit(actions: list[Add | Step], limits: list[SpendingLimit]) -> None:
    async def both() -> None:
        with tempfile.TemporaryDirectory() as folder:
            sqlite = await SqliteLedger.connect(Path(folder) / "ledger.db")
            await raw(sqlite, "PRAGMA synchronous = OFF")  # a rehearsal needs no protection from power cuts
            try:
                assert await play(sqlite, actions, limits) == await play(MemoryLedger(), actions, limits)
            finally:
                await sqlite.close()

    asyncio.run(both())


async def test_a_budget_is_summed_up_from_an_index_and_no_order_is_read_for_it(tmp_path: Path) -> None:
    ledger = await SqliteLedger.connect(tmp_path / "ledger.db")
    for query in (SPENT.replace("?", "5.0"), SPENT_IN.replace("?", "5.0", 1).replace("?", "'[]'")):
        plan = [row[3] for row in await raw(ledger, f"EXPLAIN QUERY PLAN {query}")]
        assert plan[0] == "SEARCH orders USING COVERING INDEX orders_by_charge (created_at>?)"
    await ledger.close()


async def test_a_limit_may_name_more_regions_than_sqlite_takes_parameters(tmp_path: Path) -> None:
    ledger = await SqliteLedger.connect(tmp_path / "ledger.db")
    many = frozenset(RegionId(f"r{number}") for number in range(300_000))
    limit = SpendingLimit("budget all, month", many, NOW, Money(10))
    await ledger.add(planned("o1", region="r299999", cost=6), [limit])
    with pytest.raises(BudgetExceeded):
        await ledger.add(planned("o2", region="r1", cost=5), [limit])
    await ledger.close()


@pytest.mark.parametrize(
    ("money", "text"), [(0, "0.00"), (5, "0.05"), (12_345, "123.45"), (100_000_000, "1000000.00"), (-250, "-2.50")]
)
def test_amounts_are_written_as_people_write_them(money: int, text: str) -> None:
    assert amount(money) == text
