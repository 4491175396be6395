"""The client speaks the API as documented, to a server that answers as documented."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from autoscaler.cloud.client import AlibabaCloud
from autoscaler.cloud.signing import canonical_query
from autoscaler.model.errors import CloudError, NotFound, OutcomeUnknown, Rejected
from autoscaler.model.names import ClusterId, RegionId, TaskId
from autoscaler.model.operation import Delta
from autoscaler.ports import Cloud
from tests.unit.cloud.servers import OPERATION, PASSWORD, TOKEN, client_of
from tests.unit.cloud.test_answers import JSON, XML
from tests.unit.cloud.test_errors import HTML

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
C1 = ClusterId("c1")


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[AlibabaCloud]:
    """A client of a server with one handler for everything."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server, client_of(str(server.make_url("")).rstrip("/")) as cloud:
        yield cloud


def always(status: int, body: str | bytes) -> Handler:
    async def reply(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    return reply


def keeps_to_the_port(cloud: Cloud) -> Cloud:
    return cloud


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize("body", [JSON, XML])
async def test_an_accepted_purchase_gives_a_receipt(status: int, body: str) -> None:
    async with served(always(status, body)) as cloud:
        receipt = await keeps_to_the_port(cloud).purchase(OPERATION, Delta(2))
    assert receipt.task == "T-5a54309c80282e39ea00002f"
    assert receipt.request_id == "687C5BAA-D103-4993-884B-C35E4314A1E1"


@pytest.mark.parametrize(("status", "body"), [(200, b"{}"), (200, HTML), (202, b""), (204, b""), (200, b"\xff")])
async def test_an_accepted_purchase_that_can_not_be_read_is_in_doubt(status: int, body: bytes) -> None:
    async with served(always(status, body)) as cloud:
        with pytest.raises(OutcomeUnknown) as caught:
            await cloud.purchase(OPERATION, Delta(1))
    assert (caught.value.code, caught.value.status) == ("AnswerUnreadable", status)


async def test_what_is_sent_is_what_was_signed() -> None:
    seen: list[tuple[web.Request, bytes]] = []

    async def record(request: web.Request) -> web.Response:
        seen.append((request, await request.read()))
        return web.Response(text=JSON)

    async with served(record) as cloud:
        await cloud.purchase(OPERATION, Delta(2))
    [(request, body)] = seen
    assert request.rel_url.raw_path == "/api/v2/clusters/Cccfd68c474454665ace07efce924%2A%2A%2A%2A"
    assert json.loads(body)["count"] == 2
    assert json.loads(body)["login_password"] == PASSWORD
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    assert request.headers["x-acs-date"] == "2026-01-02T03:04:05Z"
    assert request.headers["x-acs-security-token"] == TOKEN
    signed = request.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert [name for name in signed if name not in request.headers] == []


async def test_a_read_carries_the_query_exactly_as_it_was_signed_and_no_content_type() -> None:
    seen: list[web.Request] = []

    async def record(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"Instances": {"Instance": []}, "TotalCount": 0})

    async with served(record) as cloud:
        await cloud.instances([RegionId("cn-a"), RegionId("cn-b")])
    [request] = seen
    assert request.method == "POST"
    assert request.rel_url.raw_query_string == canonical_query(request.query.items())
    assert "Content-Type" not in request.headers
    assert request.query["EnsRegionIds"] == '["cn-a","cn-b"]'


async def test_every_call_has_a_nonce_of_its_own() -> None:
    nonces: list[str] = []

    async def record(request: web.Request) -> web.Response:
        nonces.append(request.headers["x-acs-signature-nonce"])
        return web.json_response({"state": "running"})

    async with served(record) as cloud:
        for _ in range(3):
            await cloud.task(TaskId("T-1"))
    assert len(set(nonces)) == 3


async def test_all_pages_of_nodes_are_read_and_no_node_twice() -> None:
    async def pages(request: web.Request) -> web.Response:
        start = (int(request.query["pageNumber"]) - 1) * 100
        rows = [
            {"instance_id": f"i-{n}", "state": "running", "node_status": "Ready"} for n in range(start, start + 100)
        ]
        rows = [*rows[:100], *([{"instance_id": "i-0", "state": "running"}] if start else [])]
        return web.json_response({"nodes": rows, "page": {"total_count": 201}})

    async with served(pages) as cloud:
        nodes = await cloud.nodes(C1)
    assert len(nodes) == 200
    assert len({node.instance for node in nodes}) == 200


