"""Edge Node Service (ENS, version 2017-11-10, RPC): regions, stock and instances; all parameters in the query.

Verified calls come in, answers in the vendor's words go out, misspellings included. It sells nothing.
Sources: DescribeInstances, DescribePrePaidInstanceStock and DescribeEnsRegions of the same API.
"""

import json

from aiohttp import web

from autoscaler.simulator.answers import UNANNOUNCED, ens_time, json_answer
from autoscaler.simulator.gateway import Call, Site, behind_gateway, page_of, refuse_unknown
from autoscaler.simulator.records import BookedInstance, Refusal

VERSION = "2017-11-10"
_STATUSES = ("Running", "Stopped", "Expired")
_INSTANCE_FILTERS = frozenset(
    {"EnsRegionId", "EnsRegionIds", "InstanceId", "InstanceIds", "Status", "PageNumber", "PageSize"}
)
_STOCK_PARAMETERS = ("EnsRegionId", "InstanceSpec", "SystemDiskSize", "DataDiskSize")


def add_ens_routes(app: web.Application, site: Site) -> None:
    """Serve the ENS operations, by POST and by GET."""
    operations = {
        "DescribeInstances": instances,
        "DescribePrePaidInstanceStock": stock,
        "DescribeEnsRegions": regions,
    }
    handler = behind_gateway(site, VERSION, operations)
    app.router.add_route("POST", "/", handler)
    app.router.add_route("GET", "/", handler)


async def instances(call: Call) -> web.Response:
    """DescribeInstances: all filters hold at once; an empty InstanceIds list finds nothing."""
    refuse_unknown(call.query, _INSTANCE_FILTERS, "ens")
    number, size = page_of(call.query, "PageNumber", "PageSize", "ens")
    found = _found(call)
    shown = found[(number - 1) * size : number * size]
    return _ens_answer(
        call,
        {
            "Instances": {"Instance": [_instance_row(call, instance) for instance in shown]},
            "TotalCount": len(found),
            "PageNumber": number,
            "PageSize": size,
        },
    )


async def stock(call: Call) -> web.Response:
    """DescribePrePaidInstanceStock: what a region can still sell of one type."""
    missing = [name for name in _STOCK_PARAMETERS if not call.query.get(name)]
    if missing:
        raise Refusal("MissingParameter", f"Missing: {', '.join(missing)}.", style="ens")
    refuse_unknown(call.query, frozenset(_STOCK_PARAMETERS), "ens")
    region, spec = call.query["EnsRegionId"], call.query["InstanceSpec"]
    if call.books.region(region) is None:
        raise Refusal("InvalidParameter.EnsRegionId", "There is no such ENS region.", style="ens")
    if spec != call.books.scenario.instance_type:
        raise Refusal("InvalidParameter.InstanceSpec", "There is no such instance specification.", style="ens")
    left = call.books.stock(region, spec, call.now())
    return json_answer(
        {
            "RequestId": call.request_id,
            "EnsRegionId": region,
            "InstanceSpec": spec,
            "SystemDiskSize": _whole(call, "SystemDiskSize"),
            "DataDiskSize": _whole(call, "DataDiskSize"),
            "AvaliableCount": left,
            "ResourceGap": "" if left else "the specification is sold out",
            "Cores": 2,
            "Memory": 4,
        }
    )


async def regions(call: Call) -> web.Response:
    """DescribeEnsRegions."""
    refuse_unknown(call.query, frozenset({"EnsRegionId"}), "ens")
    wanted = call.query.get("EnsRegionId")
    names = [region.region for region in call.books.scenario.regions if wanted in (None, region.region)]
    rows = [
        {
            "EnsRegionId": name,
            "Name": name,
            "EnName": name,
            "Area": "simulated",
            "Province": "simulated",
            UNANNOUNCED: 1,
        }
        for name in names
    ]
    return _ens_answer(call, {"EnsRegions": {"EnsRegions": rows}})


def _ens_answer(call: Call, document: dict[str, object]) -> web.Response:
    return json_answer({"Code": 0, "RequestId": call.request_id, **document})


def _found(call: Call) -> list[BookedInstance]:
    status = call.query.get("Status", "Running")
    if status not in _STATUSES:
        raise Refusal("InvalidParameter.Status", f"Status must be one of {', '.join(_STATUSES)}.", style="ens")
    now = call.now()
    return [
        instance
        for instance in _in_regions(call, _asked(call, "EnsRegionId", "EnsRegionIds"))
        if _passes(instance.id, _asked(call, "InstanceId", "InstanceIds"))
        and ("Status" not in call.query or status == _status(instance, now))
    ]


def _in_regions(call: Call, names: list[frozenset[str]]) -> list[BookedInstance]:
    if not names:
        return list(call.books.instances())
    asked = sorted(frozenset.intersection(*names))
    return [instance for name in asked for instance in call.books.region_instances(name)]


def _asked(call: Call, one: str, many: str) -> list[frozenset[str]]:
    """The sets that a value must be in: one for the plain parameter, one for the list parameter."""
    sets = [frozenset({call.query[one]})] if one in call.query else []
    return [*sets, frozenset(_list(call, many))] if many in call.query else sets


def _passes(value: str, sets: list[frozenset[str]]) -> bool:
    return all(value in one for one in sets)


def _list(call: Call, key: str) -> list[str]:
    try:
        listed = json.loads(call.query[key])
    except ValueError:
        listed = None
    if isinstance(listed, list) and len(listed) <= 100 and all(isinstance(one, str) for one in listed):
        return listed
    raise Refusal(f"InvalidParameter.{key}", f"{key} must be a JSON list of at most 100 texts.", style="ens")


def _whole(call: Call, key: str) -> int:
    text = call.query[key]
    if text.isascii() and text.isdecimal():
        return int(text)
    raise Refusal(f"InvalidParameter.{key}", f"{key} must be a whole number.", style="ens")


def _status(instance: BookedInstance, now: float) -> str:
    return "Running" if now < instance.expires_at else "Expired"


def _instance_row(call: Call, instance: BookedInstance) -> dict[str, object]:
    return {
        "InstanceId": instance.id,
        "InstanceName": instance.node_name,
        "HostName": instance.node_name,
        "EnsRegionId": instance.region,
        "Status": _status(instance, call.now()),
        "SpecName": instance.instance_type,
        "InstanceResourceType": "EnsInstance",
        "ImageId": instance.image,
        "Cpu": "2",
        "Memory": 4096,
        "Disk": (instance.system_disk + instance.data_disk) * 1024,
        "CreationTime": ens_time(call.shown(instance.bought_at)),
        "ExpiredTime": ens_time(call.shown(instance.expires_at)),
        "Tags": {"Tags": []},
        UNANNOUNCED: "row",
    }
