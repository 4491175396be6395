"""What a human must be told: nothing that will not come right by itself is left unsaid."""

from dataclasses import replace

import pytest

from autoscaler.model.decision import FleetFacts, Stop, Tally
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.attention import Attention, attention
from autoscaler.policy.decide import decide
from tests.unit.policy import builders
from tests.unit.policy.builders import NOW, REGION, busy, order

QUIET = builders.decided(builders.policy(), busy(3))
IN_NEED = builders.decided(builders.policy(), busy(5))


def told(*orders: Order) -> list[Reason]:
    return [one.reason for one in attention(IN_NEED, orders)]


def test_a_region_that_is_well_calls_nobody() -> None:
    assert attention(None, ()) == ()
    assert attention(QUIET, [order(OrderState.ACCEPTED)]) == ()
    assert attention(IN_NEED, [order(OrderState.READY, settled_ago=1), order(OrderState.SUBMITTING, id="b")]) == ()


def test_an_order_in_doubt_is_told_with_the_command_that_resolves_it() -> None:
    doubt = order(OrderState.IN_DOUBT, reason=Reason.OUTCOME_UNKNOWN, detail="timeout after sending")
    text = (
        "order order-1 for 2 nodes is in_doubt: timeout after sending; "
        "autoscaler orders resolve order-1 --as bought|not-bought --reason ..."
    )
    assert attention(None, [doubt]) == (Attention(REGION, Reason.OUTCOME_UNKNOWN, text),)


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        (OrderState.OVERDUE, Reason.PAST_DEADLINE, [Reason.PAST_DEADLINE]),
        (OrderState.OVERDUE, Reason.INSTANCES_SEEN, [Reason.PAST_DEADLINE]),
        (OrderState.ACCEPTED, Reason.TASK_STALLED, [Reason.TASK_STALLED]),
        (OrderState.ACCEPTED, Reason.INSTANCES_SEEN, []),
        (OrderState.PLANNED, Reason.DECIDED, []),
        (OrderState.PLANNED, Reason.ABSENCE_PROVEN, []),
        (OrderState.PLANNED, Reason.FORBIDDEN, [Reason.FORBIDDEN]),
        (OrderState.PLANNED, Reason.CLUSTER_BUSY, [Reason.CLUSTER_BUSY]),
        (OrderState.PLANNED, Reason.THROTTLED, [Reason.THROTTLED]),
        (OrderState.PLANNED, Reason.BASELINE_UNREADABLE, [Reason.BASELINE_UNREADABLE]),
    ],
)
def test_an_order_that_does_not_go_on_is_told(state: OrderState, reason: Reason, expected: list[Reason]) -> None:
    assert [one.reason for one in attention(QUIET, [order(state, reason=reason)])] == expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (order(OrderState.FAILED, settled_ago=9, reason=Reason.REJECTED), [Reason.REJECTED]),
        (order(OrderState.FAILED, settled_ago=9, reason=Reason.EXPIRED_UNSENT), [Reason.EXPIRED_UNSENT]),
        (order(OrderState.FAILED, settled_ago=9, reason=Reason.OUT_OF_STOCK), [Reason.OUT_OF_STOCK]),
        (order(OrderState.FAILED, settled_ago=9, reason=Reason.RESOLVED_NOT_BOUGHT), []),
        (order(OrderState.FAILED, settled_ago=9, reason=Reason.DECISION_WITHDRAWN), []),
        (order(OrderState.PARTIAL, settled_ago=9, reason=Reason.SOME_NODES_FAILED), []),
    ],
)
def test_a_last_order_that_failed_is_told_as_long_as_there_is_a_need(last: Order, expected: list[Reason]) -> None:
    older = order(OrderState.FAILED, id="older", settled_ago=500, reason=Reason.QUOTA_EXCEEDED)
    assert told(older, last) == told(last, older) == expected
    assert attention(QUIET, [last]) == ()
    assert [one.reason for one in attention(None, [last])] == expected
    trying = order(OrderState.SUBMITTING, id="trying")
    assert [one.reason for one in attention(QUIET, [last, trying])] == expected


STOPPED = FleetFacts(stop=Stop(Reason.FORBIDDEN, NOW - 1, "no permission"))
OUT = order(OrderState.FAILED, settled_ago=1, reason=Reason.OUT_OF_STOCK)
IN_VAIN = order(OrderState.FAILED, settled_ago=1, reason=Reason.TASK_FAILED, receipt=builders.TOLD)


