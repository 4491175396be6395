"""Encoding: what each operation looks like as an HTTP request, before it is signed.

Operations and ids come in, frozen `Request` values go out. Pure: no I/O, no clock, no secret but the one it is handed.
Source: API page "Scale out a managed edge Kubernetes cluster"; CS 2015-12-15 and ENS 2017-11-10 as the SDKs send them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from pydantic import SecretStr

from autoscaler.cloud.paging import Cursor
from autoscaler.model.names import ClusterId, RegionId, TaskId
from autoscaler.model.operation import Operation

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


def scale_out(operation: Operation, nodes: int, password: SecretStr) -> Request:
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
    body = _compact({name: value for name, value in fields.items() if value is not None})
    path = f"/api/v2/clusters/{_segment(operation.cluster)}"
    return Request("cs", operation.name, CS_VERSION, "POST", path, body=body.encode())


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


def describe_instances(regions: Sequence[RegionId], cursor: Cursor) -> Request:
    """ENS DescribeInstances, one page, for at most REGIONS_PER_CALL regions. RPC style: all parameters in the query."""
    query = (
        ("EnsRegionIds", _compact(list(regions))),
        ("PageNumber", str(cursor.number)),
        ("PageSize", str(PAGE_SIZE)),
    )
    return Request("ens", "DescribeInstances", ENS_VERSION, "POST", "/", query)


def _cs_read(action: str, path: str, query: tuple[tuple[str, str], ...] = ()) -> Request:
    return Request("cs", action, CS_VERSION, "GET", path, query)


def _segment(text: str) -> str:
    return quote(text, safe="~")


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
