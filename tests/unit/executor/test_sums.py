"""The sums: what was bought, what failed to join, what was spent, whether the account can buy; from orders alone."""

from dataclasses import replace

from autoscaler.executor.sums import CHARGES_REACH_BACK, Sums
from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.decision import Charge
from autoscaler.model.names import InstanceId, Money, OrderId, RegionId, TaskId
from autoscaler.model.order import Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.policy.committed import SHOWN_AFTER
from tests.unit.executor.stand import BEIJING, SHANGHAI, operation


def unread(region: RegionId) -> frozenset[InstanceId] | None:
    """No region was read yet."""
    return None


def order(number: int, state: OrderState, *, nodes: int = 2, made: int | None = None, **changes: object) -> Order:
    """Order `number` was created, sent and settled at second 100 * number."""
    at = 100.0 * number
    region = changes.pop("region", BEIJING)
    assert isinstance(region, str)
    fresh = Order(OrderId(f"o{number}"), 1, RegionId(region), operation(RegionId(region)), nodes, at, at + 999)
    sold = state not in {OrderState.PLANNED, OrderState.FAILED} or made
    return replace(
        fresh,
        state=state,
        cost=Money(1000 * nodes),
        submitted_at=at,
        settled_at=at if state.final else None,
        receipt=Receipt(TaskId(f"T{number}"), "") if sold else None,
        failed_joins=made or 0 if state is OrderState.FAILED else 0,
        instances=frozenset(InstanceId(f"i{number}-{k}") for k in range(nodes if made is None and sold else made or 0)),
        **changes,  # type: ignore[arg-type]
    )


def sums(*orders: Order) -> Sums:
    made = Sums()
    for one in orders:
        made.note(one)
    return made


def test_a_region_has_bought_what_its_orders_brought_and_what_was_pruned() -> None:
    made = sums(order(1, OrderState.READY), order(2, OrderState.FAILED), order(3, OrderState.IN_DOUBT))
    made.restore({BEIJING: 40}, [])
    assert made.tally(BEIJING, 500.0, unread).bought == 40 + 2 + 0 + 2


def test_an_order_that_moves_on_counts_as_it_now_is() -> None:
    made = sums(order(1, OrderState.IN_DOUBT))
    assert made.tally(BEIJING, 500.0, unread).bought == 2
    made.note(order(1, OrderState.FAILED))
    assert made.tally(BEIJING, 500.0, unread).bought == 0


def test_failed_joins_are_those_since_the_last_order_that_became_ready() -> None:
    made = sums(order(1, OrderState.FAILED, made=2), order(2, OrderState.READY), order(3, OrderState.FAILED, made=1))
    assert made.tally(BEIJING, 500.0, unread).failed_joins == 1
    made.note(replace(order(4, OrderState.PARTIAL, nodes=3), failed_joins=2))
    made.note(order(5, OrderState.FAILED, made=2))
    assert made.tally(BEIJING, 600.0, unread).failed_joins == 1 + 2 + 2


def test_a_partial_order_whose_nodes_all_joined_is_no_failed_join() -> None:
    assert sums(order(1, OrderState.PARTIAL, made=1)).tally(BEIJING, 500.0, unread).failed_joins == 0


def test_what_a_human_closed_is_no_failed_join_and_not_in_vain() -> None:
    tally = sums(order(1, OrderState.ABANDONED)).tally(BEIJING, 500.0, unread)
    assert (tally.failed_joins, tally.in_vain) == (0, 0)


def test_orders_in_vain_are_those_taken_that_brought_nothing_however_long_ago() -> None:
    taken = Receipt(TaskId("T"), "")
    failed = [replace(order(n, OrderState.FAILED), receipt=taken, reason=Reason.TASK_FAILED) for n in (1, 2000, 4000)]
    made = sums(*failed, order(5, OrderState.FAILED))
    assert made.tally(BEIJING, 1e6, unread).in_vain == 3
    made.release(BEIJING, 200_001.0)
    assert made.tally(BEIJING, 1e6, unread).in_vain == 1
    made.note(order(5000, OrderState.READY))
    assert made.tally(BEIJING, 1e6, unread).in_vain == 0


def test_an_order_that_bought_nothing_is_no_failed_join() -> None:
    assert sums(order(1, OrderState.FAILED)).tally(BEIJING, 500.0, unread).failed_joins == 0


