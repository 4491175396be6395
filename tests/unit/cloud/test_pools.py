"""Node pools, stock and price through the client: what is sent, understood, and refused before it leaves."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from autoscaler.model.capacity import Pool
from autoscaler.model.errors import CloudError, NotFound, OutcomeUnknown, OutOfStock, Rejected
from autoscaler.model.operation import Count, Delta, Operation, PoolOperation, Quantity, Total
from autoscaler.model.order import Receipt
from autoscaler.ports import Cloud
from tests.unit.cloud.servers import CS_MODIFY, CS_SCALE, ENS_SCALE, OPERATION, POOL, PURCHASES
from tests.unit.cloud.test_client import always, served
from tests.unit.cloud.test_errors import HTML

POOL_PURCHASES = PURCHASES[1:]
PATH = "/clusters/Cccfd68c474454665ace07efce924%2A%2A%2A%2A/nodepools/np31da1b38983f4511b490fc62108a%2A%2A%2A%2A"


class Recorder:
    """Answers everything with one document and keeps what was asked."""

    def __init__(self, answer: object, status: int = 200) -> None:
        self.seen: list[tuple[web.Request, bytes]] = []
        self._answer = answer
        self._status = status

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append((request, await request.read()))
        return web.json_response(self._answer, status=self._status)


@pytest.mark.parametrize(
    ("operation", "quantity", "method", "body"),
    [
        (CS_SCALE, Delta(3), "POST", {"count": 3}),
        (CS_MODIFY, Total(8), "PUT", {"scaling_group": {"desired_size": 8}}),
    ],
)
async def test_a_cs_pool_purchase_sends_its_count_and_nothing_else(
    operation: Operation, quantity: Quantity, method: str, body: object
) -> None:
    record = Recorder({"task_id": "T-1"})
    async with served(record.handle) as cloud:
        assert await cloud.purchase(operation, quantity) == Receipt("T-1", "")  # type: ignore[arg-type]
    [(request, sent)] = record.seen
    assert (request.method, request.rel_url.raw_path) == (method, PATH)
    assert json.loads(sent) == body
    assert request.headers["x-acs-action"] == operation.name


async def test_an_ens_pool_purchase_says_everything_in_the_query_and_has_no_task() -> None:
    record = Recorder({"RequestId": "R-1", "Code": 0})
    async with served(record.handle) as cloud:
        assert await cloud.purchase(ENS_SCALE, Total(8)) == Receipt(None, "R-1")
    [(request, sent)] = record.seen
    assert (request.method, request.rel_url.raw_path, sent) == ("POST", "/", b"")
    assert dict(request.query) == {"Body": '{"Count":8}', "ClusterId": ENS_SCALE.cluster, "NodepoolId": POOL}
    assert request.headers["x-acs-action"] == "ScaleClusterNodePool"
    assert request.headers["x-acs-version"] == "2017-11-10"


async def test_the_request_id_is_kept_where_an_answer_has_one() -> None:
    async with served(always(200, '{"nodepool_id":"np-1","request_id":"R-2","task_id":"T-2"}')) as cloud:
        assert (await cloud.purchase(CS_MODIFY, Total(8))).request_id == "R-2"


@pytest.mark.parametrize(("operation", "quantity"), PURCHASES)
async def test_a_count_of_the_other_kind_is_never_sent(operation: Operation, quantity: Quantity) -> None:
    record = Recorder({"task_id": "T-1", "RequestId": "R-1"})
    other = Total(quantity.nodes) if operation.count is Count.DELTA else Delta(quantity.nodes)
    bare: Any = quantity.nodes
    async with served(record.handle) as cloud:
        for wrong in (other, bare):
            with pytest.raises(TypeError):
                await cloud.purchase(operation, wrong)
    assert record.seen == []


@pytest.mark.parametrize(
    ("operation", "quantity"),
    [
        (OPERATION, Delta(0)),
        (CS_SCALE, Delta(0)),
        (CS_SCALE, Delta(501)),
        (CS_MODIFY, Total(0)),
        (ENS_SCALE, Total(-1)),
    ],
)
async def test_a_count_that_the_api_forbids_is_rejected_unsent(operation: Operation, quantity: Quantity) -> None:
    record = Recorder({"task_id": "T-1", "RequestId": "R-1"})
    async with served(record.handle) as cloud:
        with pytest.raises(Rejected, match="CountForbidden"):
            await cloud.purchase(operation, quantity)
    assert record.seen == []


@pytest.mark.parametrize(("operation", "quantity"), POOL_PURCHASES)
async def test_a_pool_purchase_needs_no_login_password(operation: PoolOperation, quantity: Quantity) -> None:
    async with served(Recorder({"task_id": "T-1", "RequestId": "R-1"}).handle) as cloud:
        receipt = await cloud.purchase(replace(operation, template="without a password"), quantity)
    assert receipt.request_id in ("", "R-1")


@pytest.mark.parametrize(("operation", "quantity"), PURCHASES)
@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"{}"), (200, HTML), (202, b""), (200, b"[]"), (500, HTML), (502, b""), (400, HTML), (302, b"")],
)
async def test_an_answer_that_proves_nothing_leaves_every_purchase_in_doubt(
    operation: Operation, quantity: Quantity, status: int, body: bytes
) -> None:
    async with served(always(status, body)) as cloud:
        with pytest.raises(OutcomeUnknown):
            await cloud.purchase(operation, quantity)


@pytest.mark.parametrize("code", [7, "7", "StockNotEnough", "Throttling.User"])
async def test_an_ens_purchase_that_failed_inside_a_success_is_in_doubt(code: object) -> None:
    async with served(Recorder({"RequestId": "R-1", "Code": code, "Message": "inner"}).handle) as cloud:
        with pytest.raises(OutcomeUnknown, match="inner"):
            await cloud.purchase(ENS_SCALE, Total(8))


@pytest.mark.parametrize(("operation", "quantity"), PURCHASES)
async def test_a_refusal_is_the_same_whatever_the_count_means(operation: Operation, quantity: Quantity) -> None:
    async with served(Recorder({"Code": "StockNotEnough", "Message": "none"}, status=400).handle) as cloud:
        with pytest.raises(OutOfStock):
            await cloud.purchase(operation, quantity)


@pytest.mark.parametrize("operation", [CS_SCALE, CS_MODIFY])
async def test_the_size_of_a_cs_pool_is_read_from_its_own_page(operation: PoolOperation) -> None:
    record = Recorder({"scaling_group": {"desired_size": 5}, "status": {"total_nodes": 4, "failed_nodes": 1}})
    async with served(record.handle) as cloud:
        port: Cloud = cloud
        assert await port.pool(operation) == Pool(POOL, desired=5, total=4, failed=1)
    [(request, _)] = record.seen
    assert (request.method, request.rel_url.raw_path) == ("GET", PATH)


def ens_pages(names: list[str], size: int) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def page(request: web.Request) -> web.Response:
        assert request.headers["x-acs-action"] == "DescribeClusterNodePools"
        start = (int(request.query["PageNumber"]) - 1) * size
        counts = {"DesiredNodes": 5, "TotalNodes": 4, "FailedNodes": 1}
        rows = [{"NodepoolInfo": {"NodepoolId": name}, "Status": counts} for name in names[start : start + size]]
        return web.json_response({"NodePools": rows, "Page": {"TotalCount": len(names)}, "Code": 0})

    return page


async def test_an_ens_pool_is_found_on_whatever_page_it_is() -> None:
    names = [f"np-{number}" for number in range(5)]
    async with served(ens_pages([*names, POOL], 2)) as cloud:
        assert await cloud.pool(ENS_SCALE) == Pool(POOL, desired=5, total=4, failed=1)


async def test_an_ens_pool_that_no_page_lists_is_not_found() -> None:
    async with served(ens_pages(["np-1", "np-2", "np-3"], 2)) as cloud:
        with pytest.raises(NotFound, match=r"no node pool np31da"):
            await cloud.pool(ENS_SCALE)


async def test_a_cs_pool_that_is_not_there_is_not_found() -> None:
    answer = {"code": "ErrorNodePoolNotFound", "message": "m", "requestId": "r"}
    async with served(Recorder(answer, status=404).handle) as cloud:
        with pytest.raises(NotFound):
            await cloud.pool(CS_MODIFY)


@pytest.mark.parametrize("operation", [CS_MODIFY, ENS_SCALE])
@pytest.mark.parametrize("body", [b"{}", HTML, b'{"NodePools":[],"Page":{"TotalCount":3},"status":{}}'])
async def test_a_pool_that_can_not_be_read_is_neither_empty_nor_gone(operation: PoolOperation, body: bytes) -> None:
    async with served(always(200, body)) as cloud:
        with pytest.raises(OutcomeUnknown):
            await cloud.pool(operation)


@pytest.mark.parametrize("operation", [OPERATION, CS_MODIFY])
async def test_the_stock_of_an_operations_nodes_is_asked_for(operation: Operation) -> None:
    record = Recorder({"AvaliableCount": "12", "ResourceGap": ""})
    async with served(record.handle) as cloud:
        assert await cloud.stock(operation) == 12
    [(request, _)] = record.seen
    assert dict(request.query) == {
        "EnsRegionId": "cn-beijing-telecom",
        "InstanceSpec": "ens.sn1.tiny",
        "SystemDiskSize": "20",
        "DataDiskSize": str(operation.worker_data_disk_size),
    }


async def test_the_price_of_an_order_is_asked_for_its_whole_period() -> None:
    record = Recorder({"PriceInfo": {"Price": {"TradePrice": 1234.561, "Currency": "CNY"}}})
    async with served(record.handle) as cloud:
        assert await cloud.price(CS_MODIFY, 4) == 123457
        await cloud.price(OPERATION, 1)
    with_disk, without_disk = (dict(request.query) for request, _ in record.seen)
    assert with_disk == {
        "EnsRegionId": "cn-beijing-telecom",
        "InstanceType": "ens.sn1.tiny",
        "InternetChargeType": "BandwidthByDay",
        "Period": "3",
        "PeriodUnit": "Month",
        "Quantity": "4",
        "SystemDisk.Size": "20",
        "DataDisk.1.Size": "40",
    }
    assert "DataDisk.1.Size" not in without_disk


async def test_the_price_of_nothing_is_not_asked_for() -> None:
    record = Recorder({})
    async with served(record.handle) as cloud:
        with pytest.raises(Rejected):
            await cloud.price(OPERATION, 0)
    assert record.seen == []


async def test_a_stock_or_a_price_that_can_not_be_read_is_an_unknown_outcome() -> None:
    async with served(Recorder({}).handle) as cloud:
        for read in (cloud.stock(OPERATION), cloud.price(OPERATION, 1)):
            with pytest.raises(CloudError) as caught:
                await read
            assert type(caught.value) is OutcomeUnknown
