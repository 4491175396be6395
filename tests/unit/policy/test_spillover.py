"""A shortfall of stock is bought in the sibling regions that the policy lists, and every decision says so."""

from dataclasses import replace

import pytest

from autoscaler.model.decision import Decision, FleetFacts, Plan, RegionFacts, Stop, Tally
from autoscaler.model.names import Money, RegionId
from autoscaler.model.order import Order, OrderIntent, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.decide import Policies, decide
from autoscaler.policy.explain import explain
from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.planning import intents
from tests.unit.policy import builders
from tests.unit.policy.builders import NOW, busy

X, Y, Z = RegionId("cn-x"), RegionId("cn-y"), RegionId("cn-z")


def policy(**more: object) -> ScalingPolicy:
    return builders.policy(**{"maxNodes": 8, "spillover": {"regions": [X, Y, Z]}, **more})  # type: ignore[arg-type]


def out_of_stock(region: RegionId = X) -> Order:
    return builders.order(
        OrderState.FAILED, id=f"out-{region}", region=region, settled_ago=100, reason=Reason.OUT_OF_STOCK
    )


def in_need(wanted: int = 7, region: RegionId = X, *, ready: int = 5, tally: Tally = builders.NO_TALLY) -> RegionFacts:
    """A region that is out of stock and wants so many nodes."""
    return busy(wanted, ready=ready, region=region, orders=[out_of_stock(region)], tally=tally)


def calm(
    region: RegionId, ready: int = 3, orders: tuple[Order, ...] = (), tally: Tally = builders.NO_TALLY
) -> RegionFacts:
    return busy(ready, ready=ready, region=region, orders=orders, tally=tally)


def planned(*regions: RegionFacts, served: ScalingPolicy | None = None, **more: object) -> Plan:
    in_force = builders.policies(served or policy(), X, Y, Z)
    return decide(builders.facts(*regions), replace(in_force, **more))  # type: ignore[arg-type]


def of(plan: Plan, region: RegionId) -> Decision:
    return next(decision for decision in plan.decisions if decision.region == region)


def bought(plan: Plan) -> dict[RegionId, tuple[int, RegionId | None]]:
    return {intent.region: (intent.nodes, intent.for_region) for intent in intents(plan)}


def test_the_first_sibling_takes_the_shortfall_and_both_decisions_say_so() -> None:
    plan = planned(in_need(), calm(Y), calm(Z))
    assert intents(plan) == (OrderIntent(7, Y, builders.operation(Y), 2, desired=5, for_region=X, at=NOW),)
    origin, sibling = of(plan, X), of(plan, Y)
    assert [(s.guard, s.before, s.after, s.reason, s.message) for s in origin.steps] == [
        ("stock", 7, 5, Reason.STOCK_BACKOFF, "out of stock: ens.sn1.small for 800 s more"),
        ("spillover", 5, 5, Reason.SPILLED_OVER, "2 to cn-y: out of stock here"),
    ]
    assert [(s.guard, s.before, s.after, s.reason, s.message) for s in sibling.steps] == [
        ("spillover", 3, 5, Reason.SPILLOVER_RECEIVED, "+2 for cn-x")
    ]
    assert (origin.desired, origin.delta, origin.purchase) == (5, 0, None)
    assert (sibling.desired, sibling.delta, sibling.reason) == (5, 2, Reason.SPILLOVER_RECEIVED)
    assert "  purchase  2 x ens.sn1.small by ScaleOutCluster, price unknown, for cn-x" in list(explain(sibling))


def test_what_one_sibling_can_not_take_goes_to_the_next() -> None:
    plan = planned(in_need(8, ready=2), calm(Y, ready=6), calm(Z))
    assert bought(plan) == {Y: (2, X), Z: (4, X)}
    assert [step.message for step in of(plan, X).steps[1:]] == [
        "2 to cn-y: out of stock here",
        "4 to cn-z: out of stock here",
    ]
    assert of(plan, Y).reason is Reason.ABOVE_MAXIMUM


def test_what_nobody_takes_is_said_with_the_reasons() -> None:
    plan = planned(in_need(), calm(Y, ready=8))
    assert bought(plan) == {}
    last = of(plan, X).steps[-1]
    message = "nobody takes 2: cn-y is held by AboveMaximum, cn-z is not decided in this tick"
    assert (last.guard, last.before, last.after, last.reason, last.message) == (
        "spillover",
        5,
        5,
        Reason.STOCK_BACKOFF,
        message,
    )
    assert of(plan, Y).steps == ()


def test_a_sibling_that_buys_for_itself_takes_nothing() -> None:
    plan = planned(in_need(), busy(6, region=Y), calm(Z))
    assert bought(plan) == {Y: (3, None), Z: (2, X)}


def test_a_sibling_takes_one_regions_shortfall_only_and_the_most_urgent_comes_first() -> None:
    plan = planned(in_need(7, X, ready=5), in_need(5, Y, ready=2), calm(Z))
    assert bought(plan) == {Z: (3, Y)}
    assert of(plan, X).steps[-1].message == "nobody takes 2: cn-y is held by StockBackoff, cn-z buys for itself"


def test_equally_urgent_regions_spill_in_the_order_of_their_ids() -> None:
    plan = planned(in_need(7, Y), in_need(7, X), calm(Z))
    assert bought(plan) == {Z: (2, X)}


@pytest.mark.parametrize(("spilled", "nodes"), [(0, 2), (1, 1), (2, 0), (5, 0)])
def test_what_was_spilled_before_is_not_spilled_again(spilled: int, nodes: int) -> None:
    plan = planned(in_need(tally=Tally(spilled=spilled)), calm(Y))
    assert bought(plan) == ({Y: (nodes, X)} if nodes else {})


