"""A region on its way to its decision: what was read and voted, and what the guards made of it.

Facts of one region and the policies in force come in; drafts go out, and at the end a Decision. Nothing changes in
place: a region that must be guarded anew, or takes another one's shortfall, is a new draft.
"""

from dataclasses import dataclass, replace

from autoscaler.model.decision import Decision, FleetFacts, GuardStep, Purchase, RegionFacts, Vote
from autoscaler.model.names import FREE, Money, RegionId
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.basket import Basket
from autoscaler.policy.combine import largest
from autoscaler.policy.committed import committed_nodes, established_nodes
from autoscaler.policy.guards import guarded
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.language import PolicySpec
from autoscaler.policy.policies import Policies
from autoscaler.policy.stock import Pick, pick
from autoscaler.policy.trust import Reading, read

_ACCOUNT = frozenset({Reason.FORBIDDEN, Reason.BALANCE_EXHAUSTED})


@dataclass(frozen=True, slots=True)
class Draft:
    """`opening` are the steps before the guards, `wanted` what they start from; `steps` are all of them so far."""

    policy: str
    situation: Situation
    votes: tuple[Vote, ...]
    opening: tuple[GuardStep, ...]
    wanted: int
    steps: tuple[GuardStep, ...] = ()
    purchase: Purchase | None = None

    @property
    def desired(self) -> int:
        """Nodes that the steps so far leave."""
        return self.steps[-1].after if self.steps else self.wanted

    @property
    def urgency(self) -> float:
        """What would be bought relative to the need (0 to 1): a region with nothing has 1."""
        return urgency(self.desired - self.situation.committed, self.situation.committed)

    @property
    def refused_at(self) -> float:
        """When an order of this region was last refused for the account's sake (Unix seconds); 0 if never."""
        refused = (o for o in self.situation.facts.orders if o.state is OrderState.FAILED and o.reason in _ACCOUNT)
        return max((order.settled_at or 0.0 for order in refused), default=0.0)

    def guarded(self) -> "Draft":
        """The draft after all guards, as the basket now stands."""
        return _concluded(self, (*self.opening, *guarded(self.situation, self.wanted)))

    def missing(self) -> int:
        """Nodes that the region would buy now if it had them in stock; 0 when anything else stops it too.

        What was bought elsewhere before is taken off by the guard of that name.
        """
        if not any(step.reason is Reason.STOCK_BACKOFF for step in self.steps):
            return 0
        in_stock = replace(self.situation, pick=Pick(next(iter(self.situation.offers))))
        steps = guarded(in_stock, self.wanted)
        return max(0, (steps[-1].after if steps else self.wanted) - self.situation.committed)

    def receiving(self, nodes: int, origin: RegionId) -> "Draft":
        """The draft when `nodes` nodes of `origin`'s shortfall are asked of this region."""
        committed = self.situation.committed
        step = GuardStep("spillover", committed, committed + nodes, Reason.SPILLOVER_RECEIVED, f"+{nodes} for {origin}")
        asked = replace(self, situation=replace(self.situation, for_region=origin))
        return _concluded(asked, (*self.steps, step, *guarded(asked.situation, step.after)))

    def noting(self, step: GuardStep) -> "Draft":
        """The draft with one more step, which changes no number."""
        return replace(self, steps=(*self.steps, step))

    def decision(self) -> Decision:
        """The draft as it is, as a decision."""
        facts, spec = self.situation.facts, self.situation.policy
        return Decision(
            facts.region,
            self.policy,
            self.situation.now,
            facts.capacity,
            self.situation.committed,
            tuple(facts.signals[signal.name] for signal in spec.signals if signal.name in facts.signals),
            self.votes,
            self.steps,
            self.desired,
            self.purchase,
        )


def _concluded(draft: Draft, steps: tuple[GuardStep, ...]) -> Draft:
    """The draft with these steps, and the purchase that they leave."""
    after = replace(draft, steps=steps, purchase=None)
    situation = draft.situation
    nodes, offer = after.desired - situation.committed, situation.pick.offer
    if nodes <= 0 or offer is None:
        return after
    cost = Money((offer.price or FREE) * nodes)
    return replace(after, purchase=Purchase(offer.operation, nodes, cost, situation.for_region))


def urgency(nodes: int, committed: int) -> float:
    """`nodes` more nodes relative to the need."""
    return nodes / (committed + nodes) if nodes > 0 else 0.0


def draft(facts: RegionFacts, at: float, fleet: FleetFacts, policies: Policies, basket: Basket) -> Draft:
    """One region, voted and guarded by itself. `at` is Unix seconds."""
    policy = policies.by_region[facts.region]
    offers = policies.offers.get(facts.region, ())
    committed = committed_nodes(facts, at)
    situation = Situation(
        facts,
        policy.spec,
        committed,
        at,
        policies.capacity_max_age,
        fleet,
        policies.brakes,
        offers,
        pick(offers, facts.orders, policy.spec.behavior.scale_up.stock_backoff_seconds, at),
        policies.prices_from_api,
        basket,
    )
    votes = _votes(facts, policy.spec, at)
    wanted = largest(votes)
    if wanted is not None:
        return Draft(policy.name, situation, votes, (), wanted).guarded()
    why = "; ".join(f"{vote.reason}: {vote.detail}" for vote in votes)
    message = f"no rule has data to act on, hold at {committed} ({why})"
    step = GuardStep("votes", committed, committed, Reason.ALL_VOTES_ABSTAIN, message)
    return Draft(policy.name, situation, votes, (step,), committed).guarded()


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
