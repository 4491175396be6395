"""A region on its way to its decision: what was read and voted, and what the guards made of it.

Facts of one region and the policies in force come in; drafts go out, and at the end a Decision. Nothing changes in
place: a region that must be guarded anew, or takes another one's shortfall, is a new draft.
"""

from dataclasses import dataclass, replace

from autoscaler.model.decision import Decision, FleetFacts, GuardStep, Purchase, RegionFacts, Vote
from autoscaler.model.names import FREE, Money, RegionId
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.policy.basket import Basket
from autoscaler.policy.combine import largest
from autoscaler.policy.committed import committed_nodes
from autoscaler.policy.guards import guarded
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.policies import Policies
from autoscaler.policy.stock import Pick

_ACCOUNT = frozenset({Reason.FORBIDDEN, Reason.BALANCE_EXHAUSTED})


@dataclass(slots=True)
class Draft:
    """`opening` are the steps before the guards, `wanted` what they start from; `steps` are all of them so far.

    Like Situation it is not frozen, for the sake of speed.
    """

    policy: str
    situation: Situation
    signals: tuple[Signal, ...]
    votes: tuple[Vote, ...]
    opening: tuple[GuardStep, ...]
    wanted: int
    steps: tuple[GuardStep, ...]
    purchase: Purchase | None

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
        steps = self.opening + guarded(self.situation, self.wanted)
        return replace(self, steps=steps, purchase=_purchase(self.situation, self.wanted, steps))

    def missing(self) -> int:
        """Nodes that the region would buy now if it had them in stock; 0 when anything else stops it too.

        What was bought elsewhere before is taken off by the guard of that name.
        """
        if not self.steps or Reason.STOCK_BACKOFF not in [step.reason for step in self.steps]:
            return 0
        in_stock = replace(self.situation, picked=Pick(next(iter(self.situation.offers))))
        steps = guarded(in_stock, self.wanted)
        return max(0, (steps[-1].after if steps else self.wanted) - self.situation.committed)

    def receiving(self, nodes: int, origin: RegionId) -> "Draft":
        """The draft when `nodes` nodes of `origin`'s shortfall are asked of this region."""
        committed = self.situation.committed
        step = GuardStep("spillover", committed, committed + nodes, Reason.SPILLOVER_RECEIVED, f"+{nodes} for {origin}")
        asked = replace(self.situation, for_region=origin)
        steps = (*self.steps, step, *guarded(asked, step.after))
        return replace(self, situation=asked, steps=steps, purchase=_purchase(asked, self.wanted, steps))

    def noting(self, step: GuardStep) -> "Draft":
        """The draft with one more step, which changes no number."""
        return replace(self, steps=(*self.steps, step))

    def decision(self) -> Decision:
        """The draft as it is, as a decision."""
        situation = self.situation
        facts = situation.facts
        return Decision(
            facts.region,
            self.policy,
            situation.now,
            facts.capacity,
            situation.committed,
            self.signals,
            self.votes,
            self.steps,
            self.desired,
            self.purchase,
        )


def urgency(nodes: int, committed: int) -> float:
    """`nodes` more nodes relative to the need."""
    return nodes / (committed + nodes) if nodes > 0 else 0.0


def draft(facts: RegionFacts, at: float, fleet: FleetFacts, policies: Policies, basket: Basket) -> Draft:
    """One region, voted and guarded by itself. `at` is Unix seconds."""
    ballot, committed = policies.ballots[facts.region], committed_nodes(facts, at)
    situation = Situation(facts, ballot.spec, committed, at, policies, fleet, basket)
    signals, votes = ballot.taken(facts, at)
    opening: tuple[GuardStep, ...] = ()
    wanted = largest(votes)
    if wanted is None:
        opening, wanted = (_nothing_to_act_on(votes, committed),), committed
    steps = opening + guarded(situation, wanted)
    purchase = _purchase(situation, wanted, steps)
    return Draft(ballot.policy, situation, signals, votes, opening, wanted, steps, purchase)


def _nothing_to_act_on(votes: tuple[Vote, ...], committed: int) -> GuardStep:
    why = "; ".join(f"{vote.reason}: {vote.detail}" for vote in votes)
    message = f"no rule has data to act on, hold at {committed} ({why})"
    return GuardStep("votes", committed, committed, Reason.ALL_VOTES_ABSTAIN, message)


def _purchase(situation: Situation, wanted: int, steps: tuple[GuardStep, ...]) -> Purchase | None:
    """What the steps leave to buy; None where nothing is wanted, or nothing can be had."""
    nodes = (steps[-1].after if steps else wanted) - situation.committed
    if nodes <= 0 or (offer := situation.pick.offer) is None:
        return None
    return Purchase(offer.operation, nodes, Money((offer.price or FREE) * nodes), situation.for_region)
