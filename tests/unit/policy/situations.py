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
from autoscaler.policy.stock import pick
from tests.unit.policy.builders import CAPACITY_MAX_AGE, NO_TALLY, NOW, WHOLE_FLEET, offer, policy, region_facts

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
    spec, known = (served or policy()).spec, tuple(orders)
    ways = (offer(),) if offers is None else tuple(offers)
    return Situation(
        region_facts(signals, capacity_, known, tally=tally),
        spec,
        committed,
        NOW,
        CAPACITY_MAX_AGE,
        fleet,
        brakes,
        ways,
        pick(ways, known, spec.behavior.scale_up.stock_backoff_seconds, NOW),
        prices_from_api,
        basket or Basket(),
        for_region,
    )