async def test_tasks_are_read_over_all_pages_by_token() -> None:
    async def pages(request: web.Request) -> web.Response:
        row = {"task_id": f"T-{request.query.get('next_token', 'first')}", "created": "2020-11-10T16:02:04+08:00"}
        following = {"first": "b", "T-b": ""}
        return web.json_response(
            {"tasks": [row], "next_token": "b" if row["task_id"] == "T-first" else following["T-b"]}
        )

    async with served(pages) as cloud:
        tasks = await cloud.tasks(C1, 0.0)
    assert [task.task for task in tasks] == ["T-first", "T-b"]


async def test_a_list_that_ends_early_is_an_error_and_not_a_small_cluster() -> None:
    async with served(always(200, b'{"nodes": [], "page": {"total_count": 5}}')) as cloud:
        with pytest.raises(OutcomeUnknown, match="ListIncomplete"):
            await cloud.nodes(C1)


async def test_many_regions_are_asked_for_in_groups_of_a_hundred() -> None:
    groups: list[list[str]] = []

    async def some(request: web.Request) -> web.Response:
        regions = json.loads(request.query["EnsRegionIds"])
        groups.append(regions)
        rows = [{"InstanceId": f"i-{region}", "EnsRegionId": region, "Status": "Running"} for region in regions]
        rows.append({"InstanceId": "i-elsewhere", "EnsRegionId": "cn-elsewhere", "Status": "Running"})
        page = int(request.query["PageNumber"])
        return web.json_response(
            {"Code": 0, "TotalCount": len(rows), "Instances": {"Instance": rows[(page - 1) * 100 :][:100]}}
        )

    wanted = [RegionId(f"cn-{number}") for number in range(250)]
    async with served(some) as cloud:
        instances = await cloud.instances([*wanted, *wanted])
        assert await cloud.instances([]) == []
    assert {len(group) for group in groups} == {100, 50}
    assert {row.region for row in instances} == set(wanted)
    assert len(instances) == 250


async def test_a_failing_group_of_regions_fails_the_whole_reading_by_its_own_name() -> None:
    async def half(request: web.Request) -> web.Response:
        if "cn-0" in json.loads(request.query["EnsRegionIds"]):
            return web.json_response({"Code": "NoSuchThing"}, status=400)
        return web.json_response({"TotalCount": 0})

    async with served(half) as cloud:
        with pytest.raises(Rejected, match="NoSuchThing"):
            await cloud.instances([RegionId(f"cn-{number}") for number in range(150)])


@pytest.mark.parametrize("code", [1, 400, "7"])
async def test_an_ens_code_that_is_not_zero_is_an_error_despite_http_200(code: object) -> None:
    body = json.dumps({"Code": code, "Message": "inner", "Instances": {"Instance": []}, "TotalCount": 0})
    async with served(always(200, body)) as cloud:
        with pytest.raises(CloudError, match="inner"):
            await cloud.instances([RegionId("cn-a")])


async def test_a_task_that_is_not_there_is_not_found() -> None:
    async with served(always(404, b'{"code":"ErrorTaskNotFound","message":"m","requestId":"r"}')) as cloud:
        with pytest.raises(NotFound):
            await cloud.task(TaskId("T-1"))


async def test_a_gateway_page_on_a_task_is_not_taken_for_its_absence() -> None:
    async with served(always(404, HTML)) as cloud:
        with pytest.raises(CloudError) as caught:
            await cloud.task(TaskId("T-1"))
    assert not isinstance(caught.value, NotFound)


async def test_a_template_without_a_password_sends_nothing() -> None:
    asked: list[web.Request] = []

    async def record(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(text=JSON)

    async with served(record) as cloud:
        with pytest.raises(Rejected, match="template other"):
            await cloud.purchase(replace(OPERATION, template="other"), Delta(1))
    assert asked == []
