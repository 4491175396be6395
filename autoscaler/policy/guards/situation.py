"""What a guard may look at."""

from dataclasses import dataclass, field

from autoscaler.model.decision import FleetFacts, GuardStep, RegionFacts
from autoscaler.model.names import RegionId
from autoscaler.model.operation import Offer
from autoscaler.model.reason import Reason
from autoscaler.policy.basket import Basket
from autoscaler.policy.brakes import Brakes
from autoscaler.policy.language import PolicySpec, ScaleUp
from autoscaler.policy.stock import Pick


@dataclass(frozen=True, slots=True)
class Situation:
    """One region at one moment. `committed` is nodes existing and ordered; `now` and `capacity_max_age` are seconds.

    `pick` is what can be bought, `basket` what the plan buys so far. `for_region` is the region whose shortfall would
    be bought here, None when it is the region's own.
    """

    facts: RegionFacts
    policy: PolicySpec
    committed: int
    now: float
    capacity_max_age: float
    fleet: FleetFacts = field(default_factory=FleetFacts)
    brakes: Brakes = field(default_factory=Brakes)
    offers: tuple[Offer, ...] = ()
    pick: Pick = field(default_factory=Pick)
    prices_from_api: bool = False
    basket: Basket = field(default_factory=Basket)
    for_region: RegionId | None = None

    @property
    def region(self) -> RegionId:
        """The region."""
        return self.facts.region

    @property
    def scale_up(self) -> ScaleUp:
        """How fast the region may grow."""
        return self.policy.behavior.scale_up

    def hold(self, guard: str, desired: int, reason: Reason, message: str) -> GuardStep | None:
        """The step that stops a purchase: back to what is committed. None when nothing was to be bought."""
        return self.at_most(0, guard, desired, reason, message)

    def at_most(self, nodes: int, guard: str, desired: int, reason: Reason, message: str) -> GuardStep | None:
        """The step that lets `nodes` nodes be bought, none if negative. None when no more were to be bought."""
        most = self.committed + max(0, nodes)
        return GuardStep(guard, desired, most, reason, message) if desired > most else None
