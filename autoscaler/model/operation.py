"""The purchase operations, typed by the meaning of their count."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from autoscaler.model.names import ClusterId, Money, NodePoolId, RegionId

NODES_PER_POOL_CALL = 500
"""The most nodes that one node-pool call may add. Source: API pages of ScaleClusterNodePool, ModifyClusterNodePool."""


class Count(StrEnum):
    """What the number in a purchase call means. Mixing the two up buys a fleet."""

    DELTA = "delta"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Delta:
    """`nodes` more nodes than there are (>= 1). Sent twice it buys twice."""

    nodes: int

    @property
    def count(self) -> Count:
        """Its meaning."""
        return Count.DELTA


@dataclass(frozen=True, slots=True)
class Total:
    """`nodes` nodes in the pool altogether (>= 1), present ones included."""

    nodes: int

    @property
    def count(self) -> Count:
        """Its meaning."""
        return Count.TOTAL


Quantity = Delta | Total
"""The number in a purchase call, with its meaning: an operation takes only its own kind."""


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

    @property
    def pool(self) -> NodePoolId | None:
        """The operation knows no node pool."""
        return None

    @property
    def per_call(self) -> int | None:
        """The most nodes one call may add; no document names a limit."""
        return None


@dataclass(frozen=True, slots=True)
class _PoolOperation:
    """What all node-pool operations share: the pool says what is bought, these fields repeat it.

    `worker_*` describe the pool's nodes as the template does; they are not sent, and serve stock, price and budget.
    """

    cluster: ClusterId
    pool: NodePoolId
    template: str
    ens_region_id: RegionId
    worker_instance_type: str
    ens_internet_charge_type: str
    worker_period: int
    worker_system_disk_size: int
    worker_data_disk_size: int = 0

    @property
    def per_call(self) -> int | None:
        """The most nodes that one call may add."""
        return NODES_PER_POOL_CALL


@dataclass(frozen=True, slots=True)
class ScaleClusterNodePool(_PoolOperation):
    """CS ScaleClusterNodePool: its count is an increment, at most 500. Source: its API page."""

    @property
    def count(self) -> Count:
        """An increment."""
        return Count.DELTA

    @property
    def name(self) -> str:
        """The API's own name of the operation."""
        return "ScaleClusterNodePool"


@dataclass(frozen=True, slots=True)
class ModifyClusterNodePool(_PoolOperation):
    """CS ModifyClusterNodePool: `scaling_group.desired_size` is the pool's size after the call."""

    @property
    def count(self) -> Count:
        """A total."""
        return Count.TOTAL

    @property
    def name(self) -> str:
        """The API's own name of the operation."""
        return "ModifyClusterNodePool"


@dataclass(frozen=True, slots=True)
class EnsScaleClusterNodePool(_PoolOperation):
    """ENS ScaleClusterNodePool (RPC): `Count` is the pool's size after the call, and the answer names no task.

    It shares its API name with the CS operation, whose count is an increment; hence the prefix.
    """

    @property
    def count(self) -> Count:
        """A total."""
        return Count.TOTAL

    @property
    def name(self) -> str:
        """Unique among our operations; the API's own name is ScaleClusterNodePool."""
        return "EnsScaleClusterNodePool"


OperationName = Literal["ScaleOutCluster", "ScaleClusterNodePool", "ModifyClusterNodePool", "EnsScaleClusterNodePool"]
PoolOperation = ScaleClusterNodePool | ModifyClusterNodePool | EnsScaleClusterNodePool
Operation = ScaleOutCluster | PoolOperation
"""The closed union of purchase operations."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A way to buy nodes in one region. `price` is one node's for its whole period, None where nobody set one."""

    operation: Operation
    price: Money | None = None
