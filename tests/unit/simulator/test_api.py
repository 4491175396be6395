"""The two APIs over HTTP, called with a signer of the tests' own."""

import asyncio
import re

import pytest

from autoscaler.simulator.answers import UNANNOUNCED
from tests.unit.simulator.builders import FAR, NEAR, START, Caller, region, scenario


async def test_a_purchase_is_answered_and_stands_in_the_books() -> None:
    async with Caller(scenario()) as caller:
        answer = await caller.buy(count=2)
        assert answer.status == 200
        assert set(answer.json) == {"cluster_id", "task_id", "request_id", UNANNOUNCED}
        books = (await caller.get("/_simulator/books")).json
    assert (books["sold"], books["sold_total"]) == ({NEAR: 2, FAR: 0}, 2)
    (purchase,) = books["purchases"]
    assert purchase["task_id"] == answer.json["task_id"]
    assert purchase["request_id"] == answer.json["request_id"] == answer.headers["x-acs-request-id"]
    assert (purchase["region"], purchase["nodes"], purchase["executed_at"]) == (NEAR, 2, START)


async def test_a_purchase_can_be_answered_with_202_and_in_xml() -> None:
    async with Caller(scenario(accept_status=202, answer_format="xml")) as caller:
        answer = await caller.buy()
    assert (answer.status, answer.headers["Content-Type"]) == (202, "text/xml;charset=utf-8")
    assert re.search(r"<task_id>T-[0-9a-f]{24}</task_id>", answer.text)
    assert f"<{UNANNOUNCED}>" in answer.text


async def test_refusals_are_counted_and_buy_nothing() -> None:
    async with Caller(scenario(region(stock=1), region(FAR, stock=9), node_quota=8)) as caller:
        answers = [
            await caller.buy(count=2),
            await caller.buy(count=5, ens_region_id=FAR),
            await caller.buy(worker_period=5),
        ]
        books = (await caller.get("/_simulator/books")).json
    assert [(answer.status, answer.json["code"]) for answer in answers] == [
        (400, "StockNotEnough"),
        (400, "QuotaExceeded.Node"),
        (400, "InvalidParameter.WorkerPeriod"),
    ]
    assert all(answer.json["requestId"] == answer.headers["x-acs-request-id"] for answer in answers)
    assert books["refused"] == {"StockNotEnough": 1, "QuotaExceeded.Node": 1, "InvalidParameter.WorkerPeriod": 1}
    assert books["purchases"] == []


async def test_a_replayed_request_buys_nothing() -> None:
    async with Caller(scenario()) as caller:
        path, content = f"/api/v2/clusters/{caller.simulator.scenario.cluster_id}", "{}"
        headers = caller.signed("POST", path, "ScaleOutCluster", "2015-12-15", None, content)
        first = await caller.send_signed("POST", path, None, content, headers)
        second = await caller.send_signed("POST", path, None, content, headers)
    assert first.json["code"] == "MissingParameter"
    assert (second.status, second.json["Code"]) == (400, "SignatureNonceUsed")
    assert set(second.json) == {"Code", "Message", "RequestId", "HostId", UNANNOUNCED}


async def test_a_body_changed_on_the_way_buys_nothing() -> None:
    async with Caller(scenario()) as caller:
        path = f"/api/v2/clusters/{caller.simulator.scenario.cluster_id}"
        headers = caller.signed("POST", path, "ScaleOutCluster", "2015-12-15", None, '{"count":1}')
        answer = await caller.send_signed("POST", path, None, '{"count":9}', headers)
        assert answer.json["Code"] == "SignatureDoesNotMatch"
        assert caller.simulator.books.sold_total == 0


async def test_an_unsigned_call_an_unknown_path_and_a_wrong_action_are_refused() -> None:
    async with Caller(scenario()) as caller:
        unsigned = await caller.get("/tasks/T-1")
        nowhere = await caller.get("/clusters")
        wrong = await caller.cs("DescribeTaskInfo", f"/clusters/{caller.simulator.scenario.cluster_id}/nodes")
        old = await caller.send("GET", "/tasks/T-1", "DescribeTaskInfo", "2010-01-01")
    assert (unsigned.status, unsigned.json["Code"]) == (400, "IncompleteSignature")
    assert (nowhere.status, nowhere.json["Code"]) == (404, "InvalidAction.NotFound")
    assert (wrong.status, wrong.json["Code"]) == (404, "InvalidAction.NotFound")
    assert old.json["Code"] == "InvalidVersion"


