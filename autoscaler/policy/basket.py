"""The basket: what a plan buys so far, so that it never plans more than a budget has left.

Budgets and charges come in, and every purchase as it is decided; what is left of the tightest budget goes out. One
basket lives for one tick, and is the only thing that changes while a tick is decided.
"""

from collections.abc import Iterable

from autoscaler.model.decision import Charge
from autoscaler.model.names import Money, RegionId
from autoscaler.model.spending import SpendingLimit
from autoscaler.policy.budget import Budget, spending_limits


class Basket:
    """Purchases of one plan. `at` is Unix seconds; `first` is the region of the first purchase."""

    def __init__(self, budgets: Iterable[Budget] = (), charges: Iterable[Charge] = (), at: float = 0.0) -> None:
        self.first: RegionId | None = None
        self._budgets = tuple(budgets)
        self._at = at
        self._charges: dict[RegionId, list[Charge]] = {}
        self._limits: dict[Budget, tuple[SpendingLimit, ...]] = {}
        self._spent: dict[SpendingLimit, int] = {}
        for charge in charges if self._budgets else ():
            self._charges.setdefault(charge.region, []).append(charge)

    def tightest(self, region: RegionId) -> tuple[SpendingLimit, Money] | None:
        """The limit with the least left for an order of that region, and what is left; None without any limit."""
        covering = (budget for budget in self._budgets if budget.covers(region))
        limits = (limit for budget in covering for limit in self._limits_of(budget, region))
        left = [(limit, Money(limit.most - self._spent_under(limit))) for limit in limits]
        return min(left, key=lambda pair: pair[1], default=None)

    def add(self, region: RegionId, cost: Money) -> None:
        """Take a purchase in."""
        self.first = self.first or region
        self._charges.setdefault(region, []).append(Charge(region, self._at, cost))
        for limit in self._spent:
            if limit.covers(region):
                self._spent[limit] += cost

    def _limits_of(self, budget: Budget, region: RegionId) -> tuple[SpendingLimit, ...]:
        """The limits of a budget that covers the region: worked out once, since days and months take long to find."""
        if budget not in self._limits:
            self._limits[budget] = spending_limits((budget,), region, self._at)
        return self._limits[budget]

    def _spent_under(self, limit: SpendingLimit) -> int:
        if limit not in self._spent:
            regions = self._charges if limit.regions is None else limit.regions
            charges = (charge for region in regions for charge in self._charges.get(region, ()))
            self._spent[limit] = sum(charge.amount for charge in charges if charge.at >= limit.since)
        return self._spent[limit]
