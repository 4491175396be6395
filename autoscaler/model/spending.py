"""Money: how much may be spent where and since when, checked where the order is made durable."""

from dataclasses import dataclass

from autoscaler.model.names import Money, RegionId


@dataclass(frozen=True, slots=True)
class SpendingLimit:
    """What the orders of `regions` created at or after `since` (Unix seconds) may cost together.

    `name` says whose limit it is, e.g. `budget north, day`. `regions` None means every region of the account.
    """

    name: str
    regions: frozenset[RegionId] | None
    since: float
    most: Money

    def covers(self, region: RegionId) -> bool:
        """Whether an order of that region counts."""
        return self.regions is None or region in self.regions
