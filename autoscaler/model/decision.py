"""Decisions: what was asked, what each guard did to it, and what came out.

Votes and steps are named tuples: a tick makes thousands of them, and they cost half of a frozen dataclass.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from autoscaler.model.capacity import Capacity
from autoscaler.model.names import FREE, Money, RegionId
from autoscaler.model.operation import Operation
from autoscaler.model.order import Order
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal


@dataclass(frozen=True, slots=True)
class Tally:
    """What the ledger sums up over a region's whole life.

    `bought` nodes were bought here; `failed_joins` of the newest of them failed, partial orders included, with no
    order that became ready and no human's release since. `in_vain` orders in a row were taken by the API and brought
    no node, since then as well; None where nobody summed up. `spilled` nodes elsewhere serve this region, or are on
    their way there; `spilled_today` nodes were ordered elsewhere for it in the last 24 hours.
    """

    bought: int = 0
    failed_joins: int = 0
    spilled: int = 0
    spilled_today: int = 0
    in_vain: int | None = None


@dataclass(frozen=True, slots=True)
class RegionFacts:
    """All that is known about one region when it is decided. `capacity` is None when it could not be read.

    `orders` holds every order that is not final, and the final ones recent enough to matter to a timer.
    """

    region: RegionId
    signals: Mapping[str, Signal]
    capacity: Capacity | None
    orders: tuple[Order, ...] = ()
    tally: Tally = Tally()


@dataclass(frozen=True, slots=True)
class Stop:
    """The account can not buy: the API said so at `at` (Unix seconds), and nothing has been bought since."""

    reason: Reason
    at: float
    detail: str


@dataclass(frozen=True, slots=True)
class Charge:
    """What one order costs its region's budgets: `amount`, since `at` (Unix seconds)."""

    region: RegionId
    at: float
    amount: Money


@dataclass(frozen=True, slots=True)
class FleetFacts:
    """What is known about the fleet as a whole: nodes in all regions that were read, and what was spent.

    `charges` reaches back at least to the beginning of the present month in any time zone.
    """

    nodes: int = 0
    unready: int = 0
    stop: Stop | None = None
    charges: tuple[Charge, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What one tick decides on. `at` is Unix seconds: the policy knows no other clock."""

    tick: int
    at: float
    regions: Mapping[RegionId, RegionFacts]
    fleet: FleetFacts = FleetFacts()


class Vote(NamedTuple):
    """A rule's answer: the nodes it wants in the region. None abstains, and is never zero.

    `said` is a text, or a format string and its numbers: few votes are ever read, so `detail` words them then.
    """

    rule: str
    desired: int | None
    reason: Reason
    said: str | tuple[str, *tuple[float, ...]] = ""

    @property
    def detail(self) -> str:
        """How the rule came to its answer."""
        if isinstance(self.said, str):
            return self.said
        words, *numbers = self.said
        return words.format(*numbers)


class GuardStep(NamedTuple):
    """What one guard did: `before` and `after` are nodes. Equal numbers mean that the guard spoke without changing."""

    guard: str
    before: int
    after: int
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a decision asks to buy: `nodes` nodes by `operation`, for `cost` together.

    `for_region` is the region whose shortfall this is, when it is spilled over from another one.
    """

    operation: Operation
    nodes: int
    cost: Money = FREE
    for_region: RegionId | None = None


class Decision(NamedTuple):
    """The answer for one region. Counts are nodes; `committed` = existing and ordered, in doubt included.

    `purchase` is what is to be bought now; None when nothing is.
    """

    region: RegionId
    policy: str
    at: float
    capacity: Capacity | None
    committed: int
    signals: tuple[Signal, ...]
    votes: tuple[Vote, ...]
    steps: tuple[GuardStep, ...]
    desired: int
    purchase: Purchase | None = None

    @property
    def delta(self) -> int:
        """Nodes to order now; never negative."""
        return max(0, self.desired - self.committed)

    @property
    def reason(self) -> Reason:
        """The code that explains the result best: the last guard that changed the number, else the winning vote."""
        for step in reversed(self.steps):
            if step.before != step.after:
                return step.reason
        if self.steps:
            return self.steps[-1].reason
        most, reason = -1, None
        for vote in self.votes:
            if vote.desired is not None and vote.desired > most:
                most, reason = vote.desired, vote.reason
        if reason is not None:
            return reason
        return self.votes[0].reason if self.votes else Reason.SIGNAL_MISSING


@dataclass(frozen=True, slots=True)
class Plan:
    """All decisions of one tick, in the order of their region ids."""

    tick: int
    at: float
    decisions: tuple[Decision, ...]
