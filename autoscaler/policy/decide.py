"""The tick: facts and policies in, a plan out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autoscaler.model.decision import Decision, Facts, GuardStep, Plan, RegionFacts, Vote
from autoscaler.model.names import RegionId
from autoscaler.model.operation import Offer
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.brakes import Brakes
from autoscaler.policy.budget import Budget
from autoscaler.policy.combine import largest
from autoscaler.policy.guards import ORDER
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.language import PolicySpec, ScalingPolicy
from autoscaler.policy.trust import Reading, read

_ARRIVING = frozenset({OrderState.ACCEPTED, OrderState.OVERDUE})


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies in force. `capacity_max_age` is seconds: how old the count of nodes may be when buying.

    `offers` are the ways to buy in each region, the preferred one first.
    """

    by_region: Mapping[RegionId, ScalingPolicy]
    capacity_max_age: float
    offers: Mapping[RegionId, tuple[Offer, ...]] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    brakes: Brakes = field(default_factory=Brakes)


def decide(facts: Facts, policies: Policies) -> Plan:
    """Decide every region in `facts` that a policy serves. Deterministic: equal arguments give equal plans."""
    decisions = tuple(
        _decide_region(facts.regions[region], policies.by_region[region], facts.at, policies.capacity_max_age)
        for region in sorted(facts.regions)
        if region in policies.by_region
    )
    return Plan(facts.tick, facts.at, decisions)


def committed_nodes(facts: RegionFacts) -> int:
    """Nodes that exist or are ordered in a region: the number that an order is measured against.

    Unready and failed nodes count: they are paid for, and a site that lost its uplink must not be bought again.
    Orders count until the API shows their instances as nodes, in doubt included.
    """
    seen = facts.capacity.instances if facts.capacity else frozenset()
    return len(seen) + sum(order.outstanding(seen) for order in facts.orders)


def established_nodes(facts: RegionFacts) -> int:
    """Ready nodes that were there before any order that is still arriving.

    A ratio to a target must be multiplied by the nodes that it was measured over. While nodes join, the newest sample
    may be older than the newest node: to multiply the old ratio by the new count would buy for the same load again.
    """
    if facts.capacity is None:
        return 0
    ready = facts.capacity.ready
    for order in facts.orders:
        if order.state in _ARRIVING and order.baseline is not None:
            ready &= order.baseline.instances
    return len(ready)


def _decide_region(facts: RegionFacts, policy: ScalingPolicy, now: float, capacity_max_age: float) -> Decision:
    committed = committed_nodes(facts)
    votes = _votes(facts, policy.spec, now)
    situation = Situation(facts, policy.spec, committed, now, capacity_max_age)
    desired, steps = _guarded(situation, votes)
    signals = tuple(facts.signals[spec.name] for spec in policy.spec.signals if spec.name in facts.signals)
    return Decision(facts.region, policy.name, now, facts.capacity, committed, signals, votes, steps, desired)


def _votes(facts: RegionFacts, policy: PolicySpec, now: float) -> tuple[Vote, ...]:
    ready = len(facts.capacity.ready) if facts.capacity else 0
    established = established_nodes(facts)
    readings: dict[str, Reading] = {
        spec.name: read(
            facts.signals.get(spec.name), max_age=spec.max_age_seconds, min_coverage=spec.min_coverage, now=now
        )
        for spec in policy.signals
    }
    return tuple(rule.vote(readings[rule.signal], ready, established) for rule in policy.rules)


def _guarded(situation: Situation, votes: tuple[Vote, ...]) -> tuple[int, tuple[GuardStep, ...]]:
    steps: list[GuardStep] = []
    wanted = largest(votes)
    if wanted is None:
        wanted = situation.committed
        why = "; ".join(f"{vote.reason}: {vote.detail}" for vote in votes)
        message = f"no rule has data to act on, hold at {wanted} ({why})"
        steps.append(GuardStep("data", wanted, wanted, Reason.ALL_VOTES_ABSTAIN, message))
    for guard in ORDER:
        step = guard(situation, wanted)
        if step is not None:
            steps.append(step)
            wanted = step.after
    return wanted, tuple(steps)
