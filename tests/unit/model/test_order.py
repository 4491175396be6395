"""The order's state machine and its small sums."""

import pytest

from autoscaler.model.errors import IllegalTransition
from autoscaler.model.names import InstanceId
from autoscaler.model.order import TRANSITIONS, Order, OrderState
from autoscaler.model.reason import Reason
from tests.unit.ledger.builders import NOW, PATHS, planned

S = OrderState
FINAL = (S.READY, S.PARTIAL, S.FAILED, S.ABANDONED)
OPEN = (S.PLANNED, S.SUBMITTING, S.IN_DOUBT, S.ACCEPTED, S.OVERDUE)


def in_state(state: OrderState) -> Order:
    order = planned()
    for to in PATHS[state]:
        order = order.moved(to, Reason.SENDING, NOW)
    return order


@pytest.mark.parametrize("state", OrderState)
def test_exactly_four_states_are_final(state: OrderState) -> None:
    assert state.final == (state in FINAL)


@pytest.mark.parametrize("state", OrderState)
def test_a_purchase_is_undecided_until_the_api_has_answered(state: OrderState) -> None:
    assert state.unsettled == (state in (S.PLANNED, S.SUBMITTING, S.IN_DOUBT))


@pytest.mark.parametrize("state", FINAL)
@pytest.mark.parametrize("to", OrderState)
def test_nothing_leaves_or_annotates_a_final_state(state: OrderState, to: OrderState) -> None:
    with pytest.raises(IllegalTransition, match=f"from {state} to {to}"):
        in_state(state).moved(to, Reason.SENDING, NOW)


@pytest.mark.parametrize("state", [S.PLANNED, S.IN_DOUBT, S.ACCEPTED, S.OVERDUE])
def test_only_a_planned_order_is_sent(state: OrderState) -> None:
    assert (S.SUBMITTING in TRANSITIONS[state]) == (state is S.PLANNED)


@pytest.mark.parametrize("state", [S.ACCEPTED, S.OVERDUE])
def test_what_the_api_took_is_never_planned_again(state: OrderState) -> None:
    assert not TRANSITIONS[state] & {S.PLANNED, S.SUBMITTING, S.IN_DOUBT}


def test_a_purchase_in_doubt_has_four_ways_out() -> None:
    """Doubt ends by evidence, by proven absence, or with a human's word; FAILED is for the last of them only."""
    assert TRANSITIONS[S.IN_DOUBT] == {S.ACCEPTED, S.PLANNED, S.FAILED, S.ABANDONED}


@pytest.mark.parametrize("state", OPEN)
def test_a_note_changes_version_reason_and_detail_only(state: OrderState) -> None:
    before = in_state(state)
    after = before.moved(state, Reason.INSTANCES_SEEN, NOW + 5, "seen")
    assert (after.state, after.version, after.reason, after.detail) == (
        state,
        before.version + 1,
        Reason.INSTANCES_SEEN,
        "seen",
    )
    assert after.settled_at is None


@pytest.mark.parametrize("state", FINAL)
def test_the_moment_of_settling_is_kept(state: OrderState) -> None:
    assert in_state(state).settled_at == NOW


def test_a_step_takes_the_changes_it_is_given_and_no_unknown_ones() -> None:
    assert planned().moved(S.SUBMITTING, Reason.SENDING, NOW, attempt=1).attempt == 1
    with pytest.raises(TypeError, match="atempt"):
        planned().moved(S.SUBMITTING, Reason.SENDING, NOW, atempt=1)


def test_nodes_count_as_outstanding_until_the_region_shows_them() -> None:
    mine = frozenset({InstanceId("i-1"), InstanceId("i-2")})
    order = in_state(S.SUBMITTING).moved(S.ACCEPTED, Reason.API_ACCEPTED, NOW, instances=mine)
    assert order.nodes == 3
    assert order.outstanding(frozenset()) == 3
    assert order.outstanding(frozenset({InstanceId("i-1"), InstanceId("i-9")})) == 2
    assert order.outstanding(mine) == 1


@pytest.mark.parametrize("state", OPEN)
def test_an_open_order_without_known_instances_counts_whole(state: OrderState) -> None:
    assert in_state(state).outstanding(frozenset({InstanceId("i-1")})) == 3


@pytest.mark.parametrize("state", FINAL)
def test_a_final_order_has_nothing_outstanding(state: OrderState) -> None:
    assert in_state(state).outstanding(frozenset()) == 0


def test_more_instances_than_ordered_never_count_below_zero() -> None:
    many = frozenset(InstanceId(f"i-{n}") for n in range(5))
    order = in_state(S.SUBMITTING).moved(S.ACCEPTED, Reason.API_ACCEPTED, NOW, instances=many)
    assert order.outstanding(many) == 0
