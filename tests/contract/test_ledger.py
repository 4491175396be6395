"""What every implementer of ports.Ledger promises. One suite, run over each of them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from autoscaler.ledger.memory import MemoryLedger
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.errors import (
    BudgetExceeded,
    IllegalTransition,
    LedgerError,
    StaleOrder,
    UnknownOrder,
    UnsettledOrderExists,
)
from autoscaler.model.names import InstanceId, Money, OrderId, RegionId
from autoscaler.model.operation import Operation
from autoscaler.model.order import TRANSITIONS, UNSETTLED, Order, OrderEvent, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from autoscaler.ports import Ledger
from tests.unit.ledger.builders import (
    NOW,
    OPERATIONS,
    REGION,
    accepted_changes,
    brought,
    moved,
    operation,
    planned,
    release,
)

FINAL = [state for state in OrderState if state.final]
SETTLED = [state for state in OrderState if not state.unsettled]
ILLEGAL = [(a, b) for a in OrderState for b in OrderState if b not in TRANSITIONS[a] and (a != b or a.final)]


@pytest_asyncio.fixture(params=["memory", "sqlite"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    made: Ledger = MemoryLedger() if request.param == "memory" else await SqliteLedger.connect(tmp_path / "ledger.db")
    yield made
    await made.close()


async def test_an_added_order_is_given_back_as_it_was(ledger: Ledger) -> None:
    await ledger.add(planned())
    assert await ledger.get(OrderId("o1")) == planned()


async def test_what_an_order_costs_and_is_for_is_given_back_as_it_was(ledger: Ledger) -> None:
    order = replace(planned(cost=12_345), desired=17, for_region=RegionId("cn-full-1"))
    await ledger.add(order)
    assert await ledger.get(order.id) == order


@pytest.mark.parametrize("kept", OPERATIONS, ids=lambda kept: kept.name)
async def test_every_kind_of_order_is_given_back_as_it_was(ledger: Ledger, kept: Operation) -> None:
    order = replace(planned(), operation=kept)
    await ledger.add(order)
    assert await ledger.open() == [order]
    assert type((await ledger.get(order.id)).operation) is type(kept)


async def test_everything_an_order_learns_is_given_back_as_it_was(ledger: Ledger) -> None:
    submitting = await brought(ledger, planned(), OrderState.SUBMITTING)
    after = submitting.moved(
        OrderState.ACCEPTED, Reason.API_ACCEPTED, NOW, "said “yes”\n\0 twice", **accepted_changes()
    )
    await ledger.replace(submitting, after, NOW)
    assert await ledger.get(after.id) == after
    assert await ledger.open() == [after]


async def test_a_receipt_without_a_task_is_not_no_receipt(ledger: Ledger) -> None:
    submitting = await brought(ledger, planned(), OrderState.SUBMITTING)
    receipt = replace(accepted_changes()["receipt"], task=None, request_id="")
    after = await moved(ledger, submitting, OrderState.ACCEPTED, receipt=receipt)
    assert (await ledger.get(after.id)).receipt == receipt


async def test_an_empty_baseline_is_not_no_baseline(ledger: Ledger) -> None:
    baseline = replace(accepted_changes()["baseline"], instances=frozenset())
    await ledger.add(planned())
    after = await moved(ledger, planned(), OrderState.SUBMITTING, baseline=baseline)
    assert (await ledger.get(after.id)).baseline == baseline


@pytest.mark.parametrize("state", sorted(UNSETTLED))
async def test_a_region_with_an_unsettled_order_gets_no_second_one(ledger: Ledger, state: OrderState) -> None:
    await brought(ledger, planned("o1"), state)
    with pytest.raises(UnsettledOrderExists, match=REGION):
        await ledger.add(planned("o2"))
    with pytest.raises(UnknownOrder):
        await ledger.get(OrderId("o2"))
    assert await ledger.history(OrderId("o2")) == []


@pytest.mark.parametrize("state", SETTLED)
async def test_an_order_whose_purchase_is_decided_does_not_block_the_next(ledger: Ledger, state: OrderState) -> None:
    await brought(ledger, planned("o1"), state)
    await ledger.add(planned("o2"))
    assert await ledger.get(OrderId("o2")) == planned("o2")


async def test_unsettled_orders_of_other_regions_and_clusters_do_not_block(ledger: Ledger) -> None:
    await ledger.add(planned("o1"))
    await ledger.add(planned("o2", region="cn-other-1"))
    await ledger.add(planned("o3", cluster="c" + "1" * 32))
    assert [order.id for order in await ledger.open()] == ["o1", "o2", "o3"]


@pytest.mark.parametrize("state", [state for state in OrderState if state is not OrderState.PLANNED])
async def test_only_a_planned_order_is_new(ledger: Ledger, state: OrderState) -> None:
    with pytest.raises(IllegalTransition):
        await ledger.add(replace(planned(), state=state))
    assert await ledger.all(10) == []


@pytest.mark.parametrize(
    "changes", [{"version": 1}, {"nodes": 0}, {"nodes": -1}, {"settled_at": NOW}, {"cost": -1}], ids=str
)
async def test_an_order_that_is_not_new_or_buys_nothing_is_refused(ledger: Ledger, changes: dict[str, Any]) -> None:
    with pytest.raises(LedgerError):
        await ledger.add(replace(planned(), **changes))
    assert await ledger.all(10) == []


async def test_an_id_is_used_once(ledger: Ledger) -> None:
    await brought(ledger, planned("o1"), OrderState.FAILED)
    with pytest.raises(LedgerError, match="o1"):
        await ledger.add(planned("o1"))
    assert (await ledger.get(OrderId("o1"))).state is OrderState.FAILED


async def test_the_second_of_two_writers_is_told_that_it_is_late(ledger: Ledger) -> None:
    await ledger.add(planned())
    first = await moved(ledger, planned(), OrderState.SUBMITTING)
    with pytest.raises(StaleOrder):
        await moved(ledger, planned(), OrderState.FAILED)
    assert await ledger.get(first.id) == first
    assert len(await ledger.history(first.id)) == 2


async def test_of_racing_writers_exactly_one_wins(ledger: Ledger) -> None:
    await ledger.add(planned())
    results = await asyncio.gather(
        *(moved(ledger, planned(), OrderState.SUBMITTING, attempt=n) for n in range(8)), return_exceptions=True
    )
    winners = [result for result in results if isinstance(result, Order)]
    assert len(winners) == 1
    assert [type(result) for result in results if result not in winners] == [StaleOrder] * 7
    assert await ledger.get(OrderId("o1")) == winners[0]


@pytest.mark.parametrize("version", [0, 2, -1])
async def test_a_version_grows_by_one(ledger: Ledger, version: int) -> None:
    await ledger.add(planned())
    after = replace(planned().moved(OrderState.SUBMITTING, Reason.SENDING, NOW), version=version)
    with pytest.raises(StaleOrder):
        await ledger.replace(planned(), after, NOW)
    assert await ledger.get(after.id) == planned()


async def test_a_made_up_state_of_the_right_version_is_stale(ledger: Ledger) -> None:
    await ledger.add(planned())
    invented = replace(planned(), state=OrderState.IN_DOUBT)
    with pytest.raises(StaleOrder):
        await ledger.replace(invented, invented.moved(OrderState.ACCEPTED, Reason.EVIDENCE_FOUND, NOW), NOW)
    assert await ledger.get(invented.id) == planned()


@pytest.mark.parametrize(("state", "to"), ILLEGAL)
async def test_a_step_that_the_state_machine_lacks_is_refused(
    ledger: Ledger, state: OrderState, to: OrderState
) -> None:
    before = await brought(ledger, planned(), state)
    after = replace(before, state=to, version=before.version + 1, settled_at=NOW if to.final else None)
    with pytest.raises(IllegalTransition):
        await ledger.replace(before, after, NOW)
    assert await ledger.get(before.id) == before


@pytest.mark.parametrize("state", [state for state in OrderState if not state.final])
async def test_a_note_without_a_transition_is_a_step_too(ledger: Ledger, state: OrderState) -> None:
    before = await brought(ledger, planned(), state)
    after = before.moved(state, Reason.INSTANCES_SEEN, NOW + 1, "2 of 3", instances=accepted_changes()["instances"])
    await ledger.replace(before, after, NOW + 1)
    assert await ledger.get(before.id) == after
    last = (await ledger.history(before.id))[-1]
    assert last == OrderEvent(before.id, NOW + 1, state, state, Reason.INSTANCES_SEEN, "2 of 3", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"nodes": 30},
        {"region": RegionId("cn-other-1")},
        {"operation": operation(region="cn-other-1")},
        {"tick": 8},
        {"created_at": NOW + 1},
        {"term": 1},
        {"desired": 4},
        {"cost": 1},
        {"for_region": RegionId("cn-other-1")},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_what_an_order_is_for_never_changes(ledger: Ledger, changes: dict[str, Any]) -> None:
    await ledger.add(planned())
    with pytest.raises(LedgerError, match=next(iter(changes))):
        await moved(ledger, planned(), OrderState.SUBMITTING, **changes)
    assert await ledger.get(OrderId("o1")) == planned()


async def test_a_step_replaces_the_order_that_it_came_from(ledger: Ledger) -> None:
    await ledger.add(planned())
    with pytest.raises(LedgerError, match="id"):
        await moved(ledger, planned(), OrderState.SUBMITTING, id=OrderId("o2"))
    assert await ledger.all(10) == [planned()]


@pytest.mark.parametrize(("to", "settled_at"), [(OrderState.FAILED, None), (OrderState.SUBMITTING, NOW)])
async def test_an_order_is_settled_exactly_when_it_is_final(
    ledger: Ledger, to: OrderState, settled_at: float | None
) -> None:
    await ledger.add(planned())
    with pytest.raises(LedgerError, match="settled_at"):
        await moved(ledger, planned(), to, settled_at=settled_at)
    assert await ledger.open() == [planned()]


async def test_an_order_proven_absent_is_planned_again_and_still_holds_its_region(ledger: Ledger) -> None:
    doubt = await brought(ledger, planned("o1"), OrderState.IN_DOUBT)
    await moved(ledger, doubt, OrderState.PLANNED)
    with pytest.raises(UnsettledOrderExists):
        await ledger.add(planned("o2"))


async def test_an_unknown_order_is_named(ledger: Ledger) -> None:
    with pytest.raises(UnknownOrder, match="o9"):
        await ledger.get(OrderId("o9"))
    with pytest.raises(UnknownOrder, match="o9"):
        await moved(ledger, planned("o9"), OrderState.SUBMITTING)
    assert await ledger.history(OrderId("o9")) == []


async def test_open_orders_come_oldest_first_and_without_final_ones(ledger: Ledger) -> None:
    for number, state in enumerate(OrderState):
        await brought(ledger, planned(f"o{number}", region=f"r{number}", at=NOW - number), state)
    found = await ledger.open()
    assert {order.state for order in found} == {state for state in OrderState if not state.final}
    assert [order.created_at for order in found] == sorted(order.created_at for order in found)


async def test_orders_of_one_moment_come_in_the_order_of_their_ids(ledger: Ledger) -> None:
    for name in ("b", "c", "a"):
        await ledger.add(planned(name, region=name))
    assert [order.id for order in await ledger.open()] == ["a", "b", "c"]
    assert [order.id for order in await ledger.all(10)] == ["c", "b", "a"]


async def test_settled_orders_are_found_from_their_moment_on(ledger: Ledger) -> None:
    for number, state in enumerate(FINAL):
        await brought(ledger, planned(f"o{number}", at=NOW - number), state, at=NOW + number)
    await brought(ledger, planned("open"), OrderState.ACCEPTED, at=NOW + 99)
    assert [order.id for order in await ledger.settled_since(NOW + 1)] == ["o1", "o2", "o3"]
    assert await ledger.settled_since(NOW + 3.001) == []
    assert len(await ledger.settled_since(0.0)) == len(FINAL)


@pytest.mark.parametrize(
    ("limit", "found"), [(2, ["o3", "o2"]), (9, ["o3", "o2", "o1"]), (0, []), (-1, [])], ids=["2", "9", "0", "-1"]
)
async def test_all_gives_the_newest_first_and_not_more_than_asked(ledger: Ledger, limit: int, found: list[str]) -> None:
    await brought(ledger, planned("o2", at=NOW + 2), OrderState.READY)
    await brought(ledger, planned("o3", at=NOW + 3), OrderState.FAILED)
    await ledger.add(planned("o1", at=NOW + 1))
    assert [order.id for order in await ledger.all(limit)] == found


async def test_history_tells_every_step_with_its_time_and_reason(ledger: Ledger) -> None:
    submitting = await brought(ledger, planned(), OrderState.SUBMITTING, at=NOW + 1)
    after = submitting.moved(OrderState.ACCEPTED, Reason.API_ACCEPTED, NOW + 2, "ok", **accepted_changes())
    await ledger.replace(submitting, after, NOW + 2)
    request_id = accepted_changes()["receipt"].request_id
    assert await ledger.history(after.id) == [
        OrderEvent(after.id, NOW, None, OrderState.PLANNED, Reason.DECIDED, "", ""),
        OrderEvent(after.id, NOW + 1, OrderState.PLANNED, OrderState.SUBMITTING, Reason.SENDING, "", ""),
        OrderEvent(
            after.id, NOW + 2, OrderState.SUBMITTING, OrderState.ACCEPTED, Reason.API_ACCEPTED, "ok", request_id
        ),
    ]


async def test_histories_of_two_orders_do_not_mix(ledger: Ledger) -> None:
    first = await brought(ledger, planned("o1"), OrderState.SUBMITTING)
    await brought(ledger, planned("o2", region="r2"), OrderState.IN_DOUBT)
    await moved(ledger, first, OrderState.IN_DOUBT)
    assert {event.order for event in await ledger.history(OrderId("o1"))} == {"o1"}
    assert len(await ledger.history(OrderId("o1"))) == 3


def limit(most: int, *regions: str, since: float = NOW, name: str = "budget north, day") -> SpendingLimit:
    """No regions: the whole account."""
    return SpendingLimit(name, frozenset(map(RegionId, regions)) or None, since, Money(most))


async def test_an_order_that_takes_the_last_of_a_budget_is_stored_and_the_next_is_not(ledger: Ledger) -> None:
    await ledger.add(planned("o1", region="r1", cost=70_00), [limit(100_00)])
    await ledger.add(planned("o2", region="r2", cost=30_00), [limit(100_00)])
    await ledger.add(planned("o3", region="r3"), [limit(100_00)])
    with pytest.raises(BudgetExceeded):
        await ledger.add(planned("o4", region="r4", cost=1), [limit(100_00)])


async def test_a_refusal_says_whose_limit_what_is_spent_what_it_costs_and_what_is_left(ledger: Ledger) -> None:
    await ledger.add(planned("o1", region="r1", cost=90_05), [limit(100_00)])
    with pytest.raises(BudgetExceeded) as raised:
        await ledger.add(planned("o2", region="r2", cost=123_45), [limit(100_00)])
    assert str(raised.value) == (
        "budget north, day: 90.05 of 100.00 is spent; order o2 in r2 costs 123.45, and 9.95 is left"
    )


async def test_an_order_that_is_too_expensive_leaves_nothing_behind(ledger: Ledger) -> None:
    with pytest.raises(BudgetExceeded):
        await ledger.add(planned("o1", cost=2), [limit(9), limit(1)])
    assert (await ledger.all(9), await ledger.history(OrderId("o1"))) == ([], [])
    await ledger.add(planned("o1", cost=1), [limit(1)])


async def test_every_limit_of_the_region_must_hold_and_no_other(ledger: Ledger) -> None:
    await ledger.add(planned("o1", region="r1", cost=5), [limit(0, "r2"), limit(5, "r1"), limit(5)])
    for limits in ([limit(9), limit(4, "r1", "r2")], [limit(4, "r1", "r2"), limit(9)]):
        with pytest.raises(BudgetExceeded):
            await ledger.add(planned("o2", region="r2", cost=4), limits)
    await ledger.add(planned("o2", region="r2", cost=4), [limit(9), limit(4, "r2", "r3")])


@pytest.mark.parametrize("regions", [(), ("r1", "r2", "r3")], ids=["account", "regions"])
async def test_a_limit_counts_from_its_moment_on_and_that_moment_too(ledger: Ledger, regions: tuple[str, ...]) -> None:
    await ledger.add(planned("o1", region="r1", cost=4, at=NOW - 0.001))
    await ledger.add(planned("o2", region="r2", cost=4, at=NOW))
    with pytest.raises(BudgetExceeded, match=r"0\.04 of 0\.07"):
        await ledger.add(planned("o3", region="r3", cost=4), [limit(7, *regions)])
    await ledger.add(planned("o3", region="r3", cost=4), [limit(8, *regions)])


@pytest.mark.parametrize("state", OrderState)
async def test_money_stays_reserved_until_it_is_proven_that_nothing_was_bought(
    ledger: Ledger, state: OrderState
) -> None:
    await brought(ledger, planned("o1", cost=10), state)
    order = planned("o2", region="r2", cost=1)
    if state in {OrderState.FAILED, OrderState.PARTIAL}:  # brought here without any instance
        await ledger.add(order, [limit(1)])
    else:
        with pytest.raises(BudgetExceeded, match=r"0\.10 of 0\.10"):
            await ledger.add(order, [limit(10)])


async def test_of_an_order_that_came_in_part_that_part_is_charged_rounded_up(ledger: Ledger) -> None:
    accepted = await brought(ledger, planned("o1", cost=100), OrderState.ACCEPTED)
    await moved(ledger, accepted, OrderState.PARTIAL, instances=frozenset({InstanceId("i-1"), InstanceId("i-2")}))
    with pytest.raises(BudgetExceeded, match=r"0\.67 of 0\.67"):
        await ledger.add(planned("o2", cost=1), [limit(67)])
    await ledger.add(planned("o2", cost=1), [limit(68)])


async def test_an_unsettled_order_is_told_before_a_used_up_budget(ledger: Ledger) -> None:
    await ledger.add(planned("o1", cost=1))
    with pytest.raises(UnsettledOrderExists, match="o1 is unsettled already"):
        await ledger.add(planned("o2", cost=1), [limit(1)])


async def test_of_racing_orders_only_those_that_the_budget_can_pay_are_stored(ledger: Ledger) -> None:
    orders = [planned(f"o{n}", region=f"r{n}", cost=10) for n in range(8)]
    results = await asyncio.gather(*(ledger.add(order, [limit(35)]) for order in orders), return_exceptions=True)
    assert [type(result) for result in results].count(BudgetExceeded) == 5
    assert len(await ledger.open()) == 3


async def test_an_act_is_kept_with_a_number_until_it_is_closed(ledger: Ledger) -> None:
    first = await ledger.file(release("r1"))
    second = await ledger.file(release("r2", "says “so”\n\0"))
    assert (first.id, replace(first, id=0)) == (1, release("r1"))
    assert await ledger.acts() == [first, second]
    closed = await ledger.close_act(second.id, NOW + 5, "released")
    assert closed == replace(second, done_at=NOW + 5, outcome="released")
    assert await ledger.acts() == [first, closed]


async def test_an_act_is_carried_out_once(ledger: Ledger) -> None:
    act = await ledger.file(release())
    closed = await ledger.close_act(act.id, NOW, "released")
    with pytest.raises(LedgerError, match=r"act 1 was closed before: released"):
        await ledger.close_act(act.id, NOW + 1, "released again")
    assert await ledger.acts() == [closed]


@pytest.mark.parametrize("number", [0, 2, -1])
async def test_an_unknown_act_is_named(ledger: Ledger, number: int) -> None:
    await ledger.file(release())
    with pytest.raises(LedgerError, match=f"no act {number} "):
        await ledger.close_act(number, NOW, "done")


@pytest.mark.parametrize("changes", [{"id": 3}, {"done_at": NOW}, {"outcome": "done"}], ids=str)
async def test_an_act_that_is_not_new_is_not_filed(ledger: Ledger, changes: dict[str, Any]) -> None:
    with pytest.raises(LedgerError, match="not new"):
        await ledger.file(replace(release(), **changes))
    assert await ledger.acts() == []


@pytest.mark.parametrize("state", OrderState)
async def test_only_final_orders_are_ever_forgotten(ledger: Ledger, state: OrderState) -> None:
    order = await brought(ledger, planned(), state)
    assert await ledger.prune(NOW + 1e9) == (1 if state.final else 0)
    if state.final:
        with pytest.raises(UnknownOrder):
            await ledger.get(order.id)
        assert (await ledger.all(9), await ledger.history(order.id)) == ([], [])
    else:
        assert await ledger.open() == [order]
        assert len(await ledger.history(order.id)) == order.version + 1


async def test_an_order_is_kept_up_to_the_moment_of_the_horizon(ledger: Ledger) -> None:
    for number in range(3):
        await brought(ledger, planned(f"o{number}"), OrderState.READY, at=NOW + number)
    assert await ledger.prune(NOW + 1) == 1
    assert [order.id for order in await ledger.settled_since(0.0)] == ["o1", "o2"]
    assert len(await ledger.history(OrderId("o1"))) == 4
    assert await ledger.prune(NOW + 1) == 0


async def test_nodes_bought_by_forgotten_orders_stay_counted_by_region(ledger: Ledger) -> None:
    assert await ledger.totals() == {}
    await brought(ledger, planned("o1", region="r1", nodes=3), OrderState.READY)
    await brought(ledger, planned("o2", region="r1", nodes=4), OrderState.ABANDONED, at=NOW + 1)
    await brought(ledger, planned("o3", region="r2", nodes=5), OrderState.FAILED)
    accepted = await brought(ledger, planned("o4", region="r3", nodes=6), OrderState.ACCEPTED)
    await moved(ledger, accepted, OrderState.PARTIAL, instances=frozenset({InstanceId("i-1")}))
    await brought(ledger, planned("o5", region="r4"), OrderState.ACCEPTED)
    assert await ledger.totals() == {}
    assert await ledger.prune(NOW + 1) == 3
    assert await ledger.totals() == {"r1": 3, "r3": 1}
    assert await ledger.prune(NOW + 2) == 1
    assert await ledger.totals() == {"r1": 7, "r3": 1}


async def test_orders_for_another_region_are_never_forgotten(ledger: Ledger) -> None:
    """A restart must not buy again what a sibling has for the region, however long ago that was."""
    await brought(ledger, replace(planned("o1"), for_region=RegionId("r9")), OrderState.READY)
    assert await ledger.prune(NOW + 1e9) == 0
    assert len(await ledger.settled_since(0.0)) == 1


async def test_a_region_whose_orders_were_forgotten_can_order(ledger: Ledger) -> None:
    await brought(ledger, planned("o1"), OrderState.READY)
    await ledger.prune(NOW + 1)
    await ledger.add(planned("o2"))
    with pytest.raises(UnsettledOrderExists):
        await ledger.add(planned("o3"))


async def test_nodes_once_seen_are_remembered_where_they_were_first(ledger: Ledger) -> None:
    assert await ledger.remembered() == {}
    first, second = InstanceId("i-1"), InstanceId("i-2")
    await ledger.remember({first: RegionId("r1")}, NOW)
    await ledger.remember({first: RegionId("r2"), second: RegionId("r2")}, NOW + 1)
    assert await ledger.remembered() == {first: "r1", second: "r2"}
    await ledger.prune(NOW + 1e9)
    assert len(await ledger.remembered()) == 2


async def test_closing_twice_is_harmless(ledger: Ledger) -> None:
    await ledger.close()
    await ledger.close()
