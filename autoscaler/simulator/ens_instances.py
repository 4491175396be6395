"""ENS: instances and regions. Verified calls come in, answers in the vendor's words go out, misspellings included.

Sources: DescribeInstances and DescribeEnsRegions of the SDK's models.
"""

from aiohttp import web

from autoscaler.simulator.answers import UNANNOUNCED, ens_time
from autoscaler.simulator.ens_query import answer, json_tags, texts
from autoscaler.simulator.gateway import Call
from autoscaler.simulator.listing import doubled, page, page_of, refuse_unknown
from autoscaler.simulator.records import BookedInstance, Refusal

_STATUSES = ("Running", "Stopped", "Expired")
_FILTERS = frozenset(
    {
        *("EnsRegionId", "EnsRegionIds", "InstanceId", "InstanceIds", "InstanceName", "Status", "Tags"),
        *("PageNumber", "PageSize"),
    }
)


def instances(call: Call) -> web.Response:
    """DescribeInstances: all filters hold at once; an empty InstanceIds list finds nothing."""
    refuse_unknown(call.query, _FILTERS, "ens")
    number, size = page_of(call.query, "PageNumber", "PageSize", "ens")
    found = doubled(call.books, _found(call))
    rows = [_instance_row(call, instance) for instance in page(found, number, size)]
    return answer(
        call,
        {"Instances": {"Instance": rows}, "TotalCount": len(found), "PageNumber": number, "PageSize": size},
    )


def regions(call: Call) -> web.Response:
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
    return answer(call, {"EnsRegions": {"EnsRegions": rows}})


def _found(call: Call) -> list[BookedInstance]:
    status = call.query.get("Status", "Running")
    if status not in _STATUSES:
        raise Refusal("InvalidParameter.Status", f"Status must be one of {', '.join(_STATUSES)}.", style="ens")
    now, tags = call.now(), json_tags(call, "Tags")
    ids = _asked(call, "InstanceId", "InstanceIds")
    return [
        instance
        for instance in _in_regions(call, now, _asked(call, "EnsRegionId", "EnsRegionIds"))
        if all(instance.id in one for one in ids)
        and tags.items() <= dict(instance.tags).items()
        and call.query.get("InstanceName", _name(instance)) == _name(instance)
        and ("Status" not in call.query or status == _status(instance, now))
    ]


def _in_regions(call: Call, now: float, names: list[frozenset[str]]) -> list[BookedInstance]:
    if not names:
        return list(call.books.listed_instances(now))
    asked = sorted(frozenset.intersection(*names))
    return [instance for name in asked for instance in call.books.listed_instances(now, name)]


def _asked(call: Call, one: str, many: str) -> list[frozenset[str]]:
    """The sets that a value must be in: one for the plain parameter, one for the list parameter."""
    sets = [frozenset({call.query[one]})] if one in call.query else []
    return [*sets, frozenset(texts(call, many))] if many in call.query else sets


def _status(instance: BookedInstance, now: float) -> str:
    return "Running" if now < instance.expires_at else "Expired"


def _name(instance: BookedInstance) -> str:
    return instance.name or instance.node_name


def _instance_row(call: Call, instance: BookedInstance) -> dict[str, object]:
    kind = call.books.type(instance.instance_type)
    cores, memory = (kind.cores, kind.memory) if kind else (2, 4)
    return {
        "InstanceId": instance.id,
        "InstanceName": _name(instance),
        "HostName": instance.node_name,
        "EnsRegionId": instance.region,
        "Status": _status(instance, call.now()),
        "SpecName": instance.instance_type,
        "InstanceResourceType": "EnsInstance",
        "ImageId": instance.image,
        "Cpu": str(cores),
        "Memory": memory * 1024,
        "Disk": (instance.system_disk + instance.data_disk) * 1024,
        "CreationTime": ens_time(call.shown(instance.bought_at)),
        "ExpiredTime": ens_time(call.shown(instance.expires_at)),
        "Tags": {"Tags": [{"TagKey": key, "TagValue": value} for key, value in instance.tags]},
        UNANNOUNCED: "row",
    }
