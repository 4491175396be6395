"""What regions share within one plan: budgets, and the one try of a stopped account."""

from dataclasses import replace

from autoscaler.model.decision import Charge, FleetFacts, Plan, Stop
from autoscaler.model.names import FREE, Money, RegionId
from autoscaler.model.operation import Offer
from autoscaler.model.reason import Reason
from autoscaler.policy.basket import Basket
from autoscaler.policy.decide import decide
from autoscaler.policy.planning import intents
from tests.unit.policy import builders
from tests.unit.policy.builders import NOW, busy

A, B, C = RegionId("cn-a"), RegionId("cn-b"), RegionId("cn-c")
PRICED = {region: (builders.offer(price=100, region=region),) for region in (A, B, C)}


def bought(plan: Plan) -> dict[RegionId, int]:
    return {intent.region: intent.nodes for intent in intents(plan)}


def test_the_most_urgent_region_is_paid_first_and_the_plan_keeps_the_budget() -> None:
    in_force = replace(builders.policies(builders.policy(), A, B, C), offers=PRICED, budgets=(builders.budget(400),))
    facts = builders.facts(
        busy(6, ready=4, region=A), busy(4, ready=1, region=B), busy(8, ready=4, region=C), fleet=FleetFacts()
    )
    plan = decide(facts, in_force)
    assert bought(plan) == {B: 3, C: 1}  # 3 of 4 are missing in B, 4 of 8 in C, 2 of 6 in A
    assert plan.decisions[0].reason is Reason.BUDGET_EXHAUSTED
    assert [decision.region for decision in plan.decisions] == [A, B, C]


def test_equally_urgent_regions_are_paid_in_the_order_of_their_ids() -> None:
    in_force = replace(builders.policies(builders.policy(), A, B), offers=PRICED, budgets=(builders.budget(300),))
    facts = builders.facts(busy(6, region=B), busy(6, region=A))
    assert bought(decide(facts, in_force)) == {A: 3}


def test_a_purchase_says_what_it_costs() -> None:
    in_force = replace(builders.policies(builders.policy(), A), offers=PRICED)
    (decision,) = decide(builders.facts(busy(5, region=A)), in_force).decisions
    assert decision.purchase is not None
    assert (decision.purchase.nodes, decision.purchase.cost, decision.delta) == (2, 200, 2)


def test_a_purchase_without_a_price_costs_nothing_that_is_known() -> None:
    (intent,) = intents(decide(builders.facts(busy(5, region=A)), builders.policies(builders.policy(), A)))
    assert intent.cost == FREE


def test_after_a_stop_of_the_account_the_most_urgent_region_tries_alone() -> None:
    stop = FleetFacts(stop=Stop(Reason.FORBIDDEN, NOW - 901, "no permission"))
    in_force = builders.policies(builders.policy(), A, B, C)
    facts = builders.facts(busy(5, region=A), busy(9, region=B), busy(7, region=C), fleet=stop)
    plan = decide(facts, in_force)
    assert bought(plan) == {B: 6}
    assert [decision.reason for decision in plan.decisions] == [
        Reason.ACCOUNT_STOPPED,
        Reason.ABOVE_TARGET,
        Reason.ACCOUNT_STOPPED,
    ]


def test_an_order_that_is_too_large_for_one_call_is_cut_and_the_rest_comes_later() -> None:
    in_force = builders.policies(builders.policy(maxNodes=5000), A)
    in_force = replace(in_force, offers={A: (Offer(builders.pool_operation(A)),)})
    plan = decide(builders.facts(busy(1200, ready=3, region=A)), in_force)
    assert bought(plan) == {A: 500}
    assert (plan.decisions[0].desired, plan.decisions[0].reason) == (503, Reason.CALL_LIMITED)


def test_a_region_without_an_offer_is_held_and_says_so() -> None:
    in_force = replace(builders.policies(builders.policy(), A), offers={})
    (decision,) = decide(builders.facts(busy(5, region=A)), in_force).decisions
    assert (decision.delta, decision.purchase, decision.reason) == (0, None, Reason.NO_OFFER)


def test_the_brakes_are_those_of_the_policies_in_force() -> None:
    in_force = builders.policies(builders.policy(), A)
    facts = builders.facts(busy(5, region=A), fleet=FleetFacts(100, 46))
    assert decide(facts, in_force).decisions[0].reason is Reason.FLEET_UNREADY
    lax = replace(in_force, brakes=replace(in_force.brakes, max_unready_share=0.5))
    assert bought(decide(facts, lax)) == {A: 2}


def test_the_basket_knows_what_the_plan_took_whenever_it_is_asked() -> None:
    charges = [Charge(A, NOW - 60, Money(100)), Charge(B, NOW - 60, Money(10))]
    early, late = (
        Basket([builders.budget(1000), builders.budget(500, name="b", regions=[B])], charges, NOW) for _ in "12"
    )
    assert early.tightest(B) is not None
    for basket in (early, late):
        basket.add(A, Money(7))
        basket.add(B, Money(5))
        assert basket.first == A
        for region, left in ((A, 878), (B, 485)):
            tightest = basket.tightest(region)
            assert tightest is not None
            assert tightest[1] == left
    assert Basket().tightest(A) is None
