"""The status board: the last decision of every region, and the loop's heartbeat."""

from collections.abc import Sequence

from autoscaler.model.decision import Decision, Plan
from autoscaler.model.names import RegionId


class StatusBoard:
    """Written by the decider, read by the web room through app."""

    def __init__(self, started: float) -> None:
        self._decisions: dict[RegionId, Decision] = {}
        self._beat = started
        self.tick = 0

    def post(self, plan: Plan) -> None:
        """Put up a plan's decisions in place of the former ones of the same regions."""
        self.tick = plan.tick
        self._decisions.update((decision.region, decision) for decision in plan.decisions)

    def beat(self, at: float) -> None:
        """The decider is alive at `at` (monotonic seconds)."""
        self._beat = at

    def heartbeat_age(self, now: float) -> float:
        """Seconds since the decider last ran, by the monotonic clock."""
        return now - self._beat

    def decisions(self) -> Sequence[Decision]:
        """The last decision of every region, by region id."""
        return [self._decisions[region] for region in sorted(self._decisions)]

    def decision(self, region: RegionId) -> Decision | None:
        """The last decision of one region."""
        return self._decisions.get(region)
