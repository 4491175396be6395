"""What a guard may look at."""

from dataclasses import dataclass

from autoscaler.model.decision import GuardStep, RegionFacts
from autoscaler.model.reason import Reason
from autoscaler.policy.language import PolicySpec


@dataclass(frozen=True, slots=True)
class Situation:
    """One region at one moment. `committed` is nodes existing and ordered; `now` and `capacity_max_age` are seconds."""

    facts: RegionFacts
    policy: PolicySpec
    committed: int
    now: float
    capacity_max_age: float

    def hold(self, guard: str, desired: int, reason: Reason, message: str) -> GuardStep | None:
        """The step that stops a purchase: back to what is committed. None when nothing was to be bought."""
        if desired <= self.committed:
            return None
        return GuardStep(guard, desired, self.committed, reason, message)