@pytest.mark.parametrize(
    ("scale_up", "orders", "tally", "fleet", "reason"),
    [
        ({}, (), Tally(failed_joins=3), builders.WHOLE_FLEET, Reason.JOINS_LATCHED),
        ({}, (), Tally(), STOPPED, Reason.ACCOUNT_STOPPED),
        ({}, (), Tally(), FleetFacts(10, 9), Reason.FLEET_UNREADY),
        ({}, (IN_VAIN,), Tally(), builders.WHOLE_FLEET, Reason.BREAKER_OPEN),
        ({}, (OUT,), Tally(), builders.WHOLE_FLEET, Reason.STOCK_BACKOFF),
        ({"maxNodesPerDay": 0}, (), Tally(), builders.WHOLE_FLEET, Reason.QUOTA_OF_DAY),
        ({"maxNodesEver": 0}, (), Tally(), builders.WHOLE_FLEET, Reason.QUOTA_OF_LIFETIME),
    ],
)
def test_a_brake_that_stops_a_purchase_is_told_and_one_that_stops_nothing_is_not(
    scale_up: dict[str, object], orders: tuple[Order, ...], tally: Tally, fleet: FleetFacts, reason: Reason
) -> None:
    in_force = builders.policies(builders.policy(scale_up=scale_up))
    (held,) = decide(builders.facts(busy(5, orders=orders, tally=tally), fleet=fleet), in_force).decisions
    (calm,) = decide(builders.facts(busy(3, orders=orders, tally=tally), fleet=fleet), in_force).decisions
    message = next(step.message for step in held.steps if step.reason is reason)
    assert attention(held, ()) == (Attention(REGION, reason, message),)
    assert attention(calm, ()) == ()


def test_a_dark_region_an_unread_one_and_one_at_its_maximum_are_told() -> None:
    signals = [builders.signal(500)]
    dark = builders.decided(builders.policy(), builders.region_facts(signals, builders.capacity(1, unready=2)))
    unread = builders.decided(builders.policy(), builders.region_facts(signals))
    full = builders.decided(builders.policy(maxNodes=3), busy(5))
    growing = builders.decided(builders.policy(maxNodes=4), busy(5))
    reasons = [[one.reason for one in attention(decision, ())] for decision in (dark, unread, full, growing)]
    assert reasons == [
        [Reason.REGION_DARK, Reason.NODES_NOT_READY],
        [Reason.CAPACITY_UNKNOWN],
        [Reason.ABOVE_MAXIMUM],
        [],
    ]


def test_paid_nodes_that_do_not_serve_are_told_while_they_are_needed_and_nothing_comes() -> None:
    there = builders.capacity(1, failed=4)
    decision = builders.decided(builders.policy(), builders.region_facts([builders.signal(500)], there))
    (told,) = attention(decision, ())
    assert (told.reason, decision.desired) == (Reason.NODES_NOT_READY, 5)
    assert "5 nodes are needed and 1 are ready" in told.detail
    assert attention(decision, [order(OrderState.ACCEPTED)]) == ()
    calm = builders.decided(builders.policy(), builders.region_facts([builders.signal(90)], builders.capacity(1)))
    assert attention(calm, ()) == ()


def test_a_region_that_can_not_be_judged_is_told() -> None:
    decision = builders.decided(builders.policy(), builders.region_facts(None, builders.capacity(3)))
    assert [one.reason for one in attention(decision, ())] == [Reason.ALL_VOTES_ABSTAIN]


def test_a_minimum_that_can_not_be_reached_is_told() -> None:
    lost = order(OrderState.FAILED, 3, settled_ago=5000, reason=Reason.TASK_FAILED, receipt=builders.TOLD)
    served = builders.policy(minNodes=3, maxNodes=3)
    decision = builders.decided(served, builders.region_facts([builders.signal(0)], builders.capacity(0), [lost]))
    assert [one.reason for one in attention(decision, ())] == [Reason.ABOVE_MAXIMUM]


def test_a_budget_that_only_cuts_a_purchase_calls_nobody_yet() -> None:
    in_force = replace(builders.policies(builders.policy()), offers={REGION: (builders.offer(price=100),)})
    for most, expected in ((100, []), (99, [Reason.BUDGET_EXHAUSTED])):
        in_force = replace(in_force, budgets=(builders.budget(most),))
        (decision,) = decide(builders.facts(busy(5)), in_force).decisions
        assert [one.reason for one in attention(decision, ())] == expected


def test_each_thing_is_told_once() -> None:
    doubt = order(OrderState.IN_DOUBT)
    assert len(attention(None, [doubt, doubt])) == 1
