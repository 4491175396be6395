"""Every fault over HTTP: what the caller sees, and what really happened."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from autoscaler.simulator.broken import CutAnswer, DripAnswer, NoAnswer, cut, drip
from autoscaler.simulator.clock import VirtualClock
from autoscaler.simulator.faults import KINDS, FaultKind
from tests.unit.simulator.builders import CLUSTER, Answer, Caller, pools, region, scenario


def caller_with(kind: FaultKind, action: str | None = None, **fields: Any) -> Caller:
    caller = Caller(scenario(region(initial_nodes=0, stock=50), pools=pools()))
    caller.simulator.faults.next_call(action, kind, **fields)
    return caller


async def test_a_lost_request_was_never_executed() -> None:
    async with caller_with("lose_request") as caller:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await caller.buy()
        assert caller.simulator.books.sold_total == 0


@pytest.mark.parametrize("kind", ["lose_answer", "lose_request", "truncate"])
async def test_a_read_can_be_lost_as_well(kind: FaultKind) -> None:
    # A POST, since aiohttp sends a GET whose connection breaks once more by itself.
    async with caller_with(kind, "DescribeInstances") as caller:
        with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError)):
            await caller.ens("DescribeInstances")
        assert (await caller.ens("DescribeInstances")).status == 200
        assert (await caller.buy()).status == 200


async def test_a_truncated_answer_was_executed() -> None:
    async with caller_with("truncate") as caller:
        with pytest.raises(aiohttp.ClientPayloadError):
            await caller.buy(count=2)
        assert caller.simulator.books.sold_total == 2


@pytest.mark.parametrize(
    ("status", "code"), [(None, "InternalError"), (502, "InternalError"), (503, "ServiceUnavailable")]
)
@pytest.mark.parametrize("executed", [True, False])
async def test_a_json_error_of_the_server_does_not_tell_whether_it_sold(
    status: int | None, code: str, executed: bool
) -> None:
    async with caller_with("error_500_json", status=status, executed=executed) as caller:
        answer = await caller.buy(count=2)
        books = await caller.books()
    assert (answer.status, answer.json["code"]) == (status or 500, code)
    assert books["sold_total"] == (2 if executed else 0)
    assert (books["refused"], books["refused_unheard"]) == ({}, {})


@pytest.mark.parametrize("kind", ["error_500_html", "error_500_json", "call_interface"])
async def test_a_server_error_over_an_executed_refusal_counts_no_refusal_that_was_told(kind: FaultKind) -> None:
    caller = Caller(scenario(region(stock=0)))
    caller.simulator.faults.next_purchase(kind, executed=True)
    async with caller:
        await caller.buy()
        books = await caller.books()
    assert (books["refused"], books["refused_unheard"]) == ({}, {"StockNotEnough": 1})
    assert (books["faults"], books["sold_total"]) == ({kind: 1}, 0)


@pytest.mark.parametrize("code", ["CallInterface", "ens.interface.error"])
@pytest.mark.parametrize("executed", [True, False])
async def test_a_400_of_ens_can_be_a_servers_fault(code: str, executed: bool) -> None:
    async with caller_with("call_interface", code=code, executed=executed) as caller:
        query = {"ClusterId": CLUSTER, "NodepoolId": "np-ens", "Body": '{"Count":3}'}
        answer = await caller.ens("ScaleClusterNodePool", **query)
        assert (answer.status, answer.json["Code"]) == (400, code)
        assert caller.simulator.books.sold_total == (2 if executed else 0)


async def test_a_dripping_answer_comes_piece_by_piece_and_whole() -> None:
    async with caller_with("drip", seconds=60) as caller:
        call = asyncio.create_task(caller.buy(count=2))
        await caller.clock.until_asleep()
        assert caller.simulator.books.sold_total == 2
        for _ in range(30):
            assert not call.done()
            await caller.clock.advance(1)
            await asyncio.sleep(0.001)
        while not call.done():
            await caller.clock.advance(3)
            await asyncio.sleep(0.001)
        assert (await call).json["task_id"] == caller.simulator.books.purchases[0].task_id


async def test_a_request_delivered_twice_is_executed_once_and_the_caller_gets_the_second_answer() -> None:
    async with caller_with("duplicate") as caller:
        answer = await caller.buy(count=2)
        assert (answer.status, answer.json["Code"]) == (400, "SignatureNonceUsed")
        assert caller.simulator.books.sold_total == 2
        assert (await caller.buy(count=1)).status == 200


async def test_a_page_of_somebody_else_can_stand_in_the_place_of_the_answer() -> None:
    async with caller_with("garbage") as caller:
        answer = await caller.buy(count=2)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert caller.simulator.books.sold_total == 2


async def test_one_answer_can_be_202_or_xml() -> None:
    async with caller_with("accepted_202") as caller:
        caller.simulator.faults.next_purchase("xml")
        accepted, written = await caller.buy(), await caller.buy()
    assert (accepted.status, bool(accepted.json["task_id"])) == (202, True)
    assert written.headers["Content-Type"] == "text/xml;charset=utf-8"
    assert "<task_id>T-" in written.text
    assert "<cluster_id>" in written.text


async def test_a_call_can_be_refused_with_any_code_in_the_words_of_its_product() -> None:
    async with caller_with("refuse", code="InsufficientBalance", status=403) as caller:
        caller.simulator.faults.next_call("DescribeInstances", "refuse", code="NoPermission")
        sale, read = await caller.buy(), await caller.ens("DescribeInstances")
        books = await caller.books()
    assert (sale.status, sale.json["code"]) == (403, "InsufficientBalance")
    assert (read.status, read.json["Code"]) == (400, "NoPermission")
    assert books["refused"] == {"InsufficientBalance": 1, "NoPermission": 1}


@pytest.mark.parametrize("kind", ["throttle", "error_500_json", "error_500_html"])
async def test_any_call_can_meet_a_fault_and_only_the_one_asked_for_does(kind: FaultKind) -> None:
    async with caller_with(kind, "DescribeTaskInfo") as caller:
        assert (await caller.buy()).status == 200
        assert (await caller.tasks()).status == 200
        assert (await caller.task("T-1")).status in (400, 500)
        caller.simulator.faults.next_call("*", kind)
        assert (await caller.ens("DescribeEnsRegions")).status in (400, 500)
        assert len(caller.simulator.faults) == 0


async def test_operations_of_one_name_are_told_apart() -> None:
    async with caller_with("throttle", "EnsScaleClusterNodePool") as caller:
        assert (await caller.add_to_pool(1)).status == 200
        query = {"ClusterId": CLUSTER, "NodepoolId": "np-ens", "Body": '{"Count":3}'}
        assert (await caller.ens("ScaleClusterNodePool", **query)).json["Code"] == "Throttling.User"


@pytest.mark.parametrize("sale", ["ScaleOutCluster", "ScaleClusterNodePool", "ModifyClusterNodePool"])
async def test_a_fault_of_purchases_is_met_by_every_operation_that_sells(sale: str) -> None:
    async with caller_with("throttle") as caller:
        calls: dict[str, Callable[[], Awaitable[Answer]]] = {
            "ScaleOutCluster": caller.buy,
            "ScaleClusterNodePool": lambda: caller.add_to_pool(1),
            "ModifyClusterNodePool": lambda: caller.size_pool(2),
        }
        await caller.pool()
        assert (await calls[sale]()).status == 400


async def test_every_kind_of_fault_that_was_met_is_counted() -> None:
    caller = Caller(scenario(region(stock=50)))
    for kind in KINDS:
        caller.simulator.faults.next_purchase(kind)
    async with caller:
        for _ in KINDS:
            try:
                await caller.buy(count=1)
            except aiohttp.ClientError:
                continue
        assert (await caller.books())["faults"] == dict.fromkeys(KINDS, 1)


async def test_a_script_can_be_set_over_http() -> None:
    async with Caller(scenario(task_seconds=10)) as caller:
        wanted = {"task": "paused", "nodes": [{"join": "never"}], "times": 2}
        assert (await caller.post("/_simulator/scripts", json.dumps(wanted))).json == {"waiting": 2}
        task = (await caller.buy()).json["task_id"]
        await caller.clock.advance(10)
        assert (await caller.task(task)).json["state"] == "paused"
        wrong = await caller.post("/_simulator/scripts", '{"task": "Paused!"}')
    assert wrong.status == 400
    assert wrong.json["problems"][0].startswith("task: ")


async def test_broken_answers_can_be_told_by_whoever_drives_the_handlers_without_sockets() -> None:
    clock = VirtualClock()
    whole = web.json_response({"task_id": "T-1", "cluster_id": "c1"})
    half, slow = cut(whole), drip(whole, 20, clock)
    assert isinstance(half, CutAnswer)
    assert isinstance(slow, DripAnswer)
    assert whole.body == half.body == b"".join(slow.pieces())
    assert half.arrives == bytes(whole.body or b"")[: len(half.arrives)]
    assert len(slow.pieces()) > 10
    assert NoAnswer().status == 200