async def test_a_task_runs_and_ends_and_names_its_instances() -> None:
    async with Caller(scenario(task_seconds=60, join_seconds=30)) as caller:
        task = (await caller.buy(count=2)).json["task_id"]
        running = (await caller.task(task)).json
        await caller.clock.advance(60)
        ended = (await caller.task(task)).json
        missing = await caller.task("T-000000000000000000000000")
    assert (running["state"], ended["state"], running["task_type"]) == ("running", "success", "cluster_scaleout")
    assert [row["status"] for row in running["task_result"]] == ["initial", "initial"]
    assert [row["status"] for row in ended["task_result"]] == ["success", "success"]
    assert {row["data"] for row in ended["task_result"]} == set(caller.simulator.books.purchases[0].instances)
    assert running["created"] == "2026-09-21T22:13:20+08:00"
    assert running["stages"][0]["start_time"] == "2026-09-21 22:13:20"
    assert running["target"] == {"id": caller.simulator.scenario.cluster_id, "type": "cluster"}
    assert "login_password" not in str(running)
    assert (missing.status, missing.json["code"]) == (404, "ErrorTaskNotFound")


async def test_a_failed_task_tells_its_error() -> None:
    async with Caller(scenario(region(stock=0), stock_answer="fail_task", task_seconds=5)) as caller:
        answer = await caller.buy(count=1)
        await caller.clock.advance(5)
        task = (await caller.task(answer.json["task_id"])).json
    assert (answer.status, task["state"], task["error"]["code"]) == (200, "fail", "StockNotEnough")
    assert task["task_result"] == []


async def test_tasks_are_paged_newest_first() -> None:
    async with Caller(scenario(region(stock=30))) as caller:
        bought = [(await caller.buy(count=1)).json["task_id"] for _ in range(12)]
        first, second = (await caller.tasks()).json, (await caller.tasks(page_number="2")).json
        by_token = (await caller.tasks(max_results="7")).json
        rest = (await caller.tasks(max_results="7", next_token=by_token["next_token"])).json
        refused = await caller.tasks(page_size="101")
    ids = [row["task_id"] for row in first["tasks"] + second["tasks"]]
    assert ids[:12] == bought[::-1]
    assert first["page_info"] == {"page_number": 1, "page_size": 10, "total_count": 13}
    assert [row["task_id"] for row in by_token["tasks"] + rest["tasks"]] == ids
    assert (rest["next_token"], "requestId" in first) == ("", True)
    assert "parameters" not in first["tasks"][0]
    assert refused.json["code"] == "InvalidParameter.PageSize"


async def test_nodes_join_over_time_and_their_rows_name_no_region() -> None:
    async with Caller(scenario(region(initial_nodes=1), task_seconds=60, join_seconds=30)) as caller:
        await caller.buy(count=1)
        seen = []
        for seconds in (0, 60, 30):
            await caller.clock.advance(seconds)
            rows = (await caller.nodes()).json["nodes"]
            seen.append([(row["state"], row["node_status"]) for row in rows])
        initial = (await caller.nodes(state="initial")).json
    assert seen == [
        [("running", "Ready")],
        [("running", "Ready"), ("initial", "NotReady")],
        [("running", "Ready"), ("running", "Ready")],
    ]
    assert initial["nodes"] == []
    assert NEAR not in str(rows)


async def test_nodes_are_paged_by_ten_unless_told_otherwise() -> None:
    async with Caller(scenario(region(initial_nodes=23))) as caller:
        pages = [(await caller.nodes(pageNumber=str(number))).json for number in (1, 2, 3, 4)]
        all_at_once = (await caller.nodes(pageSize="100")).json
        one = (await caller.nodes(instanceIds=all_at_once["nodes"][4]["instance_id"])).json
        refused = [
            await caller.nodes(pageSize="101"),
            await caller.nodes(pageNumber="0"),
            await caller.nodes(state="x"),
        ]
        unknown = await caller.nodes(nodeLabels="a=b")
    assert [len(page["nodes"]) for page in pages] == [10, 10, 3, 0]
    assert pages[2]["page"] == {"page_number": 3, "page_size": 10, "total_count": 23}
    assert [row for page in pages for row in page["nodes"]] == all_at_once["nodes"]
    assert one["nodes"] == [all_at_once["nodes"][4]]
    assert [answer.json["code"] for answer in refused] == [
        "InvalidParameter.PageSize",
        "InvalidParameter.PageNumber",
        "InvalidParameter.State",
    ]
    assert unknown.json["code"] == "InvalidParameter"


