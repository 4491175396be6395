"""`kind: Fleet`: which clusters there are, their ENS regions, how each region's nodes are bought, and for how much.

Documents of the policy directory come in; a list of regions with cluster, operation, pool and template, and the budgets
go out. Whether they fit each other and the templates is judged by `crosscheck`.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from autoscaler.model.operation import OperationName
from autoscaler.policy.base import Parameters
from autoscaler.policy.language import Metadata
from autoscaler.settings.amounts import Amount
from autoscaler.settings.zones import require_zone

DEFAULT_OPERATION: OperationName = "ScaleOutCluster"
DEFAULT_ZONE = "Asia/Shanghai"


def _long_form(value: object) -> object:
    """`cn-beijing-cmcc-2` is short for `{id: cn-beijing-cmcc-2}`."""
    return {"id": value} if isinstance(value, str) else value


class FleetRegion(Parameters):
    """An ENS region of a cluster; a bare id when there is nothing more to say."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="The `ens_region_id`, e.g. `cn-beijing-cmcc-2`.")
    operation: OperationName | None = Field(
        default=None, description="API operation that buys this region's nodes, instead of the cluster's."
    )
    node_pool: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="Id of the node pool whose nodes are in this region and no other. Required for the three node-pool "
        "operations, and not allowed with ScaleOutCluster, which knows no pool.",
    )
    template: str | None = Field(default=None, description="NodeTemplate of this region instead of the cluster's.")
    labels: dict[str, str] = Field(default={}, description="The operator's own labels of the region.")


class FleetCluster(Parameters):
    """A managed edge cluster."""

    cluster_id: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="The id of the cluster: `c` and 32 hex digits from ACK; `eck-...` from ENS, for "
        "EnsScaleClusterNodePool.",
    )
    operation: OperationName = Field(
        default=DEFAULT_OPERATION,
        description="API operation that buys nodes. ScaleOutCluster and ScaleClusterNodePool (CS) take a number of "
        "further nodes; ModifyClusterNodePool (CS) and EnsScaleClusterNodePool (ENS ScaleClusterNodePool) take the "
        "size of the pool.",
    )
    template: str | None = Field(default=None, description="NodeTemplate of the regions that do not name their own.")
    regions: tuple[Annotated[FleetRegion, BeforeValidator(_long_form)], ...] = Field(
        min_length=1, description="ENS regions; a region belongs to one cluster only."
    )


class BudgetSpec(Parameters):
    """How much may be spent, in the account's currency. An order counts from the moment that it is made."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="Unique name, by which decisions refer to it.")
    scope: Literal["region", "group", "account"] = Field(
        description="region: each matching region has the amounts for itself; group: all matching regions have them "
        "together; account: everything that is bought has."
    )
    regions: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Globs over the `ens_region_id`s of all Fleet documents; all regions when left out. Not allowed "
        "with scope account.",
    )
    per_day: Amount | None = Field(default=None, description="Amount that may be spent in a calendar day.")
    per_month: Amount | None = Field(default=None, description="Amount that may be spent in a calendar month.")

    @field_validator("regions", mode="after")
    @classmethod
    def _the_account_is_everything(
        cls, regions: tuple[str, ...] | None, info: ValidationInfo
    ) -> tuple[str, ...] | None:
        if regions is not None and info.data.get("scope") == "account":
            raise ValueError("must not be there with scope account, which covers everything; use group")
        return regions

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.per_day is None and self.per_month is None:
            raise ValueError("perDay or perMonth is required: without either, nothing is limited")
        if self.per_day is not None and self.per_month is not None and self.per_day > self.per_month:
            raise ValueError(f"perDay ({self.per_day}) must not exceed perMonth ({self.per_month})")
        return self


class FleetSpec(Parameters):
    """What there is to scale."""

    clusters: tuple[FleetCluster, ...] = Field(min_length=1, description="The clusters.")
    time_zone: str = Field(
        default=DEFAULT_ZONE,
        description="IANA time zone in which the days and months of the budgets begin, e.g. `Asia/Shanghai`.",
    )
    budgets: tuple[BudgetSpec, ...] = Field(
        default=(), description="Limits of spending; an order must keep every one that covers its region."
    )

    @field_validator("time_zone", mode="after")
    @classmethod
    def _known(cls, name: str) -> str:
        require_zone(name)
        return name

    @field_validator("budgets", mode="after")
    @classmethod
    def _begin_somewhere(cls, budgets: tuple[BudgetSpec, ...], info: ValidationInfo) -> tuple[BudgetSpec, ...]:
        # A default is not validated by itself; a written zone that is wrong is not in `data`.
        if budgets and "time_zone" in info.data:
            require_zone(info.data["time_zone"])
        return budgets


class Fleet(Parameters):
    """What there is to scale. Several Fleet documents add up, their budgets too."""

    api_version: Literal["autoscaler/v1"] = Field(description="Always `autoscaler/v1`.")
    kind: Literal["Fleet"] = Field(description="Always `Fleet`.")
    metadata: Metadata = Field(description="Name of the fleet.")
    spec: FleetSpec = Field(description="The clusters, their regions and the budgets.")

    @property
    def name(self) -> str:
        """The fleet's name."""
        return self.metadata.name
