"""`kind: Fleet`: which clusters there are, their ENS regions, and what kind of node each region gets.

Documents of the policy directory come in; a list of regions with cluster and template goes out.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from autoscaler.policy.base import Parameters
from autoscaler.policy.language import Metadata


def _long_form(value: object) -> object:
    """`cn-beijing-cmcc-2` is short for `{id: cn-beijing-cmcc-2}`."""
    return {"id": value} if isinstance(value, str) else value


class FleetRegion(Parameters):
    """An ENS region of a cluster; a bare id when there is nothing more to say."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="The `ens_region_id`, e.g. `cn-beijing-cmcc-2`.")
    template: str | None = Field(default=None, description="NodeTemplate of this region instead of the cluster's.")
    labels: dict[str, str] = Field(default={}, description="The operator's own labels of the region.")


class FleetCluster(Parameters):
    """A managed edge cluster."""

    cluster_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="The id that ACK gave the cluster.")
    template: str | None = Field(default=None, description="NodeTemplate of the regions that do not name their own.")
    regions: tuple[Annotated[FleetRegion, BeforeValidator(_long_form)], ...] = Field(
        min_length=1, description="ENS regions; a region belongs to one cluster only."
    )


class FleetSpec(Parameters):
    """What there is to scale."""

    clusters: tuple[FleetCluster, ...] = Field(min_length=1, description="The clusters.")


class Fleet(Parameters):
    """What there is to scale. Several Fleet documents add up."""

    api_version: Literal["autoscaler/v1"] = Field(description="Always `autoscaler/v1`.")
    kind: Literal["Fleet"] = Field(description="Always `Fleet`.")
    metadata: Metadata = Field(description="Name of the fleet.")
    spec: FleetSpec = Field(description="The clusters and their regions.")

    @property
    def name(self) -> str:
        """The fleet's name."""
        return self.metadata.name
