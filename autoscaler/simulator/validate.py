"""The bodies of CS purchases, checked field by field against their API pages and nothing else.

The bytes of a request come in; a ScaleOutBody, a number or a Refusal goes out. It must not import the cloud room, whose
encoding it is there to doubt. Stricter than the vendor in one point: a field that the page does not know is refused,
because a misspelt field that is silently ignored is how the wrong machine gets bought. No message repeats the password.
Sources: API pages "Scale out a managed edge Kubernetes cluster", ScaleClusterNodePool and ModifyClusterNodePool.
"""

import json
import re
from collections.abc import Mapping

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.checks import Check, between, flag, one_of, pascal, password, tens, text, true, whole
from autoscaler.simulator.records import Refusal, ScaleOutBody

_PERIODS = (1, 2, 3, 6, 12, 24, 36, 48, 60)
_CHARGE_TYPES = ("BandwidthByDay", "95BandwidthByMonth")
_IMAGE_SIZE = re.compile(r"_(\d+)G_")
_NOT_EDGE = frozenset(
    {
        "cloud_monitor_flags",
        "cpu_policy",
        "image_id",
        "rds_instances",
        "runtime",
        "tags",
        "taints",
        "user_data",
        "vswitch_ids",
        "worker_data_disks",
        "worker_instance_charge_type",
        "worker_instance_types",
        "worker_period_unit",
        "worker_system_disk_category",
    }
)


def read_scale_out(books: CloudBooks, cluster: str, content: bytes) -> ScaleOutBody:
    """Check a purchase as the API page describes it.

    Raises:
        Refusal: ErrorClusterNotFound, MissingParameter, InvalidParameter or InvalidParameter.{Field}.
    """
    require_cluster(books, cluster)
    body = _json_object(content)
    _refuse_strangers(body)
    _require(body)
    for name, value in body.items():
        wrong = _CHECKS[name](value)
        if wrong:
            raise Refusal(f"InvalidParameter.{pascal(name)}", f"{name} {wrong}.", style="cs")
    _check_renewal(body)
    _check_image_fits(body)
    require_on_sale(books, str(body["ens_region_id"]), str(body["worker_instance_type"]))
    return ScaleOutBody(
        cluster=cluster,
        region=str(body["ens_region_id"]),
        instance_type=str(body["worker_instance_type"]),
        nodes=whole(body["count"]),
        image=str(body["worker_image_id"]),
        system_disk=whole(body["worker_system_disk_size"]),
        data_disk=whole(body.get("worker_data_disk_size", 0)),
        period=whole(body["worker_period"]),
    )


def read_count(content: bytes) -> int:
    """The body of CS ScaleClusterNodePool: a whole number `count` and nothing else.

    Raises:
        Refusal: MissingParameter, InvalidParameter or InvalidParameter.Count.
    """
    body = _json_object(content)
    _only(body, "count")
    return _count(body["count"], "count")


def read_desired_size(content: bytes) -> int:
    """The body of CS ModifyClusterNodePool: `scaling_group.desired_size`. Empty lists, which the SDK adds, are allowed.

    Raises:
        Refusal: MissingParameter, InvalidParameter or InvalidParameter.DesiredSize.
    """
    body = _json_object(content)
    _only(body, "scaling_group")
    group = body["scaling_group"]
    if not isinstance(group, dict):
        raise Refusal("InvalidParameter.ScalingGroup", "scaling_group must be an object.", style="cs")
    told = {name: value for name, value in group.items() if value != []}
    _only(told, "desired_size")
    return _count(told["desired_size"], "desired_size")


def _only(body: Mapping[str, object], name: str) -> None:
    others = sorted(body.keys() - {name})
    if others:
        raise Refusal("InvalidParameter", f"Not simulated: {', '.join(others)}.", style="cs")
    if name not in body:
        raise Refusal("MissingParameter", f"These parameters are required: {name}.", style="cs")


def _count(value: object, name: str) -> int:
    wrong = between(1)(value)
    if wrong:
        raise Refusal(f"InvalidParameter.{pascal(name)}", f"{name} {wrong}.", style="cs")
    return whole(value)


def require_cluster(books: CloudBooks, cluster: str) -> None:
    """Refuse a cluster that CS does not know. Raises Refusal: ErrorClusterNotFound."""
    if cluster not in books.cs_clusters:
        raise Refusal("ErrorClusterNotFound", f"The cluster {cluster} can not be found.", status=404, style="cs")


def require_on_sale(books: CloudBooks, region: str, instance_type: str) -> None:
    """Raises Refusal: InvalidParameter.EnsRegionId or InvalidParameter.WorkerInstanceType."""
    if books.region(region) is None:
        raise Refusal("InvalidParameter.EnsRegionId", "There is no such ENS region.", style="cs")
    if books.type(instance_type) is None:
        raise Refusal("InvalidParameter.WorkerInstanceType", "There is no such instance type.", style="cs")


def _json_object(content: bytes) -> dict[str, object]:
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal("InvalidParameter", "The body is not a JSON object.", style="cs")
    return body


def _refuse_strangers(body: Mapping[str, object]) -> None:
    not_edge = sorted(body.keys() & _NOT_EDGE)
    if not_edge:
        why = f"{', '.join(not_edge)}: only ENS nodes can be added to a managed edge cluster"
        raise Refusal("InvalidParameter", f"{why}.", style="cs")
    unknown = sorted(body.keys() - _CHECKS.keys())
    if unknown:
        raise Refusal("InvalidParameter", f"No such parameter: {', '.join(unknown)}.", style="cs")


def _require(body: Mapping[str, object]) -> None:
    missing = [name for name in _REQUIRED if name not in body]
    if "login_password" not in body and "key_pair" not in body:
        missing.append("login_password")
    if missing:
        raise Refusal("MissingParameter", f"These parameters are required: {', '.join(missing)}.", style="cs")


def _check_renewal(body: Mapping[str, object]) -> None:
    if body.get("worker_auto_renew") is True and "worker_auto_renew_period" not in body:
        why = "worker_auto_renew_period is required if worker_auto_renew is true."
        raise Refusal("MissingParameter", why, style="cs")


def _check_image_fits(body: Mapping[str, object]) -> None:
    size = _IMAGE_SIZE.search(str(body["worker_image_id"]))
    if size and whole(body["worker_system_disk_size"]) <= int(size[1]):
        why = f"worker_system_disk_size must be greater than the image's {size[1]} GiB."
        raise Refusal("InvalidParameter.WorkerSystemDiskSize", why, style="cs")


_CHECKS: Mapping[str, Check] = {
    "count": between(1),
    "worker_instance_type": text,
    "ens_region_id": text,
    "worker_image_id": text,
    "ens_internet_charge_type": one_of(*_CHARGE_TYPES),
    "worker_period": one_of(*_PERIODS),
    "login_password": password,
    "key_pair": text,
    "worker_system_disk_size": tens(20, 100, or_none=False),
    "is_edge_worker": true,
    "worker_data_disk_size": tens(20, 200, or_none=True),
    "worker_auto_renew": flag,
    "worker_auto_renew_period": between(1, 12),
    "timeout_mins": between(1),
}
_REQUIRED = (
    "count",
    "worker_instance_type",
    "ens_region_id",
    "worker_image_id",
    "ens_internet_charge_type",
    "worker_period",
    "worker_system_disk_size",
    "is_edge_worker",
)
