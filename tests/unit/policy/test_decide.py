"""One tick: facts and policies in, a plan out, orders from the plan."""

from dataclasses import replace

import pytest

from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import Vote
from autoscaler.model.names import InstanceId, RegionId
from autoscaler.model.order import Baseline, OrderIntent, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.combine import largest
from autoscaler.policy.committed import SHOWN_AFTER, committed_nodes, established_nodes
from autoscaler.policy.decide import decide
from autoscaler.policy.planning import intents
from tests.unit.policy import builders
from tests.unit.policy.builders import NOW

A, B, C = RegionId("cn-a"), RegionId("cn-b"), RegionId("cn-c")


def wants(desired: int | None) -> Vote:
    return Vote("rule", desired, Reason.ABOVE_TARGET)


@pytest.mark.parametrize(
    ("votes", "result"),
    [([], None), ([None], None), ([None, None], None), ([0], 0), ([None, 0], 0), ([3, None, 7, 5], 7)],
)
def test_the_largest_vote_wins_and_an_abstention_is_not_zero(votes: list[int | None], result: int | None) -> None:
    assert largest([wants(vote) for vote in votes]) == result


def test_committed_counts_every_node_that_was_paid_for_whatever_its_state() -> None:
    there = builders.capacity(1, unready=2, joining=3, failed=4)
    assert committed_nodes(builders.region_facts(None, there), builders.NOW) == 10


@pytest.mark.parametrize("state", list(OrderState))
def test_an_order_counts_until_it_is_final(state: OrderState) -> None:
    one = builders.region_facts(None, builders.capacity(1), [builders.order(state, 4)])
    assert committed_nodes(one, builders.NOW) == (1 if state.final else 5)


def test_a_node_that_the_capacity_shows_is_not_counted_again_for_its_order() -> None:
    known = [InstanceId("i-joining-0"), InstanceId("i-joining-1"), InstanceId("i-not-a-node-yet")]
    ordered = builders.order(OrderState.ACCEPTED, 4, instances=known)
    assert (
        committed_nodes(builders.region_facts(None, builders.capacity(3, joining=2), [ordered]), builders.NOW)
        == 3 + 2 + 2
    )


@pytest.mark.parametrize(
    ("settled_ago", "read_ago", "counted"),
    [(10.0, 20.0, 2), (10.0, 0.0, 2), (SHOWN_AFTER - 1, 0.0, 2), (SHOWN_AFTER, 0.0, 0), (9_000.0, 9_001.0, 2)],
)
def test_what_an_order_bought_counts_after_its_end_until_a_list_had_time_to_show_it(
    settled_ago: float, read_ago: float, counted: int
) -> None:
    """The reading may be older than the order's end, and lists lag; an instance that never shows up is gone at last."""
    hidden = [InstanceId("i-a"), InstanceId("i-b")]
    ended = builders.order(OrderState.FAILED, 4, instances=hidden, settled_ago=settled_ago)
    read = replace(builders.capacity(3), at=builders.NOW - read_ago)
    assert committed_nodes(builders.region_facts(None, read, [ended]), builders.NOW) == 3 + counted


def test_orders_count_while_the_capacity_is_unknown() -> None:
    assert (
        committed_nodes(builders.region_facts(None, None, [builders.order(OrderState.IN_DOUBT, 4)]), builders.NOW) == 4
    )


def test_only_regions_that_a_policy_serves_are_decided_in_the_order_of_their_ids() -> None:
    facts = builders.facts(*(builders.region_facts(region=region) for region in (C, A, B)))
    plan = decide(facts, builders.policies(builders.policy(), C, A))
    assert [decision.region for decision in plan.decisions] == [A, C]
    assert (plan.tick, plan.at) == (7, NOW)


def test_a_region_in_force_without_facts_is_not_decided() -> None:
    assert decide(builders.facts(), builders.policies(builders.policy(), A)).decisions == ()


def test_demand_above_the_target_is_ordered() -> None:
    decision = builders.decided(builders.policy(), builders.region_facts([builders.signal(430)], builders.capacity(3)))
    assert (decision.committed, decision.desired, decision.delta) == (3, 5, 2)
    assert (decision.reason, decision.steps) == (Reason.ABOVE_TARGET, ())


def test_demand_below_the_target_sells_nothing() -> None:
    decision = builders.decided(builders.policy(), builders.region_facts([builders.signal(50)], builders.capacity(4)))
    assert (decision.votes[0].desired, decision.desired, decision.delta) == (1, 4, 0)
    assert decision.reason is Reason.SCALE_OUT_ONLY


def test_nodes_on_their_way_are_not_ordered_again() -> None:
    ordered = builders.order(OrderState.ACCEPTED, 2)
    one = builders.region_facts([builders.signal(430)], builders.capacity(3), [ordered])
    assert builders.decided(builders.policy(), one).delta == 0


def test_more_demand_is_ordered_on_top_of_nodes_on_their_way() -> None:
    ordered = builders.order(OrderState.ACCEPTED, 2)
    one = builders.region_facts([builders.signal(730)], builders.capacity(3), [ordered])
    assert builders.decided(builders.policy(), one).delta == 3


