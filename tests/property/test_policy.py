"""What holds for any policy and any facts: within bounds, monotone, deterministic, and never on bad data."""

import copy
from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autoscaler.model.decision import Decision, Facts, RegionFacts
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.policy.basket import Basket
from autoscaler.policy.combine import largest
from autoscaler.policy.committed import committed_nodes
from autoscaler.policy.decide import decide
from autoscaler.policy.draft import draft
from autoscaler.policy.guards import ORDER, elsewhere
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.language import ScalingPolicy
from tests.property import policy_strategies as any_
from tests.unit.policy import builders
from tests.unit.policy.builders import CAPACITY_MAX_AGE, NOW, REGION

thorough = settings(deadline=None, max_examples=150)


def found_dark(decision: Decision) -> bool:
    """Whether no target of the region answered; the property tests let any share of its nodes be unready."""
    return any(step.reason is Reason.REGION_DARK for step in decision.steps)


@thorough
@given(served=any_.policies(), facts=any_.any_facts())
def test_the_result_is_never_below_what_is_committed_and_never_above_the_maximum(
    served: ScalingPolicy, facts: RegionFacts
) -> None:
    decision = builders.decided(served, facts)
    assert decision.committed == committed_nodes(facts, decision.at)
    assert decision.committed <= decision.desired <= max(served.spec.max_nodes, decision.committed)
    assert decision.delta == decision.desired - decision.committed >= 0


@thorough
@given(served=any_.policies(braked=False), data=st.data())
def test_a_region_that_nothing_stops_has_at_least_the_minimum(served: ScalingPolicy, data: st.DataObject) -> None:
    signals = [data.draw(any_.signals(name, any_.any_floats)) for name in any_.NAMES]
    decision = builders.decided(served, data.draw(any_.calm_facts(signals)))
    assert decision.desired >= served.spec.min_nodes or found_dark(decision)


@thorough
@given(served=any_.policies(), facts=any_.any_facts())
def test_every_change_of_the_number_leaves_a_step(served: ScalingPolicy, facts: RegionFacts) -> None:
    decision = builders.decided(served, facts)
    wanted = largest(decision.votes)
    number = decision.committed if wanted is None else wanted
    for step in decision.steps:
        assert step.before == number
        assert step.message
        number = step.after
    assert number == decision.desired


@thorough
@given(
    served=any_.policies(max_rules=1),
    values=st.tuples(st.one_of(any_.loads, any_.finite), st.one_of(any_.loads, any_.finite)),
    data=st.data(),
)
def test_more_demand_never_gives_fewer_nodes(
    served: ScalingPolicy, values: tuple[float, float], data: st.DataObject
) -> None:
    facts = data.draw(st.one_of(any_.any_facts(), any_.calm_facts([])))
    less, more = (
        builders.decided(served, replace(facts, signals={"rps": builders.signal(value)})) for value in sorted(values)
    )
    few, many = less.votes[0].desired, more.votes[0].desired
    assert (few is None) == (many is None)
    if few is not None and many is not None:
        assert few <= many
    assert less.desired <= more.desired


@thorough
@given(kind=st.sampled_from(any_.TARGETS), ready=st.integers(1, 200), tolerance=any_.tolerances, share=st.floats(0, 3))
def test_the_steps_at_the_edges_of_the_tolerance_only_go_up(
    kind: str, ready: int, tolerance: float, share: float
) -> None:
    scale = 100.0 * ready if kind == "AverageValue" else 100.0
    served = builders.policy(rules=[builders.rule(kind, 100, tolerance=tolerance)], maxNodes=5000)
    edges = (1 - tolerance, 1 + tolerance, share)
    around = sorted(edge * scale * nudge for edge in edges for nudge in (1 - 1e-6, 1 - 1e-12, 1, 1 + 1e-12, 1 + 1e-6))
    there = builders.capacity(ready)
    votes = [
        builders.decided(served, builders.region_facts([builders.signal(value)], there)).votes[0].desired
        for value in around
    ]
    numbers = [vote for vote in votes if vote is not None]
    assert len(numbers) == len(votes)
    assert numbers == sorted(numbers)


@thorough
@given(served=any_.policies(), facts=any_.any_facts(), other=any_.any_facts(RegionId("cn-other")))
def test_equal_facts_give_equal_plans_whatever_their_order(
    served: ScalingPolicy, facts: RegionFacts, other: RegionFacts
) -> None:
    in_force = builders.policies(served, other.region, facts.region)
    turned = replace(facts, signals=dict(reversed(list(facts.signals.items()))))
    one = decide(builders.facts(facts, other), in_force)
    two = decide(builders.facts(copy.deepcopy(other), copy.deepcopy(turned)), copy.deepcopy(in_force))
    assert one == two


@thorough
@given(served=any_.policies(), facts=any_.any_facts(), other=any_.any_facts(RegionId("cn-other")))
def test_one_regions_trouble_stays_with_that_region(
    served: ScalingPolicy, facts: RegionFacts, other: RegionFacts
) -> None:
    in_force = builders.policies(served, facts.region, other.region)
    alone = decide(builders.facts(facts), in_force).decisions
    together = decide(builders.facts(facts, other), in_force).decisions
    assert tuple(decision for decision in together if decision.region == REGION) == alone


def seen(served: ScalingPolicy, facts: RegionFacts) -> Situation:
    """What the guards look at when the region is decided by itself."""
    in_force = builders.policies(served, facts.region)
    return draft(facts, NOW, builders.WHOLE_FLEET, in_force, Basket()).situation


