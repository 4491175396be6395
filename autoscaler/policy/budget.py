"""Budgets: how much may be spent in a day and in a month, by a region, a group of regions or the whole account.

Budgets and a moment come in, spending limits go out: the guard shows them, the ledger holds them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from autoscaler.model.names import Money, RegionId
from autoscaler.model.spending import SpendingLimit


@dataclass(frozen=True, slots=True)
class Budget:
    """What `regions` may spend together in a calendar day and month of `zone`; None sets no limit.

    `regions` None is the whole account.
    """

    name: str
    regions: frozenset[RegionId] | None
    per_day: Money | None
    per_month: Money | None
    zone: str = "Asia/Shanghai"

    def covers(self, region: RegionId) -> bool:
        """Whether an order of that region is paid from it."""
        return self.regions is None or region in self.regions


def spending_limits(budgets: Iterable[Budget], region: RegionId, at: float) -> tuple[SpendingLimit, ...]:
    """Every limit that an order made in `region` at `at` (Unix seconds) must keep."""
    return tuple(limit for budget in budgets if budget.covers(region) for limit in _limits(budget, at))


def _limits(budget: Budget, at: float) -> Iterator[SpendingLimit]:
    midnight = datetime.fromtimestamp(at, ZoneInfo(budget.zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    windows = (("day", midnight, budget.per_day), ("month", midnight.replace(day=1), budget.per_month))
    for word, since, most in windows:
        if most is not None:
            yield SpendingLimit(f"budget {budget.name}, {word}", budget.regions, since.timestamp(), most)