def test_without_data_the_region_holds_and_says_so() -> None:
    decision = builders.decided(builders.policy(), builders.region_facts(None, builders.capacity(3)))
    assert (decision.desired, decision.delta, decision.reason) == (3, 0, Reason.ALL_VOTES_ABSTAIN)
    assert [(step.guard, step.before, step.after) for step in decision.steps] == [("votes", 3, 3)]


def test_without_data_the_minimum_is_still_bought() -> None:
    decision = builders.decided(builders.policy(minNodes=5), builders.region_facts(None, builders.capacity(3)))
    assert (decision.delta, decision.reason) == (2, Reason.BELOW_MINIMUM)


def test_one_rule_without_data_does_not_silence_another() -> None:
    served = builders.policy(
        signals=[builders.signal_spec(), builders.signal_spec("cpu")],
        rules=[builders.rule(signal="cpu"), builders.rule()],
    )
    decision = builders.decided(served, builders.region_facts([builders.signal(430)], builders.capacity(3)))
    assert [vote.desired for vote in decision.votes] == [None, 5]
    assert decision.delta == 2


def test_each_signal_is_judged_by_its_own_limits() -> None:
    served = builders.policy(signals=[builders.signal_spec(maxAgeSeconds=10, minCoverage=0.9)])
    stale = builders.region_facts([builders.signal(430, age=11)], builders.capacity(3))
    thin = builders.region_facts([builders.signal(430, up=3, total=4)], builders.capacity(3))
    assert builders.decided(served, stale).votes[0].reason is Reason.SIGNAL_STALE
    assert builders.decided(served, thin).votes[0].reason is Reason.COVERAGE_TOO_LOW


def test_a_count_of_nodes_that_is_too_old_for_the_settings_stops_the_order() -> None:
    there: Capacity = builders.capacity(3, age=31)
    facts = builders.facts(builders.region_facts([builders.signal(430)], there))
    in_force = builders.policies(builders.policy())
    strict, lax = (replace(in_force, capacity_max_age=age) for age in (30.0, 31.0))
    assert decide(facts, strict).decisions[0].reason is Reason.CAPACITY_UNKNOWN
    assert decide(facts, lax).decisions[0].delta == 2


def test_a_plan_becomes_one_intent_for_each_region_that_wants_more() -> None:
    quiet = builders.region_facts([builders.signal(100, region=A)], builders.capacity(3, region=A), region=A)
    busy = builders.region_facts([builders.signal(430, region=B)], builders.capacity(3, region=B), region=B)
    plan = decide(builders.facts(quiet, busy), builders.policies(builders.policy(), A, B))
    assert intents(plan) == (OrderIntent(7, B, builders.operation(B), 2, desired=5, at=NOW),)


def test_a_ratio_is_not_multiplied_by_nodes_that_joined_after_it_was_measured() -> None:
    """3 nodes at 100 against 50 ordered 3; two of them are ready, the sample is still the old one."""
    before, new = builders.ids("ready", 3), sorted(builders.ids("new", 3))
    asked = builders.policy(rules=[builders.rule("Utilization", 50.0)])
    order = builders.order(OrderState.ACCEPTED, nodes=3, instances=new)
    arriving = replace(order, baseline=Baseline(before, NOW - 600))
    half_way = replace(builders.capacity(3), ready=before | frozenset(new[:2]))

    decision = builders.decided(asked, builders.region_facts([builders.signal(100.0)], half_way, [arriving]))

    assert decision.committed == 6
    assert decision.delta == 0


def test_a_sample_from_the_future_is_not_acted_on() -> None:
    ahead = builders.signal(10_000.0, age=-3600.0)
    decision = builders.decided(builders.policy(), builders.region_facts([ahead], builders.capacity(3)))

    assert decision.votes[0].reason is Reason.SIGNAL_IN_FUTURE
    assert decision.delta == 0


def test_an_abandoned_order_is_followed_by_the_same_wait_as_a_failed_one() -> None:
    left = builders.order(OrderState.ABANDONED, settled_ago=1.0)
    facts = builders.region_facts([builders.signal(10_000.0)], builders.capacity(3), [left])
    decision = builders.decided(builders.policy(), facts)

    assert decision.reason is Reason.BACKOFF_AFTER_FAILURE
    assert decision.delta == 0


def test_an_overdue_order_does_not_keep_later_nodes_from_being_measured_over() -> None:
    """What came after its call by other orders that have ended is there; what may be its own is not yet."""
    first, second, fresh = (InstanceId(f"i-ready-{number}") for number in range(3))
    there = replace(builders.capacity(0), ready=frozenset({first, second, fresh}))
    late = replace(builders.order(OrderState.OVERDUE, 2, id="late"), baseline=Baseline(frozenset({first}), 1.0))
    ended = builders.order(OrderState.READY, 1, id="ended", instances=[second], settled_ago=60.0)
    assert established_nodes(builders.region_facts(None, there, [late])) == 1
    assert established_nodes(builders.region_facts(None, there, [late, ended])) == 2
