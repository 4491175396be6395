"""What is in force: the policies of the regions, the ways to buy, the budgets and the brakes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autoscaler.model.names import RegionId
from autoscaler.model.operation import Offer
from autoscaler.policy.ballot import Ballot
from autoscaler.policy.brakes import Brakes
from autoscaler.policy.budget import Budget
from autoscaler.policy.language import ScalingPolicy


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies in force. `capacity_max_age` is seconds: how old the count of nodes may be when buying.

    `offers` are the ways to buy in each region, the preferred one first. With `prices_from_api` their prices are asked
    for when an order is placed, and offers have none. `ballots` are the policies' own, worked out once.
    """

    by_region: Mapping[RegionId, ScalingPolicy]
    capacity_max_age: float
    offers: Mapping[RegionId, tuple[Offer, ...]] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    brakes: Brakes = field(default_factory=Brakes)
    prices_from_api: bool = False
    ballots: Mapping[RegionId, Ballot] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        of = {id(policy): Ballot.of(policy) for policy in self.by_region.values()}
        ballots = {region: of[id(policy)] for region, policy in self.by_region.items()}
        object.__setattr__(self, "ballots", ballots)

    def with_siblings(self, regions: Iterable[RegionId]) -> frozenset[RegionId]:
        """The regions, and those that may take their shortfall: what must be decided together."""
        asked = frozenset(regions)
        served = [(region, self.ballots[region].spec) for region in asked if region in self.ballots]
        siblings = {other for region, spec in served if spec.spillover.regions for other in spec.siblings(region)}
        return asked | {sibling for sibling in siblings if sibling in self.by_region}
