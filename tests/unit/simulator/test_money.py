"""Types, prices, stock per region and type, the account's balance: what a purchase costs and when it is refused."""

from decimal import Decimal

import pytest

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.records import Refusal
from tests.unit.simulator.builders import FAR, NEAR, START, Caller, purchase, region, scenario

SMALL = {"type": "ens.sn1.small", "price": "180.50", "cores": 4, "memory": 8}
GIVEN = scenario(
    region(stock=5, types=[{"type": "ens.sn1.small", "stock": 2, "restock": [[60, 3]]}]),
    region(FAR, stock=1),
    types=[SMALL],
    price=120,
)


def books_of(**fields: object) -> CloudBooks:
    return CloudBooks(GIVEN.model_copy(update=fields), START)


def test_stock_is_finite_per_region_and_type() -> None:
    books = books_of()
    small = "ens.sn1.small"
    assert [books.stock(name, small, START) for name in (NEAR, FAR)] == [2, 0]
    books.buy(purchase(2, instance_type=small), "r", START)
    with pytest.raises(Refusal, match="StockNotEnough"):
        books.buy(purchase(1, instance_type=small), "r", START)
    with pytest.raises(Refusal, match="StockNotEnough"):
        books.buy(purchase(1, FAR, small), "r", START)
    assert (books.stock(NEAR, "ens.sn1.tiny", START), books.stock(NEAR, small, START + 60)) == (5, 3)


def test_a_sale_is_billed_for_all_its_machines_and_months() -> None:
    books = books_of()
    books.buy(purchase(2, instance_type="ens.sn1.small", period=3), "r", START)
    books.buy(purchase(1), "r", START)
    assert [sale.amount for sale in books.purchases] == [2 * 3 * 18050, 12000]
    assert books.spent == 2 * 3 * 18050 + 12000


def test_a_discount_is_taken_off_and_the_rest_rounded_up() -> None:
    books = books_of(discount=0.333)
    assert books.list_price("ens.sn1.small", 1, 1) == 18050
    assert books.price("ens.sn1.small", 1, 1) == 12040  # 18050 * 0.667 = 12039.35


def test_a_purchase_beyond_the_balance_is_refused_and_sells_nothing() -> None:
    books = books_of(balance=Decimal(360))
    books.buy(purchase(2), "r", START)
    with pytest.raises(Refusal, match="InsufficientBalance"):
        books.buy(purchase(2), "r", START)
    books.buy(purchase(1), "r", START)
    assert books.sold_total == 3


def test_machines_of_a_wrong_count_are_billed_as_made() -> None:
    books = CloudBooks(scenario(scripts=[{"made": 1}]), START)
    books.buy(purchase(2), "r", START)
    assert [(sale.nodes, sale.amount) for sale in books.purchases] == [(1, 10000)]


async def test_price_and_stock_can_be_asked_for_by_type() -> None:
    question = {"InternetChargeType": "BandwidthByDay", "Period": "2", "PeriodUnit": "Month", "Quantity": "3"}
    async with Caller(GIVEN.model_copy(update={"discount": 0.1})) as caller:
        told = await caller.ens(
            "DescribePrice",
            EnsRegionId=NEAR,
            InstanceType="ens.sn1.small",
            **{"SystemDisk.Size": "40", "DataDisk.1.Size": "20"},
            **question,
        )
        unknown = await caller.ens("DescribePrice", EnsRegionId=NEAR, InstanceType="ens.none", **question)
        missing = await caller.ens("DescribePrice", EnsRegionId=NEAR)
        days = await caller.ens(
            "DescribePrice", EnsRegionId=NEAR, InstanceType="ens.sn1.small", **{**question, "PeriodUnit": "Day"}
        )
        spec = {"InstanceSpec": "ens.sn1.small", "SystemDiskSize": "40", "DataDiskSize": "0"}
        stock = [
            (await caller.ens("DescribePrePaidInstanceStock", EnsRegionId=name, **spec)).json for name in (NEAR, FAR)
        ]
    price = told.json["PriceInfo"]["Price"]
    assert (price["OriginalPrice"], price["DiscountPrice"], price["TradePrice"]) == (1083.0, 108.3, 974.7)
    assert price["Currency"] == "CNY"
    assert (unknown.json["Code"], missing.json["Code"]) == ("InvalidParameter.InstanceType", "MissingParameter")
    assert days.json["Code"] == "InvalidParameter.PeriodUnit"
    assert [(row["AvaliableCount"], row["Cores"], row["Memory"]) for row in stock] == [(2, 4, 8), (0, 4, 8)]


async def test_instances_bought_from_ens_carry_their_tags_and_are_no_nodes() -> None:
    order = {
        "InstanceType": "ens.sn1.tiny",
        "InstanceChargeType": "PrePaid",
        "ScheduleAreaLevel": "Region",
        "EnsRegionId": NEAR,
        "Period": "1",
        "ImageId": "m-1",
        "SystemDisk": '{"Size":40}',
        "Tag.1.Key": "order",
        "Tag.1.Value": "o-7",
    }
    async with Caller(scenario(region(initial_nodes=0, stock=200), task_seconds=0, join_seconds=0)) as caller:
        bought = await caller.ens("RunInstances", Amount="2", InstanceName="edge", **order)
        refused = [await caller.ens("RunInstances", Amount=amount, **order) for amount in ("0", "101", "x")]
        await caller.clock.advance(100)
        mine = (await caller.ens("DescribeInstances", Tags='[{"Key":"order","Value":"o-7"}]')).json
        others = (await caller.ens("DescribeInstances", Tags='[{"Key":"order","Value":"o-8"}]')).json
        named = (await caller.ens("DescribeInstances", InstanceName="edge")).json
        nodes, tasks = (await caller.nodes()).json, (await caller.tasks()).json
        (sale,) = (await caller.books())["purchases"]
    ids = bought.json["InstanceIds"]
    assert [row["InstanceId"] for row in mine["Instances"]["Instance"]] == ids
    assert mine["Instances"]["Instance"][0]["Tags"]["Tags"] == [{"TagKey": "order", "TagValue": "o-7"}]
    assert (others["TotalCount"], named["TotalCount"]) == (0, 2)
    assert (nodes["nodes"], len(tasks["tasks"])) == ([], 1)
    assert {answer.json["Code"] for answer in refused} == {"InvalidParameter.Amount"}
    assert (sale["action"], sale["nodes"], sale["amount"], sale["task_id"]) == ("RunInstances", 2, 20000, "")
    assert bought.json["OrderId"]


async def test_an_ens_refusal_is_written_as_ens_writes_it() -> None:
    order = {"InstanceType": "ens.sn1.tiny", "InstanceChargeType": "PrePaid", "ScheduleAreaLevel": "Region"}
    async with Caller(scenario(region(stock=0))) as caller:
        answer = await caller.ens("RunInstances", EnsRegionId=NEAR, Period="1", ImageId="m", Amount="1", **order)
    assert (answer.json["Code"], "code" in answer.json) == ("StockNotEnough", False)
