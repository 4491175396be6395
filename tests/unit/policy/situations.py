"""What a guard looks at, with a plain default for everything."""

from collections.abc import Iterable, Sequence

from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import FleetFacts, Tally
from autoscaler.model.names import RegionId
from autoscaler.model.operation import Offer
from autoscaler.model.order import Order
from autoscaler.model.signals import Signal
from autoscaler.policy.basket import Basket
from autoscaler.policy.brakes import Brakes
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.policies import Policies
from tests.unit.policy.builders import CAPACITY_MAX_AGE, NO_TALLY, NOW, REGION, WHOLE_FLEET, offer, policy, region_facts

BRAKES = Brakes()


def situation(
    committed: int = 3,
    *,
    served: ScalingPolicy | None = None,
    signals: Sequence[Signal] = (),
    capacity_: Capacity | None = None,
    orders: Iterable[Order] = (),
    tally: Tally = NO_TALLY,
    fleet: FleetFacts = WHOLE_FLEET,
    brakes: Brakes = BRAKES,
    offers: Sequence[Offer] | None = None,
    prices_from_api: bool = False,
    basket: Basket | None = None,
    for_region: RegionId | None = None,
) -> Situation:
    """What a guard looks at; `capacity_` left out means unknown, `offers` left out means one without a price."""
    one, ways = served or policy(), (offer(),) if offers is None else tuple(offers)
    in_force = Policies({REGION: one}, CAPACITY_MAX_AGE, {REGION: ways}, brakes=brakes, prices_from_api=prices_from_api)
    facts = region_facts(signals, capacity_, orders, tally=tally)
    return Situation(facts, one.spec, committed, NOW, in_force, fleet, basket or Basket(), for_region)
