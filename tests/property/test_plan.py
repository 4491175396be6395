"""What holds for any plan of several regions: budgets, the one try of a stopped account, spillover."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.model.decision import Decision, Facts, Plan
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.policy.attention import attention
from autoscaler.policy.basket import Basket
from autoscaler.policy.budget import spending_limits
from autoscaler.policy.decide import Policies, decide
from autoscaler.policy.draft import draft
from autoscaler.policy.explain import explain, summary
from autoscaler.policy.planning import intents
from tests.property import policy_strategies as any_

thorough = settings(deadline=None, max_examples=150)
fleets = any_.fleets()
Fleet = tuple[Facts, Policies]


def spilled(plan: Plan) -> dict[RegionId, int]:
    """Nodes that siblings buy for each region."""
    nodes: dict[RegionId, int] = {}
    for intent in intents(plan):
        if intent.for_region is not None:
            nodes[intent.for_region] = nodes.get(intent.for_region, 0) + intent.nodes
    return nodes


def need(decision: Decision, policies: Policies) -> int:
    """Nodes that the region lacks, by its votes and its bounds alone."""
    spec = policies.by_region[decision.region].spec
    wanted = max(spec.min_nodes, *(vote.desired or 0 for vote in decision.votes))
    return min(wanted, spec.max_nodes) - decision.committed


@thorough
@given(fleet=fleets)
def test_what_is_bought_is_what_was_decided(fleet: Fleet) -> None:
    plan = decide(*fleet)
    for decision in plan.decisions:
        purchase = decision.purchase
        assert decision.delta == decision.desired - decision.committed == (purchase.nodes if purchase else 0)
        assert purchase is None or purchase.for_region != decision.region
    bought = {intent.region: (intent.nodes, intent.desired) for intent in intents(plan)}
    assert bought == {one.region: (one.delta, one.desired) for one in plan.decisions if one.delta}


@thorough
@given(fleet=fleets)
def test_every_region_stays_within_its_own_maximum_and_quota_whoever_it_buys_for(fleet: Fleet) -> None:
    facts, policies = fleet
    for decision in decide(*fleet).decisions:
        spec, tally = policies.by_region[decision.region].spec, facts.regions[decision.region].tally
        assert decision.committed <= decision.desired <= max(spec.max_nodes, decision.committed)
        ever = spec.behavior.scale_up.max_nodes_ever
        assert ever is None or decision.delta == 0 or tally.bought + decision.delta <= ever


@thorough
@given(fleet=fleets)
def test_a_plan_never_plans_beyond_a_budget(fleet: Fleet) -> None:
    facts, policies = fleet
    plan = decide(*fleet)
    for intent in intents(plan):
        for limit in spending_limits(policies.budgets, intent.region, facts.at):
            before = sum(charge.amount for charge in facts.fleet.charges if limit.covers(charge.region))
            planned = sum(other.cost for other in intents(plan) if limit.covers(other.region))
            assert before + planned <= limit.most
            assert intent.cost > 0 or policies.prices_from_api


@thorough
@given(fleet=fleets)
def test_deciding_is_deterministic_and_changes_nothing(fleet: Fleet) -> None:
    facts, policies = fleet
    turned = Facts(facts.tick, facts.at, dict(reversed(list(facts.regions.items()))), facts.fleet)
    one = decide(facts, policies)
    assert one == decide(facts, policies)
    assert one == decide(copy.deepcopy(turned), copy.deepcopy(policies))


@thorough
@given(fleet=fleets)
def test_every_step_goes_on_where_the_last_one_ended(fleet: Fleet) -> None:
    for decision in decide(*fleet).decisions:
        for one, two in zip(decision.steps, decision.steps[1:], strict=False):
            assert one.after == two.before
        if decision.steps:
            assert decision.steps[-1].after == decision.desired
        assert summary(decision)
        assert list(explain(decision))
        assert all(one.detail for one in attention(decision, ()))


@thorough
@given(fleet=fleets)
def test_no_more_is_spilled_than_is_missing_beyond_what_was_spilled_before(fleet: Fleet) -> None:
    facts, policies = fleet
    plan = decide(*fleet)
    for origin, nodes in spilled(plan).items():
        decision = next(one for one in plan.decisions if one.region == origin)
        assert decision.purchase is None
        assert nodes <= need(decision, policies) - facts.regions[origin].tally.spilled
        assert any(step.reason is Reason.STOCK_BACKOFF for step in decision.steps)


@thorough
@given(fleet=fleets)
def test_a_region_buys_for_another_only_what_its_own_guards_would_let_it_buy(fleet: Fleet) -> None:
    facts, policies = fleet
    for intent in intents(decide(*fleet)):
        if intent.for_region is not None:
            basket = Basket(policies.budgets, facts.fleet.charges, facts.at)
            alone = draft(facts.regions[intent.region], facts.at, facts.fleet, policies, basket)
            assert alone.purchase is None
            free = alone.receiving(intent.nodes, intent.for_region).purchase
            assert free is not None
            assert free.nodes == intent.nodes


@thorough
@given(fleet=fleets)
def test_a_stopped_account_is_tried_by_one_region_at_most(fleet: Fleet) -> None:
    facts, policies = fleet
    stop = facts.fleet.stop
    if stop is not None:
        tries = intents(decide(*fleet))
        assert len(tries) <= (1 if facts.at >= stop.at + policies.brakes.account_stop_seconds else 0)


@thorough
@given(fleet=fleets, data=st.data())
def test_spilling_once_is_enough(fleet: Fleet, data: st.DataObject) -> None:
    """The next tick, with the orders placed and the same demand, buys nothing more for the same regions."""
    facts, policies = fleet
    plan = decide(*fleet)
    spilled_now = spilled(plan)
    again = decide(any_.placed(facts, plan, stock_is_back=data.draw(st.booleans())), policies)
    for region, nodes in spilled_now.items():
        decision = next(one for one in again.decisions if one.region == region)
        before = next(one for one in plan.decisions if one.region == region)
        missing = need(before, policies) - facts.regions[region].tally.spilled
        assert decision.delta + spilled(again).get(region, 0) <= max(0, missing - nodes)