def test_a_release_forgets_the_failed_joins_before_it_and_none_after_it() -> None:
    made = sums(order(1, OrderState.FAILED, made=2))
    made.release(BEIJING, 150.0)
    assert made.tally(BEIJING, 500.0, unread).failed_joins == 0
    made.note(order(2, OrderState.FAILED, made=2))
    assert made.tally(BEIJING, 500.0, unread).failed_joins == 2


def test_a_release_survives_a_restart() -> None:
    act = Act(ActKind.RELEASE, EVERYWHERE, "repaired", "somebody", 140.0, id=1, done_at=150.0)
    made = Sums()
    made.restore({}, [act, replace(act, id=2, subject=SHANGHAI, done_at=None)])
    made.note(order(1, OrderState.FAILED, made=2))
    made.note(order(1, OrderState.FAILED, made=2, region=SHANGHAI))
    assert made.tally(BEIJING, 500.0, unread).failed_joins == 0


def test_nodes_bought_elsewhere_count_for_the_region_they_are_for() -> None:
    made = sums(order(1, OrderState.ACCEPTED, region=SHANGHAI, for_region=BEIJING), order(2, OrderState.READY))
    assert made.tally(BEIJING, 500.0, unread).spilled == 2
    assert made.tally(BEIJING, 500.0, unread).bought == 2
    assert made.tally(SHANGHAI, 500.0, unread).spilled == 0
    assert made.tally(SHANGHAI, 500.0, unread).bought == 2


def test_nodes_bought_elsewhere_count_while_they_serve_or_may_come() -> None:
    made = sums(order(1, OrderState.READY, region=SHANGHAI, for_region=BEIJING))
    (one, other) = sorted(order(1, OrderState.READY).instances)
    late = 100.0 + SHOWN_AFTER

    def spilled(now: float, *serving: InstanceId) -> int:
        return made.tally(BEIJING, now, lambda region: frozenset(serving)).spilled

    assert spilled(late - 1) == 2, "lists lag"
    assert spilled(late, one, other) == 2
    assert spilled(late, one) == 1
    assert spilled(late) == 0
    assert made.tally(BEIJING, late, unread).spilled == 2, "no reading is no proof"


def test_charges_are_what_was_bought_and_go_after_a_month() -> None:
    made = sums(order(1, OrderState.PARTIAL, made=1), order(2, OrderState.FAILED), order(3, OrderState.SUBMITTING))
    assert made.charges(400.0) == (Charge(BEIJING, 100.0, Money(1000)), Charge(BEIJING, 300.0, Money(2000)))
    assert made.charges(300.0 + CHARGES_REACH_BACK) == (Charge(BEIJING, 300.0, Money(2000)),)
    assert made.charges(301.0 + CHARGES_REACH_BACK) == ()


def refused(number: int, reason: Reason = Reason.FORBIDDEN) -> Order:
    return order(number, OrderState.FAILED, reason=reason, detail="no permission")


def test_a_refusal_of_the_account_stops_it_until_something_is_sold() -> None:
    made = sums(order(1, OrderState.READY), refused(2))
    stop = made.stop()
    assert stop is not None
    assert (stop.reason, stop.at) == (Reason.FORBIDDEN, 200.0)
    made.note(order(3, OrderState.ACCEPTED))
    assert made.stop() is None


def test_the_order_in_which_orders_are_loaded_does_not_matter_for_the_stop() -> None:
    assert sums(refused(2), order(1, OrderState.READY)).stop() is not None
    assert sums(order(3, OrderState.READY), refused(2)).stop() is None


def test_an_exhausted_balance_stops_the_account_and_a_quota_does_not() -> None:
    assert sums(refused(1, Reason.BALANCE_EXHAUSTED)).stop() is not None
    assert sums(refused(1, Reason.QUOTA_EXCEEDED)).stop() is None


def test_a_release_of_everything_ends_the_stop_and_a_later_refusal_begins_another() -> None:
    made = sums(refused(1))
    made.release(BEIJING, 150.0)
    assert made.stop() is not None
    made.release(EVERYWHERE, 150.0)
    assert made.stop() is None
    made.note(refused(2))
    assert made.stop() is not None
