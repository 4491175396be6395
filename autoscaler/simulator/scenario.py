"""Scenarios: what the simulated cloud has, and what its edge goes through. Frozen models, and their YAML file.

A scenario is data: it holds no state and reads no clock. Seconds are counted from the start of the simulation.
"""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.settings.base import Duration, Strict
from autoscaler.simulator.demand import demand_at

Second = Annotated[Duration, Field(ge=0, allow_inf_nan=False)]
Nodes = Annotated[int, Field(ge=0, le=100_000)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RegionScenario(Strict):
    """One ENS region: its nodes, what the vendor can still sell there, its demand and its dark hours."""

    region: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="The ens_region_id.")
    initial_nodes: Nodes = Field(default=1, description="Nodes that are ready at the start.")
    stock: Nodes = Field(default=10, description="Nodes that can be bought before any restock.")
    restock: tuple[tuple[Second, Nodes], ...] = Field(default=(), description="(second, nodes) added to the stock.")
    demand: tuple[tuple[Second, Rate], ...] = Field(
        default=((0.0, 0.0),), min_length=1, description="(second, requests per second), joined by straight lines."
    )
    dark: tuple[tuple[Second, Second], ...] = Field(
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
        """Nodes that the vendor has put on sale so far, sold ones included."""
        return self.stock + sum(nodes for at, nodes in self.restock if at <= second)


class Scenario(Strict):
    """A whole simulation: one cluster of one account, its regions, and how the API behaves."""

    regions: tuple[RegionScenario, ...] = Field(min_length=1, description="The ENS regions.")
    instance_type: str = Field(default="ens.sn1.tiny", min_length=1, description="The only type on sale.")
    cluster_id: str = Field(default="c0123456789abcdef0123456789abcdef", pattern=r"^[A-Za-z0-9]+$")
    access_key_id: str = Field(default="simulated-key", min_length=1, description="The only key that may sign.")
    access_key_secret: SecretStr = Field(
        default=SecretStr("simulated-secret"), min_length=1, description="Its secret; worth nothing anywhere else."
    )
    task_seconds: Second = Field(default=60.0, description="From the purchase to the success of its task.")
    join_seconds: Second = Field(default=30.0, description="From the success of the task until the node is Ready.")
    accept_status: Literal[200, 202] = Field(default=200, description="HTTP status of an accepted purchase.")
    answer_format: Literal["json", "xml"] = Field(default="json", description="Body of an accepted purchase.")
    stock_answer: Literal["refuse", "fail_task"] = Field(
        default="refuse", description="How StockNotEnough arrives: as the call's answer, or as a task that fails."
    )
    task_parameters: bool = Field(default=True, description="Whether DescribeTaskInfo repeats region and count.")
    node_quota: int = Field(default=100, ge=1, description="Most nodes in the cluster.")
    capacity_per_node: float = Field(
        default=100.0, gt=0, allow_inf_nan=False, description="Requests per second that saturate a node."
    )
    seed: int = Field(default=0, description="All ids derive from it.")

    @model_validator(mode="after")
    def _names_each_region_once(self) -> Self:
        names = [region.region for region in self.regions]
        if len(set(names)) != len(names):
            raise ValueError("a region is listed twice")
        return self

    def region(self, name: str) -> RegionScenario | None:
        """The region of that id, if it is in the scenario."""
        return next((region for region in self.regions if region.region == name), None)


def load_scenario(path: Path) -> Scenario:
    """Read a scenario from a YAML file.

    Raises:
        ConfigurationRefused: the file can not be read or is no scenario; one line per problem, no value repeated.
    """
    try:
        written = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationRefused([f"{path}: can not be read: {type(error).__name__}"]) from error
    except YAMLError as error:
        raise ConfigurationRefused([f"{path}: is not YAML: {error}"]) from error
    try:
        return Scenario.model_validate(written)
    except ValidationError as error:
        problems = [
            f"{path}: {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigurationRefused(problems) from error
