"""The shortcuts of the tick change no plan: it is what the plain composition of votes and guards gives, word for word.

The plain one asks every guard in every region, joins every set, judges every signal by the definitions, and guards
every buyer anew. It is slow, and it is here only.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.model.decision import Decision, Facts, GuardStep, Plan, RegionFacts, Vote
from autoscaler.model.names import InstanceId, RegionId
from autoscaler.model.order import Baseline, Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.policy import draft as drafts
from autoscaler.policy.ballot import Ballot
from autoscaler.policy.basket import Basket
from autoscaler.policy.committed import SHOWN_AFTER, committed_nodes, established_nodes
from autoscaler.policy.decide import Policies, decide
from autoscaler.policy.draft import draft
from autoscaler.policy.explain import explain, summary
from autoscaler.policy.guards import ORDER
from autoscaler.policy.guards.bounds import vanished
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.rules.target_tracking import TargetTracking
from autoscaler.policy.spillover import spill
from autoscaler.policy.trust import CLOCK_SKEW, Reading, read
from tests.property import policy_strategies as any_
from tests.unit.policy import builders
from tests.unit.policy.builders import NOW, REGION

thorough = settings(deadline=None, max_examples=200)
ROUNDING = 1e-9


def plain_committed(facts: RegionFacts, now: float) -> int:
    seen = facts.capacity.instances if facts.capacity else frozenset()
    hidden: set[InstanceId] = set()
    for order in facts.orders:
        if order.settled_at is not None and (
            facts.capacity is None or facts.capacity.at <= order.settled_at or now - order.settled_at < SHOWN_AFTER
        ):
            hidden |= order.instances - seen
    return len(seen | hidden) + sum(order.outstanding(seen) for order in facts.orders)


def plain_established(facts: RegionFacts) -> int:
    ready = facts.capacity.ready if facts.capacity else frozenset()
    ended = frozenset(one for order in facts.orders if order.state.final for one in order.instances)
    for order in facts.orders:
        if order.state in {OrderState.ACCEPTED, OrderState.OVERDUE} and order.baseline is not None:
            ready = ready & (order.baseline.instances | ended)
    return len(ready)


def plain_reading(signal: Signal | None, max_age: float, min_coverage: float, now: float) -> Reading:
    if signal is None:
        return Reading(None, Reason.SIGNAL_MISSING, "its source has not answered yet")
    if signal.value is None or signal.at is None:
        return Reading(None, Reason.SIGNAL_MISSING, signal.detail or "no sample")
    if math.isnan(signal.value) or math.isinf(signal.value):
        return Reading(None, Reason.SIGNAL_NOT_A_NUMBER, f"value is {signal.value}")
    if signal.at > now + CLOCK_SKEW:
        return Reading(None, Reason.SIGNAL_IN_FUTURE, f"stamped {signal.at - now:.0f} s ahead of this machine's clock")
    if now - signal.at > max_age:
        return Reading(None, Reason.SIGNAL_STALE, f"{now - signal.at:.0f} s old, at most {max_age:.0f} s")
    if signal.coverage < min_coverage:
        answered = f"{signal.targets_up} of {signal.targets_total} targets answered"
        return Reading(None, Reason.COVERAGE_TOO_LOW, f"{answered}, at least {min_coverage:.0%} needed")
    return Reading(signal.value)


def plain_vote(rule: TargetTracking, reading: Reading, ready: int, established: int) -> Vote:
    name, goal, kind = f"TargetTracking({rule.signal})", rule.target.value, rule.target.type
    if reading.value is None:
        return Vote(name, None, reading.reason, reading.detail)
    current = ready if kind == "AverageValue" else established
    if kind != "AverageValue" and current == 0:
        return Vote(name, None, Reason.NO_READY_NODES, f"{kind} is a ratio over ready nodes, and there are none")
    capacity = goal * current if kind == "AverageValue" else goal
    ratio = reading.value / capacity if capacity else math.inf
    wanted = reading.value / goal if kind == "AverageValue" else current * ratio
    between = "x" if kind == "AverageValue" else "at"
    detail = f"{reading.value:g} against {goal:g} {between} {current} ready"
    if not math.isinf(ratio):
        detail += f": ratio {ratio:.2f}"
    if current and abs(ratio - 1.0) <= rule.tolerance + ROUNDING:
        return Vote(name, current, Reason.WITHIN_TOLERANCE, detail)
    desired = math.ceil(min(max(wanted, 0.0), 1_000_000) - ROUNDING)
    above = ratio > 1.0 and desired > 0
    return Vote(name, desired, Reason.ABOVE_TARGET if above else Reason.BELOW_TARGET, detail)


def plain_bounds(situation: Situation, desired: int) -> GuardStep | None:
    spec, gone = situation.policy, vanished(situation)
    low = spec.min_nodes if situation.for_region is None else 0
    ceiling = max(spec.max_nodes - gone, situation.committed)
    minimum, maximum = f"minNodes is {low}", f"maxNodes is {spec.max_nodes}"
    if gone:
        hours = situation.scale_up.window_seconds / 3600
        maximum += f", and {gone} nodes bought in the last {hours:g} h never came or are gone"
    after = min(max(desired, low), ceiling)
    if after > desired:
        message = minimum if low <= ceiling else f"{minimum}, {maximum}"
        return GuardStep("bounds", desired, after, Reason.BELOW_MINIMUM, message)
    if after < desired or desired < low:
        return GuardStep("bounds", desired, after, Reason.ABOVE_MAXIMUM, maximum)
    return None


def plain_guarded(situation: Situation, wanted: int) -> tuple[GuardStep, ...]:
    steps: list[GuardStep] = []
    for guard in (ORDER[0], plain_bounds, *ORDER[2:]):
        if (step := guard(situation, wanted)) is not None:
            steps.append(step)
            wanted = step.after
    return tuple(steps)


@contextmanager
def no_shortcuts(policies: Policies) -> Iterator[None]:
    """Every part of a draft that takes a shortcut is the plain one here."""

    def taken(ballot: Ballot, facts: RegionFacts, now: float) -> tuple[tuple[Signal, ...], tuple[Vote, ...]]:
        spec = policies.by_region[facts.region].spec
        readings = {
            one.name: plain_reading(facts.signals.get(one.name), one.max_age_seconds, one.min_coverage, now)
            for one in spec.signals
        }
        ready, established = len(facts.capacity.ready) if facts.capacity else 0, plain_established(facts)
        signals = tuple(facts.signals[one.name] for one in spec.signals if one.name in facts.signals)
        return signals, tuple(plain_vote(rule, readings[rule.signal], ready, established) for rule in spec.rules)

    with ExitStack() as stack:
        stack.enter_context(patch.object(Ballot, "taken", taken))
        stack.enter_context(patch.object(drafts, "committed_nodes", plain_committed))
        stack.enter_context(patch.object(drafts, "guarded", plain_guarded))
        yield


def plain_decide(facts: Facts, policies: Policies) -> Plan:
    """As `decide`, whose every buyer is guarded anew, whether or not anything is shared."""
    basket, stopped = Basket(policies.budgets, facts.fleet.charges, facts.at), facts.fleet.stop is not None
    with no_shortcuts(policies):
        found = {
            region: draft(facts.regions[region], facts.at, facts.fleet, policies, basket)
            for region in sorted(facts.regions.keys() & policies.by_region.keys())
        }
        buyers = [region for region, one in found.items() if one.purchase is not None]
        buyers.sort(key=lambda region: (found[region].refused_at if stopped else 0.0, -found[region].urgency, region))
        for region in buyers:
            found[region] = found[region].guarded()
            if (purchase := found[region].purchase) is not None:
                basket.add(region, purchase.cost)
        spill(found, basket)
        return Plan(facts.tick, facts.at, tuple(one.decision() for one in found.values()))


def in_words(decision: Decision) -> Decision:
    """The decision with the text of every vote in place of what the text is made from."""
    votes = tuple(Vote(vote.rule, vote.desired, vote.reason, vote.detail) for vote in decision.votes)
    return decision._replace(votes=votes)


def same(facts: Facts, policies: Policies) -> None:
    quick, plain = decide(facts, policies), plain_decide(facts, policies)
    assert (quick.tick, quick.at) == (plain.tick, plain.at)
    for one, two in zip(quick.decisions, plain.decisions, strict=True):
        assert in_words(one) == in_words(two)
        assert (one.reason, one.delta) == (two.reason, two.delta)
        assert summary(one) == summary(two)
        assert list(explain(one)) == list(explain(two))


AGES = (0.0, 1.0, 120.0, SHOWN_AFTER, 9000.0)
ARRIVING = (OrderState.ACCEPTED, OrderState.OVERDUE)


@st.composite
def timed_orders(draw: st.DrawFn, number: int) -> Order:
    """An order settled just when the nodes were read or some time off, or on its way with a baseline."""
    order = draw(any_.orders(number, draw(st.sampled_from((ARRIVING, tuple(OrderState))))))
    some = builders.ids("ready", draw(st.integers(0, 3)))
    return replace(
        order,
        settled_at=NOW - draw(st.sampled_from(AGES)) if order.state.final else None,
        baseline=draw(st.none() | st.just(Baseline(some, NOW - 700))),
        instances=draw(st.sampled_from((order.instances, some))),
    )


@st.composite
def moving_facts(draw: st.DrawFn) -> RegionFacts:
    """Signals that can be trusted, and orders on their way from every baseline or settled at every age."""
    loads = [builders.signal(draw(st.one_of(any_.loads, st.integers(0, 300))), name=name) for name in any_.NAMES]
    there = replace(draw(any_.capacities(st.integers(1, 6))), at=NOW - draw(st.sampled_from(AGES)))
    orders = [draw(timed_orders(number)) for number in range(draw(st.integers(0, 3)))]
    return builders.region_facts(loads, draw(st.sampled_from((there, there, None))), orders, tally=draw(any_.tallies))


@thorough
@given(served=any_.policies(), facts=any_.any_facts())
def test_one_region_is_decided_as_by_asking_every_guard(served: ScalingPolicy, facts: RegionFacts) -> None:
    same(builders.facts(facts), builders.policies(served, facts.region))


@thorough
@given(served=any_.policies(), facts=moving_facts())
def test_a_region_with_orders_on_their_way_is_decided_as_by_asking_every_guard(
    served: ScalingPolicy, facts: RegionFacts
) -> None:
    same(builders.facts(facts), builders.policies(served, facts.region))


@thorough
@given(served=any_.policies(braked=False), data=st.data())
def test_a_calm_region_is_decided_as_by_asking_every_guard(served: ScalingPolicy, data: st.DataObject) -> None:
    heard = [data.draw(any_.signals(name, st.one_of(any_.loads, any_.any_floats))) for name in any_.NAMES]
    calm = data.draw(any_.calm_facts(heard))
    same(builders.facts(calm), builders.policies(served, calm.region))


@thorough
@given(fleet=any_.fleets())
def test_a_fleet_is_decided_as_by_guarding_every_buyer_anew(fleet: tuple[Facts, Policies]) -> None:
    same(*fleet)


@thorough
@given(facts=moving_facts())
def test_nodes_are_counted_as_by_joining_every_set(facts: RegionFacts) -> None:
    assert committed_nodes(facts, NOW) == plain_committed(facts, NOW)
    assert established_nodes(facts) == plain_established(facts)


@thorough
@given(
    signal=st.none() | any_.signals("rps", any_.any_floats),
    ahead=st.sampled_from((0.0, CLOCK_SKEW, CLOCK_SKEW + 1, 1e6)),
    max_age=st.sampled_from((0.001, 5.0, 90.0)),
    min_coverage=st.sampled_from((0.0, 0.25, 1 / 3, 0.5, 1.0)),
)
def test_a_signal_is_judged_by_the_definitions(
    signal: Signal | None, ahead: float, max_age: float, min_coverage: float
) -> None:
    now = NOW - ahead
    plain = plain_reading(signal, max_age, min_coverage, now)
    assert read(signal, max_age=max_age, min_coverage=min_coverage, now=now) == plain


def test_a_region_that_no_policy_serves_is_left_out_of_both() -> None:
    strange = builders.busy(5, region=RegionId("cn-strange"))
    same(builders.facts(strange, builders.busy(5)), builders.policies(builders.policy(), REGION))
