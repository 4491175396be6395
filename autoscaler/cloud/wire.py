"""Encoding: what each operation looks like as an HTTP request, before it is signed.

Operations and ids come in, frozen `Request` values go out. Pure: no I/O, no clock, no secret but the one it is handed.
Source: API page "Scale out a managed edge Kubernetes cluster"; CS 2015-12-15 and ENS 2017-11-10 as the SDKs send them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from pydantic import SecretStr

from autoscaler.cloud.paging import Cursor
from autoscaler.model.names import ClusterId, RegionId, TaskId
from autoscaler.model.operation import (
    NODES_PER_POOL_CALL,
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    Operation,
    PoolOperation,
    ScaleClusterNodePool,
    ScaleOutCluster,
)

Product = Literal["cs", "ens"]
CS_VERSION = "2015-12-15"
ENS_VERSION = "2017-11-10"
PAGE_SIZE = 100
"""Rows per page: the most that DescribeClusterNodes and DescribeInstances give."""
REGIONS_PER_CALL = 100
"""The most regions that DescribeInstances takes in one EnsRegionIds."""


@dataclass(frozen=True, slots=True)
class Request:
    """One API call. `path` is percent-encoded already; `query` is not. The body may hold a password: it has no repr."""

    product: Product
    action: str
    version: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


def scale_out(operation: ScaleOutCluster, nodes: int, password: SecretStr) -> Request:
    """CS ScaleOutCluster, edge variant. `nodes` is an increment, at least 1; fields that are None are left out."""
    if nodes < 1:
        raise ValueError(f"count is an increment and must be at least 1, not {nodes}")
    fields: dict[str, object] = {
        "count": nodes,
        "worker_instance_type": operation.worker_instance_type,
        "ens_region_id": operation.ens_region_id,
        "worker_image_id": operation.worker_image_id,
        "ens_internet_charge_type": operation.ens_internet_charge_type,
        "worker_period": operation.worker_period,
        "login_password": password.get_secret_value(),
        "worker_system_disk_size": operation.worker_system_disk_size,
        "is_edge_worker": True,
        "worker_data_disk_size": operation.worker_data_disk_size,
        "worker_auto_renew": operation.worker_auto_renew,
        "worker_auto_renew_period": operation.worker_auto_renew_period,
        "timeout_mins": operation.timeout_mins,
    }
    path = f"/api/v2/clusters/{_segment(operation.cluster)}"
    return _cs_write(operation.name, "POST", path, {name: value for name, value in fields.items() if value is not None})


def scale_pool(operation: PoolOperation, nodes: int) -> Request:
    """A node-pool operation. `nodes` means what the operation's count means: an increment, or the pool's whole size.

    Raises:
        ValueError: fewer nodes than 1, or a larger increment than one call may ask for.
    """
    match operation:
        case ScaleClusterNodePool():
            if not 1 <= nodes <= NODES_PER_POOL_CALL:
                raise ValueError(f"count is an increment between 1 and {NODES_PER_POOL_CALL}, not {nodes}")
            return _cs_write(operation.name, "POST", _pool_path(operation), {"count": nodes})
        case ModifyClusterNodePool():
            # Nothing but the size: every field that is sent, be it an empty list, replaces what the pool has.
            body = {"scaling_group": {"desired_size": _whole_size(nodes)}}
            return _cs_write(operation.name, "PUT", _pool_path(operation), body)
        case EnsScaleClusterNodePool():
            query = (
                ("Body", _compact({"Count": _whole_size(nodes)})),
                ("ClusterId", operation.cluster),
                ("NodepoolId", operation.pool),
            )
            return _ens("ScaleClusterNodePool", query)


def describe_task(task: TaskId) -> Request:
    """CS DescribeTaskInfo."""
    return _cs_read("DescribeTaskInfo", f"/tasks/{_segment(task)}")


def describe_tasks(cluster: ClusterId, cursor: Cursor) -> Request:
    """CS DescribeClusterTasks, one page: by its token where the page before gave one, else by its number."""
    if cursor.token:
        query = (("max_results", str(PAGE_SIZE)), ("next_token", cursor.token))
    else:
        query = (("page_number", str(cursor.number)), ("page_size", str(PAGE_SIZE)))
    return _cs_read("DescribeClusterTasks", f"/clusters/{_segment(cluster)}/tasks", query)


def describe_nodes(cluster: ClusterId, cursor: Cursor) -> Request:
    """CS DescribeClusterNodes, one page, nodes in any state."""
    query = (("pageNumber", str(cursor.number)), ("pageSize", str(PAGE_SIZE)), ("state", "all"))
    return _cs_read("DescribeClusterNodes", f"/clusters/{_segment(cluster)}/nodes", query)


def describe_cs_pool(operation: PoolOperation) -> Request:
    """CS DescribeClusterNodePoolDetail; the list of pools leaves out some fields of `scaling_group`."""
    return _cs_read("DescribeClusterNodePoolDetail", _pool_path(operation))


def describe_ens_pools(cluster: ClusterId, cursor: Cursor) -> Request:
    """ENS DescribeClusterNodePools, one page; there is no call for a single pool."""
    query = (("ClusterId", cluster), ("PageNumber", str(cursor.number)), ("PageSize", str(PAGE_SIZE)))
    return _ens("DescribeClusterNodePools", query)


def describe_instances(regions: Sequence[RegionId], cursor: Cursor) -> Request:
    """ENS DescribeInstances, one page, for at most REGIONS_PER_CALL regions."""
    query = (
        ("EnsRegionIds", _compact(list(regions))),
        ("PageNumber", str(cursor.number)),
        ("PageSize", str(PAGE_SIZE)),
    )
    return _ens("DescribeInstances", query)


def describe_stock(operation: Operation) -> Request:
    """ENS DescribePrePaidInstanceStock for the operation's nodes; all four fields are required."""
    query = (
        ("EnsRegionId", operation.ens_region_id),
        ("InstanceSpec", operation.worker_instance_type),
        ("SystemDiskSize", str(operation.worker_system_disk_size)),
        ("DataDiskSize", str(operation.worker_data_disk_size)),
    )
    return _ens("DescribePrePaidInstanceStock", query)


