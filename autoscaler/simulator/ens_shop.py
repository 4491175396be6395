"""ENS: stock, price and RunInstances. Verified calls come in, answers in the vendor's words go out.

Sources: DescribePrePaidInstanceStock, DescribePrice and RunInstances of the SDK's models.
"""

from aiohttp import web

from autoscaler.simulator.answers import json_answer
from autoscaler.simulator.ens_query import disk, flat_tags, require, whole
from autoscaler.simulator.gateway import Call
from autoscaler.simulator.listing import refuse_unknown
from autoscaler.simulator.records import Refusal, ScaleOutBody
from autoscaler.simulator.region_scenario import InstanceType

_STOCK = ("EnsRegionId", "InstanceSpec", "SystemDiskSize", "DataDiskSize")
_PRICE = ("EnsRegionId", "InstanceType", "InternetChargeType", "Period", "Quantity")
_RUN = ("InstanceType", "InstanceChargeType", "ScheduleAreaLevel", "Amount", "EnsRegionId", "Period", "ImageId")
_DISKS = {"SystemDisk", "SystemDisk.Size", "DataDisk", "DataDisk.1.Size", "DataDisks"}
_RUN_MORE = {
    *("InstanceName", "InternetChargeType", "InternetMaxBandwidthOut", "Password", "KeyPairName", "PasswordInherit"),
    *("PeriodUnit", "AutoRenew", "UniqueSuffix"),
}
_CHARGES = ("BandwidthByDay", "95BandwidthByMonth", "PayByBandwidth4thMonth", "PayByBandwidth")
_PERIODS = (*range(1, 10), 12)
_MOST_AT_ONCE = 100


def stock(call: Call) -> web.Response:
    """DescribePrePaidInstanceStock: what a region can still sell of one type."""
    require(call, _STOCK)
    refuse_unknown(call.query, frozenset(_STOCK), "ens")
    region, kind = _on_sale(call, "InstanceSpec")
    left = call.books.stock(region, kind.type, call.now())
    return json_answer(
        {
            "RequestId": call.request_id,
            "EnsRegionId": region,
            "InstanceSpec": kind.type,
            "SystemDiskSize": whole(call, "SystemDiskSize"),
            "DataDiskSize": whole(call, "DataDiskSize"),
            "AvaliableCount": left,
            "ResourceGap": "" if left else "the specification is sold out",
            "Cores": kind.cores,
            "Memory": kind.memory,
        }
    )


def price(call: Call) -> web.Response:
    """DescribePrice: what machines cost for a number of months; `TradePrice` is what is to be paid."""
    require(call, _PRICE)
    refuse_unknown(call.query, frozenset({*_PRICE, *_DISKS, "PeriodUnit"}), "ens")
    _, kind = _on_sale(call, "InstanceType")
    _charge(call)
    disk(call, "SystemDisk", 40)
    if call.query.get("PeriodUnit", "Month") != "Month":
        raise Refusal("InvalidParameter.PeriodUnit", "Only months are simulated.", style="ens")
    months, nodes = whole(call, "Period", 1), whole(call, "Quantity", 1)
    full, paid = call.books.list_price(kind.type, nodes, months), call.books.price(kind.type, nodes, months)
    amounts = {"OriginalPrice": full / 100, "DiscountPrice": (full - paid) / 100, "TradePrice": paid / 100}
    return json_answer({"RequestId": call.request_id, "PriceInfo": {"Price": {**amounts, "Currency": "CNY"}}})


def run_instances(call: Call) -> web.Response:
    """RunInstances: 1 to 100 machines in one region, which are no nodes of any cluster. There is no client token."""
    require(call, _RUN)
    known = {name for name in call.query if name.startswith("Tag.")} | {*_RUN, *_DISKS, *_RUN_MORE}
    refuse_unknown(call.query, frozenset(known), "ens")
    region, kind = _on_sale(call, "InstanceType")
    _one_of(call, "InstanceChargeType", ("PrePaid",))
    _one_of(call, "ScheduleAreaLevel", ("Region",))
    if "InternetChargeType" in call.query:
        _charge(call)
    period = whole(call, "Period", 1)
    if period not in _PERIODS:
        raise Refusal("InvalidParameter.Period", "Period must be 1 to 9, or 12.", style="ens")
    body = ScaleOutBody(
        cluster="",
        region=region,
        instance_type=kind.type,
        nodes=whole(call, "Amount", 1, _MOST_AT_ONCE),
        image=call.query["ImageId"],
        system_disk=disk(call, "SystemDisk", 20),
        data_disk=disk(call, "DataDisk", 0),
        period=period,
        tags=flat_tags(call, "Tag"),
        name=call.query.get("InstanceName", ""),
    )
    task = call.books.buy(body, call.request_id, call.now(), "RunInstances")
    return json_answer({"RequestId": call.request_id, "OrderId": task.id[2:], "InstanceIds": list(task.instances)})


def _on_sale(call: Call, key: str) -> tuple[str, InstanceType]:
    region, kind = call.query["EnsRegionId"], call.books.type(call.query[key])
    if call.books.region(region) is None:
        raise Refusal("InvalidParameter.EnsRegionId", "There is no such ENS region.", style="ens")
    if kind is None:
        raise Refusal(f"InvalidParameter.{key}", "There is no such instance specification.", style="ens")
    return region, kind


def _charge(call: Call) -> None:
    _one_of(call, "InternetChargeType", _CHARGES)


def _one_of(call: Call, key: str, allowed: tuple[str, ...]) -> None:
    if call.query[key] not in allowed:
        raise Refusal(f"InvalidParameter.{key}", f"{key} must be one of {', '.join(allowed)}.", style="ens")