def test_what_was_spilled_is_not_bought_again_when_the_stock_is_back() -> None:
    plan = planned(busy(7, ready=5, region=X, tally=Tally(spilled=2)), calm(Y))
    assert bought(plan) == {}
    assert of(plan, X).reason is Reason.SPILLED_OVER


def test_a_sibling_gives_what_it_is_asked_for_whatever_was_once_bought_for_itself() -> None:
    assert bought(planned(in_need(), calm(Y, tally=Tally(spilled=9)))) == {Y: (2, X)}


@pytest.mark.parametrize(
    ("orders", "tally"),
    [
        ((builders.order(OrderState.IN_DOUBT, 1, region=Y),), Tally()),
        ((builders.order(OrderState.READY, 1, region=Y, settled_ago=10),), Tally()),
        ((builders.order(OrderState.FAILED, 1, region=Y, settled_ago=10, reason=Reason.REJECTED),), Tally()),
        ((out_of_stock(Y),), Tally()),
        ((), Tally(failed_joins=3)),
        ((), Tally(bought=50)),
    ],
)
def test_every_guard_of_the_sibling_holds_for_another_regions_shortfall_too(
    orders: tuple[Order, ...], tally: Tally
) -> None:
    served = policy(scale_up={"maxNodesEver": 50})
    assert bought(planned(in_need(), calm(Y, orders=orders, tally=tally), calm(Z), served=served)) == {Z: (2, X)}


def test_a_region_that_anything_else_stops_too_does_not_spill() -> None:
    doubt = builders.order(OrderState.IN_DOUBT, 1, id="doubt", region=X)
    held = busy(9, ready=5, region=X, orders=[out_of_stock(), doubt])
    assert bought(planned(held, calm(Y))) == {}
    broke = planned(in_need(), calm(Y), budgets=(builders.budget(0, regions=[X]),))
    assert bought(broke) == {}


def test_an_alternative_type_comes_before_any_sibling() -> None:
    offers = {X: (builders.offer(region=X), builders.offer(builders.LARGE, region=X)), Y: (builders.offer(region=Y),)}
    plan = planned(in_need(), calm(Y), offers=offers)
    assert bought(plan) == {X: (2, None)}
    purchase = of(plan, X).purchase
    assert purchase is not None
    assert purchase.operation.worker_instance_type == builders.LARGE
    assert of(plan, X).reason is Reason.ALTERNATIVE_TYPE


def test_the_siblings_budget_pays_and_is_never_overdrawn_by_the_plan() -> None:
    offers = {region: (builders.offer(price=100, region=region),) for region in (X, Y, Z)}
    shared = (builders.budget(300, regions=[Y, Z]),)
    plan = planned(in_need(8, ready=3), calm(Y, ready=6), busy(4, ready=3, region=Z), offers=offers, budgets=shared)
    assert bought(plan) == {Y: (2, X), Z: (1, None)}
    purchases = [decision.purchase for decision in plan.decisions if decision.purchase]
    assert sum(purchase.cost for purchase in purchases) == Money(300)


def test_a_stopped_accounts_one_try_is_not_doubled_by_spilling() -> None:
    stop = FleetFacts(stop=Stop(Reason.FORBIDDEN, NOW - 5000, "no permission"))
    in_force = builders.policies(policy(), X, Y, Z)
    assert bought(decide(builders.facts(in_need(), calm(Y), busy(6, region=Z), fleet=stop), in_force)) == {Z: (3, None)}
    assert bought(decide(builders.facts(in_need(), calm(Y), fleet=stop), in_force)) == {Y: (2, X)}


def test_without_siblings_the_region_waits_for_its_own_stock() -> None:
    plan = planned(in_need(), calm(Y), served=policy(spillover={"regions": []}))
    assert bought(plan) == {}
    assert [step.guard for step in of(plan, X).steps] == ["stock"]


def test_regions_are_decided_with_the_siblings_that_may_take_their_shortfall() -> None:
    other = builders.policy(spillover={"regions": ["cn-unserved", Z]})
    in_force = Policies({X: policy(), Y: other, Z: builders.policy()}, 120.0)
    assert in_force.with_siblings([X]) == {X, Y, Z}
    assert in_force.with_siblings([Y]) == {Y, Z}
    assert in_force.with_siblings([Z]) == {Z}
    assert in_force.with_siblings([]) == frozenset()


def test_the_regions_own_limits_hold_for_all_that_is_spilled_together() -> None:
    quota = policy(scale_up={"maxNodesPerDay": 2})
    assert bought(planned(in_need(8), calm(Y), served=quota)) == {Y: (2, X)}
    assert bought(planned(in_need(8, tally=Tally(spilled=2, spilled_today=2)), calm(Y), served=quota)) == {}
    tomorrow = planned(in_need(8, tally=Tally(spilled=2)), calm(Y), served=quota)
    assert bought(tomorrow) == {Y: (1, X)}, "a quota of the day is used up for that day only"


def test_two_regions_that_spill_do_not_overdraw_the_budget_of_their_siblings() -> None:
    w = RegionId("cn-w")
    in_force = builders.policies(policy(spillover={"regions": [Y, Z]}), w, X, Y, Z)
    offers = {region: (builders.offer(price=100, region=region),) for region in (w, X, Y, Z)}
    in_force = replace(in_force, offers=offers, budgets=(builders.budget(300, regions=[Y, Z]),))
    plan = decide(builders.facts(in_need(7, w), in_need(7, X), calm(Y), calm(Z)), in_force)
    assert bought(plan) == {Y: (2, w), Z: (1, X)}
    assert of(plan, Z).reason is Reason.BUDGET_EXHAUSTED
