"""Decisions: what was asked, what each guard did to it, and what came out."""

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.model.capacity import Capacity
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal


@dataclass(frozen=True, slots=True)
class RegionFacts:
    """All that is known about one region when it is decided. `capacity` is None when it could not be read.

    `orders` holds every order that is not final, and the final ones recent enough to matter to a timer.
    """

    region: RegionId
    signals: Mapping[str, Signal]
    capacity: Capacity | None
    orders: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What one tick decides on. `at` is Unix seconds: the policy knows no other clock."""

    tick: int
    at: float
    regions: Mapping[RegionId, RegionFacts]


@dataclass(frozen=True, slots=True)
class Vote:
    """A rule's answer: the nodes it wants in the region. None abstains, and is never zero."""

    rule: str
    desired: int | None
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class GuardStep:
    """What one guard did: `before` and `after` are nodes. Equal numbers mean that the guard spoke without changing."""

    guard: str
    before: int
    after: int
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one region. Counts are nodes; `committed` = existing and ordered, in doubt included."""

    region: RegionId
    policy: str
    at: float
    capacity: Capacity | None
    committed: int
    signals: tuple[Signal, ...]
    votes: tuple[Vote, ...]
    steps: tuple[GuardStep, ...]
    desired: int

    @property
    def delta(self) -> int:
        """Nodes to order now; never negative."""
        return max(0, self.desired - self.committed)

    @property
    def reason(self) -> Reason:
        """The code that explains the result best: the last guard that changed the number, else the winning vote."""
        changed = [step.reason for step in self.steps if step.before != step.after]
        spoken = [step.reason for step in self.steps]
        voted = [vote for vote in self.votes if vote.desired is not None]
        if changed:
            return changed[-1]
        if spoken:
            return spoken[-1]
        if voted:
            return max(voted, key=lambda vote: vote.desired or 0).reason
        return self.votes[0].reason if self.votes else Reason.SIGNAL_MISSING


@dataclass(frozen=True, slots=True)
class Plan:
    """All decisions of one tick, in the order of their region ids."""

    tick: int
    at: float
    decisions: tuple[Decision, ...]
