"""What a guard may look at.

A Situation is made for every region in every tick, and nothing changes in it. It is not frozen, and leaves what only a
purchase needs in the policies until a guard asks: that saves a microsecond or two, and most regions buy nothing.
"""

from dataclasses import dataclass, field

from autoscaler.model.decision import FleetFacts, GuardStep, RegionFacts
from autoscaler.model.names import RegionId
from autoscaler.model.operation import Offer
from autoscaler.model.reason import Reason
from autoscaler.policy.basket import Basket
from autoscaler.policy.language import PolicySpec, ScaleUp
from autoscaler.policy.policies import Policies
from autoscaler.policy.stock import Pick, pick


@dataclass(slots=True)
class Situation:
    """One region at one moment. `committed` is nodes existing and ordered; `now` is Unix seconds.

    `policy` is the region's own, `policies` are what is in force for all; `basket` is what the plan buys so far.
    `for_region` is the region whose shortfall would be bought here, None when it is the region's own. `picked` is what
    can be bought, if that is not to be looked for.
    """

    facts: RegionFacts
    policy: PolicySpec
    committed: int
    now: float
    policies: Policies
    fleet: FleetFacts = field(default_factory=FleetFacts)
    basket: Basket = field(default_factory=Basket)
    for_region: RegionId | None = None
    picked: Pick | None = None

    @property
    def region(self) -> RegionId:
        """The region."""
        return self.facts.region

    @property
    def scale_up(self) -> ScaleUp:
        """How fast the region may grow."""
        return self.policy.behavior.scale_up

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The ways to buy here, the preferred one first."""
        return self.policies.offers.get(self.region, ())

    @property
    def pick(self) -> Pick:
        """What can be bought."""
        if self.picked is None:
            self.picked = pick(self.offers, self.facts.orders, self.scale_up.stock_backoff_seconds, self.now)
        return self.picked

    def hold(self, guard: str, desired: int, reason: Reason, message: str) -> GuardStep | None:
        """The step that stops a purchase: back to what is committed. None when nothing was to be bought."""
        return self.at_most(0, guard, desired, reason, message)

    def at_most(self, nodes: int, guard: str, desired: int, reason: Reason, message: str) -> GuardStep | None:
        """The step that lets `nodes` nodes be bought, none if negative. None when no more were to be bought."""
        most = self.committed + max(0, nodes)
        return GuardStep(guard, desired, most, reason, message) if desired > most else None
