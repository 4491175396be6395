"""What a scenario says of one ENS region, of one instance type and of one node pool. Frozen models.

They hold no state and read no clock. Seconds are counted from the start of the simulation.
"""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from autoscaler.settings.amounts import Amount
from autoscaler.settings.base import Strict
from autoscaler.simulator.demand import demand_at
from autoscaler.simulator.script import Nodes, Second, Window

Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Restock = tuple[tuple[Second, Nodes], ...]
RegionName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
ClusterName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")]


def supplied(stock: int, restock: Sequence[tuple[float, int]], second: float) -> int:
    """Nodes that have been put on sale by `second`, sold ones included."""
    return stock + sum(nodes for at, nodes in restock if at <= second)


class TypeStock(Strict):
    """What one region can sell of one further instance type."""

    type: str = Field(min_length=1, description="The instance type; it must be among the scenario's types.")
    stock: Nodes = Field(default=10, description="Nodes that can be bought before any restock.")
    restock: Restock = Field(default=(), description="(second, nodes) added to the stock.")


class InstanceType(Strict):
    """An instance type on sale. A region that does not list it has none of it."""

    type: str = Field(min_length=1, description="Its name, e.g. `ens.sn1.small`.")
    price: Amount = Field(default=Decimal(200), description="One node for one month, in the account's currency.")
    cores: int = Field(default=2, ge=1, description="CPU cores.")
    memory: int = Field(default=4, ge=1, description="Memory, GiB.")


class RegionScenario(Strict):
    """One ENS region: its nodes, what the vendor can still sell there, its demand and its dark hours."""

    region: RegionName = Field(description="The ens_region_id.")
    cluster: ClusterName | None = Field(default=None, description="Cluster of its first nodes; the scenario's if none.")
    initial_nodes: Nodes = Field(default=1, description="Nodes that are ready at the start.")
    stock: Nodes = Field(default=10, description="Nodes of the scenario's instance_type that can be bought at first.")
    restock: Restock = Field(default=(), description="(second, nodes) added to the stock.")
    types: tuple[TypeStock, ...] = Field(default=(), description="Stock of further instance types.")
    demand: tuple[tuple[Second, Rate], ...] = Field(
        default=((0.0, 0.0),), min_length=1, description="(second, requests per second), joined by straight lines."
    )
    dark: tuple[Window, ...] = Field(
        default=(), description="(from, to) in seconds: the site has lost its uplink, its nodes keep running."
    )

    @model_validator(mode="after")
    def _runs_forward(self) -> Self:
        if any(later[0] < earlier[0] for earlier, later in pairwise(self.demand)):
            raise ValueError("the points of demand must stand in the order of their seconds")
        if any(end <= begin for begin, end in self.dark):
            raise ValueError("a dark window must end after it begins")
        return self

    def demand_at(self, second: float) -> float:
        """Requests per second that the region's users send."""
        return demand_at(self.demand, second)

    def is_dark(self, second: float) -> bool:
        """Whether the region can not be reached; a window's end is outside it."""
        return any(begin <= second < end for begin, end in self.dark)

    def supplied(self, second: float) -> int:
        """Nodes of the scenario's instance_type that the vendor has put on sale so far, sold ones included."""
        return supplied(self.stock, self.restock, second)


class PoolScenario(Strict):
    """A node pool: which nodes it buys, and how many it has at the start."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="The node pool id.")
    region: RegionName = Field(description="The ENS region of its nodes; one of the scenario's.")
    product: Literal["cs", "ens"] = Field(description="Whose pool it is: of ACK (cs) or of ENS (ens).")
    cluster: ClusterName | None = Field(
        default=None, description="Its cluster, e.g. `eck-...` for an ENS one; the scenario's cluster_id if left out."
    )
    name: str = Field(default="", description="Its name; the id if left out.")
    instance_type: str | None = Field(default=None, min_length=1, description="What it buys; the scenario's if none.")
    image: str = Field(default="m-pool", min_length=1, description="Image of its nodes.")
    system_disk: int = Field(default=40, ge=20, description="GiB.")
    data_disk: int = Field(default=0, ge=0, description="GiB.")
    period: int = Field(default=1, ge=1, description="Months for which a node is paid.")
    initial_nodes: Nodes = Field(default=0, description="Nodes that it has at the start, beside the region's own.")
    serial: bool = Field(default=False, description="Whether it takes no order while one of its tasks is running.")
