"""The body of ScaleOutCluster, checked field by field against the API page and nothing else.

The bytes of a request come in; a ScaleOutBody or a Refusal goes out. It must not import the cloud room, whose encoding
it is there to doubt. Stricter than the vendor in one point: a field that the page does not know is refused, because a
misspelt field that is silently ignored is how the wrong machine gets bought.
Source: API page "Scale out a managed edge Kubernetes cluster". No message repeats the password.
"""

import json
import re
from collections.abc import Callable, Mapping

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.records import Refusal, ScaleOutBody

Check = Callable[[object], str | None]
"""What is wrong with a value, or None."""

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
            raise Refusal(f"InvalidParameter.{_pascal(name)}", f"{name} {wrong}.", style="cs")
    _check_renewal(body)
    _check_image_fits(body)
    _check_on_sale(books, body)
    return ScaleOutBody(
        cluster=cluster,
        region=str(body["ens_region_id"]),
        instance_type=str(body["worker_instance_type"]),
        nodes=_whole(body["count"]),
        image=str(body["worker_image_id"]),
        system_disk=_whole(body["worker_system_disk_size"]),
        data_disk=_whole(body.get("worker_data_disk_size", 0)),
        period=_whole(body["worker_period"]),
    )


def require_cluster(books: CloudBooks, cluster: str) -> None:
    """Refuse a cluster that is not the scenario's. Raises Refusal: ErrorClusterNotFound."""
    if cluster != books.scenario.cluster_id:
        raise Refusal("ErrorClusterNotFound", f"The cluster {cluster} can not be found.", status=404, style="cs")


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
    if size and _whole(body["worker_system_disk_size"]) <= int(size[1]):
        why = f"worker_system_disk_size must be greater than the image's {size[1]} GiB."
        raise Refusal("InvalidParameter.WorkerSystemDiskSize", why, style="cs")


def _check_on_sale(books: CloudBooks, body: Mapping[str, object]) -> None:
    if books.region(str(body["ens_region_id"])) is None:
        raise Refusal("InvalidParameter.EnsRegionId", "There is no such ENS region.", style="cs")
    if body["worker_instance_type"] != books.scenario.instance_type:
        raise Refusal("InvalidParameter.WorkerInstanceType", "There is no such instance type.", style="cs")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(value: object) -> int:
    """A number that a check has already found to be whole."""
    return value if isinstance(value, int) else 0


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value else "must be a text that is not empty"


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


def _true(value: object) -> str | None:
    return None if value is True else "must be true"


def _between(low: int, high: int | None = None) -> Check:
    def check(value: object) -> str | None:
        if _is_whole(value) and low <= _whole(value) and (high is None or _whole(value) <= high):
            return None
        return f"must be a whole number of at least {low}" + (f" and at most {high}" if high is not None else "")

    return check


def _tens(low: int, high: int, or_none: bool) -> Check:
    def check(value: object) -> str | None:
        size = _whole(value)
        if _is_whole(value) and ((or_none and size == 0) or (low <= size <= high and size % 10 == 0)):
            return None
        return f"must be a multiple of 10 from {low} to {high}" + (", or 0" if or_none else "")

    return check


def _one_of(*allowed: object) -> Check:
    def check(value: object) -> str | None:
        if value in allowed and not isinstance(value, bool | float):
            return None
        return f"must be one of {', '.join(str(one) for one in allowed)}"

    return check


def _password(value: object) -> str | None:
    if not isinstance(value, str) or not 8 <= len(value) <= 30:
        return "must have 8 to 30 characters"
    kinds = (str.isupper, str.islower, str.isdigit, lambda character: not character.isalnum())
    if sum(any(map(kind, value)) for kind in kinds) < 3:
        return "must have three of: upper-case letters, lower-case letters, digits, special characters"
    return None


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


_CHECKS: Mapping[str, Check] = {
    "count": _between(1),
    "worker_instance_type": _text,
    "ens_region_id": _text,
    "worker_image_id": _text,
    "ens_internet_charge_type": _one_of(*_CHARGE_TYPES),
    "worker_period": _one_of(*_PERIODS),
    "login_password": _password,
    "key_pair": _text,
    "worker_system_disk_size": _tens(20, 100, or_none=False),
    "is_edge_worker": _true,
    "worker_data_disk_size": _tens(20, 200, or_none=True),
    "worker_auto_renew": _flag,
    "worker_auto_renew_period": _between(1, 12),
    "timeout_mins": _between(1),
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