async def test_instances_are_seen_at_once_and_found_by_every_filter() -> None:
    async with Caller(scenario(region(initial_nodes=2), region(FAR, initial_nodes=3))) as caller:
        await caller.buy(count=2)
        bought = caller.simulator.books.purchases[0].instances
        everything = (await caller.ens("DescribeInstances", "GET")).json
        near = (await caller.ens("DescribeInstances", EnsRegionId=NEAR)).json
        both = (await caller.ens("DescribeInstances", EnsRegionIds=f'["{NEAR}","{FAR}"]', PageSize="3")).json
        mine = (await caller.ens("DescribeInstances", InstanceIds=f'["{bought[0]}"]', EnsRegionId=NEAR)).json
        elsewhere = (await caller.ens("DescribeInstances", InstanceIds=f'["{bought[0]}"]', EnsRegionId=FAR)).json
        none = (await caller.ens("DescribeInstances", InstanceIds="[]")).json
        nowhere = (await caller.ens("DescribeInstances", EnsRegionId=NEAR, EnsRegionIds=f'["{FAR}"]')).json
        expired = (await caller.ens("DescribeInstances", Status="Expired")).json
        refused = await caller.ens("DescribeInstances", EnsRegionIds="cn-a")
    assert (everything["Code"], everything["TotalCount"]) == (0, 7)
    assert {row["EnsRegionId"] for row in near["Instances"]["Instance"]} == {NEAR}
    assert near["TotalCount"] == 4
    assert (both["TotalCount"], len(both["Instances"]["Instance"])) == (7, 3)
    (row,) = mine["Instances"]["Instance"]
    assert (row["InstanceId"], row["CreationTime"]) == (bought[0], "2026-09-21T14:13:20Z")
    assert elsewhere["TotalCount"] == none["TotalCount"] == expired["TotalCount"] == 0
    assert nowhere["TotalCount"] == 0
    assert refused.json["Code"] == "InvalidParameter.EnsRegionIds"


async def test_stock_can_be_asked_for_with_all_four_parameters() -> None:
    async with Caller(scenario(region(stock=3))) as caller:
        question = {
            "EnsRegionId": NEAR,
            "InstanceSpec": "ens.sn1.tiny",
            "SystemDiskSize": "40",
            "DataDiskSize": "0",
        }
        before = (await caller.ens("DescribePrePaidInstanceStock", **question)).json
        await caller.buy(count=3)
        after = (await caller.ens("DescribePrePaidInstanceStock", **question)).json
        missing = await caller.ens("DescribePrePaidInstanceStock", EnsRegionId=NEAR)
        unknown = await caller.ens("DescribePrePaidInstanceStock", **{**question, "InstanceSpec": "ens.huge"})
    assert (before["AvaliableCount"], before["ResourceGap"], after["AvaliableCount"]) == (3, "", 0)
    assert after["ResourceGap"]
    assert missing.json["Code"] == "MissingParameter"
    assert unknown.json["Code"] == "InvalidParameter.InstanceSpec"


async def test_regions_are_listed_under_their_doubled_name() -> None:
    async with Caller(scenario()) as caller:
        every = (await caller.ens("DescribeEnsRegions")).json
        one = (await caller.ens("DescribeEnsRegions", EnsRegionId=FAR)).json
    assert [row["EnsRegionId"] for row in every["EnsRegions"]["EnsRegions"]] == [NEAR, FAR]
    assert [row["EnsRegionId"] for row in one["EnsRegions"]["EnsRegions"]] == [FAR]


async def test_simulated_time_can_run_faster_while_moments_agree_with_the_callers_clock() -> None:
    async with Caller(scenario(task_seconds=60), speed=30) as caller:
        await caller.clock.advance(60)
        task = (await caller.buy()).json["task_id"]
        await caller.clock.advance(2)
        told = (await caller.task(task)).json
    assert (told["state"], told["created"]) == ("success", "2026-09-21T22:14:20+08:00")


async def test_a_restarted_server_has_not_forgotten_what_it_sold() -> None:
    caller = Caller(scenario())
    async with caller:
        await caller.buy(count=2)
    with pytest.raises(RuntimeError, match="not started"):
        _ = caller.simulator.url
    async with caller:
        assert (await caller.get("/_simulator/books")).json["sold_total"] == 2


async def test_two_simulators_find_a_port_each_below_the_systems_own() -> None:
    async with Caller(scenario()) as one, Caller(scenario()) as other:
        ports = [int(caller.simulator.address.rpartition(":")[2]) for caller in (one, other)]
    assert len(set(ports)) == 2
    assert all(1024 < port < 32768 for port in ports)


async def test_stopping_does_not_wait_for_a_call_that_is_held() -> None:
    caller = Caller(scenario())
    async with caller:
        caller.simulator.faults.next_purchase("hang_before", seconds=1000)
        held = asyncio.create_task(caller.buy())
        await caller.clock.until_asleep()
        held.cancel()
    assert caller.simulator.books.sold_total == 0
