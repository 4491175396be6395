"""The shop: what each region can still sell of each instance type, and what it costs.

Regions and types come in, numbers of machines and amounts go out. It reads no clock and must not make machines.
"""

from collections import Counter
from fractions import Fraction

from autoscaler.model.names import Money
from autoscaler.simulator.region_scenario import InstanceType, RegionScenario, supplied
from autoscaler.simulator.scenario import Scenario


class Shelves:
    """Stock and prices of a scenario. Every `second` counts from its start."""

    def __init__(self, scenario: Scenario) -> None:
        self._regions = {region.region: region for region in scenario.regions}
        names = (scenario.instance_type, *(kind.type for kind in scenario.types))
        self._types = {name: kind for name in names if (kind := scenario.type(name))}
        self._standard = scenario.instance_type
        self._share = 1 - Fraction(str(scenario.discount))
        self._sold: Counter[tuple[str, str]] = Counter()

    def region(self, name: str) -> RegionScenario | None:
        """The region of that id, if there is one."""
        return self._regions.get(name)

    def type(self, name: str) -> InstanceType | None:
        """The instance type of that name, if it is sold anywhere."""
        return self._types.get(name)

    def left(self, region: str, instance_type: str, second: float) -> int:
        """Machines of that type that the region can still sell; 0 for what is not on sale there."""
        known = self._regions.get(region)
        if known is None or instance_type not in self._types:
            return 0
        return max(0, self._supplied(known, instance_type, second) - self._sold[region, instance_type])

    def take(self, region: str, instance_type: str, nodes: int) -> None:
        """Sell that many."""
        self._sold[region, instance_type] += nodes

    def list_price(self, instance_type: str, nodes: int, months: int) -> Money:
        """What the machines cost together before any discount, in hundredths. Raises KeyError: unknown type."""
        return Money(int(self._types[instance_type].price * 100) * nodes * months)

    def price(self, instance_type: str, nodes: int, months: int) -> Money:
        """What the account pays for them, rounded up to hundredths. Raises KeyError: unknown type."""
        return Money(-int(-self.list_price(instance_type, nodes, months) * self._share // 1))

    def _supplied(self, region: RegionScenario, instance_type: str, second: float) -> int:
        if instance_type == self._standard:
            return region.supplied(second)
        row = next((row for row in region.types if row.type == instance_type), None)
        return supplied(row.stock, row.restock, second) if row else 0
