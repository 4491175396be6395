"""Scenarios: what the simulated cloud has, and what its edge goes through. Frozen models, and their YAML file.

A scenario is data: it holds no state and reads no clock. Seconds are counted from the start of the simulation.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.settings.amounts import Amount
from autoscaler.settings.base import Duration, Strict
from autoscaler.settings.checked import check
from autoscaler.settings.problems import YamlPath, shown
from autoscaler.settings.yaml_text import Parsed, read
from autoscaler.simulator.region_scenario import (
    ClusterName,
    InstanceType,
    PoolScenario,
    RegionScenario,
)
from autoscaler.simulator.script import PurchaseScript, Second, StockAnswer, Visibility

__all__ = ["RegionScenario", "Scenario", "load_scenario"]


class Scenario(Strict):
    """A whole simulation: one account, its clusters and regions, and how the API behaves."""

    regions: tuple[RegionScenario, ...] = Field(min_length=1, description="The ENS regions.")
    pools: tuple[PoolScenario, ...] = Field(default=(), description="The node pools.")
    instance_type: str = Field(default="ens.sn1.tiny", min_length=1, description="The type that every region sells.")
    price: Amount = Field(default=Decimal(100), description="One node of instance_type for one month.")
    types: tuple[InstanceType, ...] = Field(default=(), description="Further types that regions may have in stock.")
    discount: float = Field(default=0.0, ge=0, lt=1, description="Share that the account need not pay.")
    balance: Amount | None = Field(default=None, description="Money of the account; boundless if left out.")
    cluster_id: ClusterName = Field(default="c0123456789abcdef0123456789abcdef", description="The CS cluster.")
    access_key_id: str = Field(default="simulated-key", min_length=1, description="The only key that may sign.")
    access_key_secret: SecretStr = Field(
        default=SecretStr("simulated-secret"), min_length=1, description="Its secret; worth nothing anywhere else."
    )
    task_seconds: Second = Field(default=60.0, description="From the purchase to the end of its task.")
    join_seconds: Second = Field(default=30.0, description="From the end of the task until the node is Ready.")
    accept_status: Literal[200, 202] = Field(default=200, description="HTTP status of an accepted purchase.")
    answer_format: Literal["json", "xml"] = Field(default="json", description="Body of an accepted purchase.")
    stock_answer: StockAnswer = Field(
        default="refuse", description="How StockNotEnough arrives: as the call's answer, or as a task that fails."
    )
    task_parameters: bool = Field(default=True, description="Whether DescribeTaskInfo repeats region and count.")
    pool_task_type: str = Field(default="cluster_scaleout", min_length=1, description="task_type of a pool's task.")
    node_quota: int = Field(default=100, ge=1, description="Most nodes in one cluster.")
    visible: Visibility = Field(default=Visibility(), description="How late the reads show what is true.")
    script: PurchaseScript = Field(default=PurchaseScript(), description="What becomes of every purchase.")
    scripts: tuple[PurchaseScript, ...] = Field(
        default=(), description="What becomes of the first purchases instead: each entry serves once, in turn."
    )
    duplicate_every: int = Field(default=0, ge=0, description="Every n-th row of a list stands there twice; 0: none.")
    clock_skew: Annotated[Duration, Field(allow_inf_nan=False)] = Field(
        default=0.0, description="Seconds by which the server's clock is ahead of the caller's; may be negative."
    )
    capacity_per_node: float = Field(
        default=100.0, gt=0, allow_inf_nan=False, description="Requests per second that saturate a node."
    )
    seed: int = Field(default=0, description="All ids derive from it.")

    @model_validator(mode="after")
    def _names_each_thing_once(self) -> Self:
        _once((region.region for region in self.regions), "a region is listed twice")
        _once((pool.id for pool in self.pools), "a node pool is listed twice")
        _once((self.instance_type, *(kind.type for kind in self.types)), "an instance type is listed twice")
        for region in self.regions:
            _once((row.type for row in region.types), f"region {region.region} lists an instance type twice")
        return self

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Self:
        known = {self.instance_type, *(kind.type for kind in self.types)}
        regions = {region.region for region in self.regions}
        for region in self.regions:
            for row in region.types:
                if row.type not in known - {self.instance_type}:
                    raise ValueError(f"region {region.region} lists {row.type}, which is not among types")
        for pool in self.pools:
            if pool.region not in regions:
                raise ValueError(f"node pool {pool.id} is in region {pool.region}, which is not among regions")
            if pool.instance_type not in known | {None}:
                raise ValueError(f"node pool {pool.id} buys {pool.instance_type}, which is not among types")
        for script in (self.script, *self.scripts):
            if script.region not in regions | {None}:
                raise ValueError(f"a script waits for region {script.region}, which is not among regions")
        return self

    def region(self, name: str) -> RegionScenario | None:
        """The region of that id, if it is in the scenario."""
        return next((region for region in self.regions if region.region == name), None)

    def type(self, name: str) -> InstanceType | None:
        """The instance type of that name, if it is on sale anywhere."""
        if name == self.instance_type:
            return InstanceType(type=name, price=self.price)
        return next((kind for kind in self.types if kind.type == name), None)


def _once(names: Iterable[str], complaint: str) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"{complaint}: {', '.join(twice)}")


def load_scenario(path: Path) -> Scenario:
    """Read a scenario from a YAML file.

    Raises:
        ConfigurationRefused: the file can not be read or is no scenario; every problem has a line of its own, and none
            repeats the secret.
    """
    parsed = read(path)
    documents = [document for document in parsed.documents if document.value is not None]
    problems = [str(problem) for problem in parsed.problems]
    if problems or len(documents) != 1:
        raise ConfigurationRefused(problems or [_not_one_document(path, parsed)])
    document = documents[0]
    if not isinstance(document.value, dict):
        raise ConfigurationRefused(
            [f"{path}: a scenario is a mapping of keys to values, and this is {shown(document.value)}"]
        )

    def where(place: YamlPath) -> tuple[str, int | None]:
        return document.file, document.line(place)

    scenario, found = check(Scenario, document.value, Scenario.model_validate, where)
    if scenario is None or found:
        raise ConfigurationRefused([str(problem) for problem in found])
    return scenario


def _not_one_document(path: Path, parsed: Parsed) -> str:
    return f"{path}: the file is empty" if not parsed.documents else f"{path}: the file must hold one document"