def numbers(decision: Decision) -> list[tuple[str, int, int, str]]:
    """The steps without their words."""
    return [(step.guard, step.before, step.after, step.reason) for step in decision.steps]


@thorough
@given(served=any_.policies(), facts=any_.any_facts(), data=st.data())
def test_an_abstaining_rule_never_changes_another_rules_result(
    served: ScalingPolicy, facts: RegionFacts, data: st.DataObject
) -> None:
    silent = data.draw(st.none() | any_.unusable_signals("silent"))
    rule = data.draw(any_.rules("silent"))
    document = served.model_dump(by_alias=True)
    place = data.draw(st.integers(0, len(served.spec.rules)))
    document["spec"]["rules"] = [*document["spec"]["rules"][:place], rule, *document["spec"]["rules"][place:]]
    document["spec"]["signals"] = [*document["spec"]["signals"], builders.signal_spec("silent")]
    wider = ScalingPolicy.model_validate(document)
    heard = {**facts.signals, "silent": silent} if silent else facts.signals
    before, after = builders.decided(served, facts), builders.decided(wider, replace(facts, signals=heard))
    # Whether its targets answer counts all the same: that a region is dark is seen by all signals together.
    assume(not found_dark(before))
    assert after.votes[place].desired is None
    assert (*after.votes[:place], *after.votes[place + 1 :]) == before.votes
    # The words name every abstention; the numbers and the reasons must not know of them.
    assert (after.desired, numbers(after)) == (before.desired, numbers(before))


@thorough
@given(served=any_.policies(), facts=any_.any_facts(), data=st.data())
def test_an_undecided_order_stops_every_further_one(
    served: ScalingPolicy, facts: RegionFacts, data: st.DataObject
) -> None:
    unsettled = data.draw(any_.orders(9, any_.UNDECIDED))
    place = data.draw(st.integers(0, len(facts.orders)))
    orders = (*facts.orders[:place], unsettled, *facts.orders[place:])
    assert builders.decided(served, replace(facts, orders=orders)).delta == 0


@thorough
@given(
    served=any_.policies(),
    facts=any_.any_facts(),
    age=st.none() | st.floats(CAPACITY_MAX_AGE + 0.01, 1e6),
    load=any_.loads,
)
def test_an_unknown_or_old_count_of_nodes_buys_nothing(
    served: ScalingPolicy, facts: RegionFacts, age: float | None, load: float
) -> None:
    there = None if age is None else builders.capacity(3, age=age)
    signals = {name: builders.signal(load, name=name) for name in any_.NAMES}
    assert builders.decided(served, replace(facts, capacity=there, signals=signals)).delta == 0


@thorough
@given(served=any_.policies(braked=False), data=st.data())
def test_bad_data_buys_nothing_but_the_minimum(served: ScalingPolicy, data: st.DataObject) -> None:
    heard = [data.draw(any_.unusable_signals(name)) for name in any_.NAMES if data.draw(st.booleans())]
    calm = data.draw(any_.calm_facts(heard))
    decision = builders.decided(served, calm)
    assert decision.delta == (0 if found_dark(decision) else max(0, served.spec.min_nodes - decision.committed))
    troubled = replace(data.draw(any_.any_facts()), signals=calm.signals)
    decision = builders.decided(served, troubled)
    assert decision.delta <= max(0, served.spec.min_nodes - decision.committed)


@thorough
@given(served=any_.policies(), unready=st.integers(1, 40), data=st.data())
def test_a_dark_region_buys_nothing(served: ScalingPolicy, unready: int, data: st.DataObject) -> None:
    heard = [data.draw(any_.signals(name, any_.loads)) for name in any_.NAMES if data.draw(st.booleans())]
    dark = builders.region_facts(heard, builders.capacity(0, unready=unready))
    assume(served.spec.behavior.scale_up.max_unready_percent < 100)
    assert builders.decided(served, dark).delta == 0


@thorough
@given(served=any_.policies(), facts=any_.any_facts(), desired=st.integers(0, 200))
def test_a_guard_applied_to_its_own_result_has_nothing_to_add(
    served: ScalingPolicy, facts: RegionFacts, desired: int
) -> None:
    situation = seen(served, facts)
    for guard in ORDER:
        step = guard(situation, desired)
        if step is not None and guard is not elsewhere.guard:  # that one takes off what was bought, each time
            assert step.before == desired
            again = guard(situation, step.after)
            assert again is None or again.after == step.after


@thorough
@given(served=any_.policies(), facts=any_.any_facts(), desired=st.integers(0, 200))
def test_every_guard_but_the_bounds_holds_reduces_or_only_speaks(
    served: ScalingPolicy, facts: RegionFacts, desired: int
) -> None:
    situation = seen(served, facts)
    for guard in ORDER[2:]:
        step = guard(situation, desired)
        assert step is None or situation.committed <= step.after <= step.before == desired > situation.committed


@thorough
@given(served=any_.policies(), facts=any_.any_facts())
def test_nothing_is_bought_when_any_guard_holds(served: ScalingPolicy, facts: RegionFacts) -> None:
    situation, decision = seen(served, facts), builders.decided(served, facts)
    much = situation.committed + 1_000_000
    if any((step := guard(situation, much)) and step.after == situation.committed for guard in ORDER):
        assert (decision.delta, decision.purchase) == (0, None)


def test_no_facts_give_an_empty_plan() -> None:
    assert decide(Facts(1, NOW, {}), builders.policies(builders.policy())).decisions == ()
