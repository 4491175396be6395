"""What happens, as values: the shell emits events, telemetry and the demo's terminal listen."""

from dataclasses import dataclass

from autoscaler.model.act import Act
from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import Plan
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Wave


@dataclass(frozen=True, slots=True)
class WaveArrived:
    """A source finished a pass."""

    wave: Wave


@dataclass(frozen=True, slots=True)
class SourceFailed:
    """A source could not finish a pass at all; what it said before grows old."""

    source: str
    detail: str


@dataclass(frozen=True, slots=True)
class CapacityRead:
    """The nodes of the fleet were read."""

    capacities: tuple[Capacity, ...]
    at: float


@dataclass(frozen=True, slots=True)
class CapacityUnreadable:
    """The nodes of the fleet could not be read; the last reading grows old and then stops all orders."""

    detail: str


@dataclass(frozen=True, slots=True)
class PlanMade:
    """A tick was decided. `took` is seconds of policy time."""

    plan: Plan
    took: float


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order was written to the ledger. `before` is None for a new one, and equal to the state for a note."""

    order: Order
    before: OrderState | None


@dataclass(frozen=True, slots=True)
class CloudCalled:
    """A call to the cloud ended. `outcome` is `ok` or the name of the error class; `took` is seconds."""

    action: str
    outcome: str
    took: float


@dataclass(frozen=True, slots=True)
class LimiterWaited:
    """A call waited for its rate limit for `waited` seconds."""

    action: str
    waited: float


@dataclass(frozen=True, slots=True)
class LedgerFailed:
    """The ledger refused a write: nothing is ordered until it takes one again."""

    detail: str


@dataclass(frozen=True, slots=True)
class LedgerMended:
    """The ledger takes writes again."""


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """A decision did not become an order: the ledger has one in its way, a budget is used up, no price was told."""

    region: RegionId
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class ActDone:
    """What a human asked for was carried out, or refused: `act.outcome` says which."""

    act: Act


Event = (
    WaveArrived
    | SourceFailed
    | CapacityRead
    | CapacityUnreadable
    | PlanMade
    | OrderChanged
    | CloudCalled
    | LimiterWaited
    | LedgerFailed
    | LedgerMended
    | OrderRefused
    | ActDone
)