def describe_price(operation: Operation, nodes: int) -> Request:
    """ENS DescribePrice for `nodes` of the operation's nodes (>= 1) over its whole period.

    Unlike the other objects of this API the disks travel flattened, `SystemDisk.Size` and `DataDisk.1.Size`.
    """
    query = [
        ("EnsRegionId", operation.ens_region_id),
        ("InstanceType", operation.worker_instance_type),
        ("InternetChargeType", operation.ens_internet_charge_type),
        ("Period", str(operation.worker_period)),
        ("PeriodUnit", "Month"),
        ("Quantity", str(nodes)),
        ("SystemDisk.Size", str(operation.worker_system_disk_size)),
    ]
    if operation.worker_data_disk_size:
        query.append(("DataDisk.1.Size", str(operation.worker_data_disk_size)))
    return _ens("DescribePrice", tuple(query))


def _whole_size(nodes: int) -> int:
    if nodes < 1:
        raise ValueError(f"the size of a node pool must be at least 1, not {nodes}")
    return nodes


def _pool_path(operation: PoolOperation) -> str:
    return f"/clusters/{_segment(operation.cluster)}/nodepools/{_segment(operation.pool)}"


def _cs_write(action: str, method: str, path: str, body: Mapping[str, object]) -> Request:
    return Request("cs", action, CS_VERSION, method, path, body=_compact(body).encode())


def _cs_read(action: str, path: str, query: tuple[tuple[str, str], ...] = ()) -> Request:
    return Request("cs", action, CS_VERSION, "GET", path, query)


def _ens(action: str, query: tuple[tuple[str, str], ...]) -> Request:
    """RPC style: all parameters in the query of a POST, also those of a purchase."""
    return Request("ens", action, ENS_VERSION, "POST", "/", query)


def _segment(text: str) -> str:
    return quote(text, safe="~")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
