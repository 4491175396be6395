"""The purchase operations, typed by the meaning of their count."""

from dataclasses import dataclass
from enum import StrEnum

from autoscaler.model.names import ClusterId, RegionId


class Count(StrEnum):
    """What the number in a purchase call means. Mixing the two up buys a fleet."""

    DELTA = "delta"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class ScaleOutCluster:
    """CS ScaleOutCluster (edge variant): adds ENS nodes to a managed edge cluster; its count is an increment.

    Field names are those of the request body (API page "Scale out a managed edge Kubernetes cluster"). Two body
    fields are not here: `count` belongs to the order, and `login_password` is a secret that the client looks up by
    `template` when it encodes the request, so that it never reaches an order, the ledger or a log.
    Sizes are GiB, periods are months, `timeout_mins` is minutes.
    """

    cluster: ClusterId
    template: str
    ens_region_id: RegionId
    worker_instance_type: str
    worker_image_id: str
    ens_internet_charge_type: str
    worker_period: int
    worker_system_disk_size: int
    worker_data_disk_size: int = 0
    worker_auto_renew: bool = False
    worker_auto_renew_period: int | None = None
    timeout_mins: int | None = None

    @property
    def count(self) -> Count:
        """The meaning of the number of nodes sent with this operation."""
        return Count.DELTA

    @property
    def name(self) -> str:
        """The API's own name of the operation."""
        return "ScaleOutCluster"


Operation = ScaleOutCluster
"""The closed union of purchase operations; node-pool operations join it as further members."""
