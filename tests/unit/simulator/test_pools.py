"""Node pools: three operations, two meanings of a number, and what the reads tell of a pool's size."""

from typing import Any

import pytest

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.pool_sales import add_nodes, set_desired_size, set_ens_size
from autoscaler.simulator.records import Refusal
from tests.unit.simulator.builders import CLUSTER, FAR, NEAR, START, Caller, pools, region, scenario


def stocked(stock: int = 2000, pool: dict[str, Any] | None = None, **fields: Any) -> CloudBooks:
    whole = {"node_quota": 5000, "task_seconds": 60, "join_seconds": 30, **fields}
    return CloudBooks(scenario(region(initial_nodes=0, stock=stock), pools=pools(**pool or {}), **whole), START)


def size(books: CloudBooks, pool: str = "np-cs", second: float = 0.0) -> tuple[int, int]:
    known = books.pools.any(pool)
    assert known is not None
    told = books.pools.size(known, START + second)
    return told.desired, told.total


def test_an_increment_sent_twice_buys_twice_and_a_total_sent_twice_buys_once() -> None:
    books = stocked()
    for _ in range(2):
        add_nodes(books, CLUSTER, "np-cs", 2, "r", START)
    assert (books.sold_total, size(books)) == (4, (5, 5))
    for _ in range(2):
        set_desired_size(books, CLUSTER, "np-cs", 7, "r", START)
    assert (books.sold_total, size(books)) == (6, (7, 7))
    set_ens_size(books, CLUSTER, "np-ens", 3, "r", START)
    with pytest.raises(Refusal, match="greater than 3"):
        set_ens_size(books, CLUSTER, "np-ens", 3, "r", START)
    assert (books.sold_total, size(books, "np-ens")) == (8, (3, 3))


@pytest.mark.parametrize(
    ("sell", "pool", "most"),
    [(add_nodes, "np-cs", 500), (set_desired_size, "np-cs", 501)],
)
def test_one_call_adds_at_most_500_nodes(sell: Any, pool: str, most: int) -> None:
    books = stocked()
    with pytest.raises(Refusal, match="InvalidParameter"):
        sell(books, CLUSTER, pool, most + 1, "r", START)
    sell(books, CLUSTER, pool, most, "r", START)
    assert books.sold_total == 500


def test_a_subscription_pool_can_not_be_made_smaller() -> None:
    books = stocked(pool={"initial_nodes": 3})
    for sell, pool in ((set_desired_size, "np-cs"), (set_ens_size, "np-ens")):
        with pytest.raises(Refusal, match="InvalidParameter"):
            sell(books, CLUSTER, pool, 2, "r", START)
    assert books.sold_total == 0


def test_the_quota_of_nodes_holds_for_pools_too() -> None:
    books = stocked(node_quota=4)
    with pytest.raises(Refusal, match=r"QuotaExceeded\.Node"):
        add_nodes(books, CLUSTER, "np-cs", 3, "r", START)
    add_nodes(books, CLUSTER, "np-cs", 2, "r", START)


def test_an_ens_pool_with_a_failed_node_grows_only_after_the_node_was_deleted() -> None:
    books = stocked(scripts=[{"nodes": [{"join": "failed"}]}])
    set_ens_size(books, CLUSTER, "np-ens", 2, "r", START)
    with pytest.raises(Refusal, match="failed"):
        set_ens_size(books, CLUSTER, "np-ens", 3, "r", START + 90)
    books.remove_by_hand(books.purchases[0].instances[0], START + 91)
    assert size(books, "np-ens", 91) == (1, 1)
    set_ens_size(books, CLUSTER, "np-ens", 3, "r", START + 91)
    assert books.sold_total == 3


def test_a_pool_that_takes_one_order_at_a_time_refuses_the_next_until_its_task_has_ended() -> None:
    books = stocked(pool={"serial": True})
    add_nodes(books, CLUSTER, "np-cs", 1, "r", START)
    with pytest.raises(Refusal, match="ErrorClusterState"):
        add_nodes(books, CLUSTER, "np-cs", 1, "r", START + 59)
    add_nodes(books, CLUSTER, "np-cs", 1, "r", START + 60)
    assert books.sold_total == 2


def test_a_pool_forgets_the_nodes_that_an_order_failed_to_make_when_its_task_ends() -> None:
    books = stocked(stock=0, stock_answer="fail_task")
    add_nodes(books, CLUSTER, "np-cs", 2, "r", START)
    assert [size(books, second=second) for second in (59, 60)] == [(3, 1), (1, 1)]


def test_a_pool_buys_what_it_is_made_of_and_its_nodes_know_it() -> None:
    kind = {"type": "ens.sn1.small", "price": 10}
    given = scenario(
        region(initial_nodes=0, types=[{"type": "ens.sn1.small", "stock": 2}]),
        pools=pools(instance_type="ens.sn1.small", system_disk=80, period=12, initial_nodes=0),
        types=[kind],
    )
    books = CloudBooks(given, START)
    add_nodes(books, CLUSTER, "np-cs", 2, "r", START)
    (sale,) = books.purchases
    assert (sale.instance_type, sale.pool, sale.amount, sale.action) == (
        "ens.sn1.small",
        "np-cs",
        2 * 12 * 1000,
        "ScaleClusterNodePool",
    )
    assert {(one.pool, one.system_disk) for one in books.instances()} == {("np-cs", 80)}


def test_a_pool_is_found_only_in_its_cluster_and_by_its_product() -> None:
    books = stocked()
    for sell, cluster, pool in (
        (add_nodes, CLUSTER, "np-ens"),
        (add_nodes, "c1", "np-cs"),
        (set_ens_size, CLUSTER, "np-cs"),
    ):
        with pytest.raises(Refusal, match="ErrorNodePoolNotFound"):
            sell(books, cluster, pool, 5, "r", START)


async def test_a_pool_tells_its_size_over_http_while_it_grows() -> None:
    given = scenario(
        region(initial_nodes=0), pools=pools(), scripts=[{"nodes": [{"join": "failed"}, {}]}], task_seconds=60
    )
    async with Caller(given) as caller:
        answer = (await caller.add_to_pool(3)).json
        growing = (await caller.pool()).json
        await caller.clock.advance(90)
        grown = (await caller.pool()).json
        listed = (await caller.cs("DescribeClusterNodePools", f"/clusters/{CLUSTER}/nodepools")).json
        task = (await caller.task(answer["task_id"])).json
        nodes = (await caller.nodes(nodepool_id="np-cs")).json
    assert (growing["scaling_group"]["desired_size"], growing["status"]["state"]) == (4, "scaling")
    assert (growing["status"]["total_nodes"], growing["status"]["initial_nodes"]) == (4, 3)
    assert (grown["status"]["state"], grown["status"]["healthy_nodes"]) == ("active", 3)
    assert (grown["status"]["failed_nodes"], grown["nodepool_info"]["type"]) == (1, "edge")
    assert [pool["nodepool_info"]["nodepool_id"] for pool in listed["nodepools"]] == ["np-cs"]
    assert "desired_size" not in listed["nodepools"][0]["scaling_group"]
    assert [row["status"] for row in task["task_result"]] == ["failed", "success", "success"]
    assert {row["nodepool_id"] for row in nodes["nodes"]} == {"np-cs"}
    assert len(nodes["nodes"]) == 4


async def test_an_ens_pool_answers_no_task_and_tells_its_size_and_nodes() -> None:
    given = scenario(region(initial_nodes=1), pools=pools(cluster="eck-1"), task_seconds=60, join_seconds=30)
    query = {"ClusterId": "eck-1", "NodepoolId": "np-ens"}
    async with Caller(given) as caller:
        answer = await caller.ens("ScaleClusterNodePool", Body='{"Count":3}', **query)
        before = (await caller.tasks()).json
        await caller.clock.advance(60)
        sizes = (await caller.ens("DescribeClusterNodePools", ClusterId="eck-1")).json
        nodes = (await caller.ens("DescribeClusterNodes", PageSize="2", **query)).json
        strange = await caller.cs("DescribeClusterTasks", "/clusters/eck-0/tasks")
        none = await caller.ens("DescribeClusterNodes", ClusterId=CLUSTER)
    assert {key for key in answer.json if not key.startswith("x_")} == {"RequestId"}
    assert [row["task_type"] for row in before["tasks"]] == ["addon_install"]
    (pool,) = sizes["NodePools"]
    assert pool["NodepoolInfo"] == {"EnsRegionId": NEAR, "Name": "np-ens", "NodepoolId": "np-ens"}
    assert (pool["Status"]["DesiredNodes"], pool["Status"]["TotalNodes"], pool["Status"]["InitialNodes"]) == (3, 3, 2)
    assert sizes["Page"] == {"PageNumber": 1, "PageSize": 10, "TotalCount": 1}
    assert [row["State"] for row in nodes["Nodes"]] == ["running", "initial"]
    assert nodes["Page"]["TotalCount"] == 3
    assert strange.json["code"] == "ErrorClusterNotFound"
    assert (none.status, none.json["Code"]) == (404, "ErrorClusterNotFound")


@pytest.mark.parametrize(
    ("count", "code"),
    [
        (0, "InvalidParameter.Count"),
        (501, "InvalidParameter.Count"),
        ("2", "InvalidParameter.Count"),
        (True, "InvalidParameter.Count"),
        (None, "InvalidParameter.Count"),
    ],
)
async def test_a_wrong_increment_is_refused(count: Any, code: str) -> None:
    async with Caller(scenario(region(initial_nodes=0), pools=pools())) as caller:
        answer = await caller.add_to_pool(count)
        assert (answer.status, answer.json["code"], caller.simulator.books.sold_total) == (400, code, 0)


@pytest.mark.parametrize("content", [{}, {"count": 1, "desired_size": 3}, {"desired_size": 3}, [], "x"])
async def test_the_body_of_one_operation_is_not_taken_for_the_other(content: Any) -> None:
    async with Caller(scenario(region(initial_nodes=0), pools=pools())) as caller:
        added = await caller.write("POST", "ScaleClusterNodePool", "/nodepools/np-cs", content)
        sized = await caller.write("PUT", "ModifyClusterNodePool", "/nodepools/np-cs", {"scaling_group": content})
        assert (added.status, sized.status) == (400, 400 if content != {"desired_size": 3} else 200)


@pytest.mark.parametrize("text", ['{"Count":0}', '{"Count":"3"}', '{"Count":1.5}', '{"count":3}', "3", "{", "[]"])
async def test_a_wrong_ens_size_is_refused(text: str) -> None:
    async with Caller(scenario(region(initial_nodes=0), pools=pools())) as caller:
        answer = await caller.ens("ScaleClusterNodePool", Body=text, ClusterId=CLUSTER, NodepoolId="np-ens")
        assert answer.status == 400
        assert answer.json["Code"].startswith("InvalidParameter")
        assert caller.simulator.books.sold_total == 0


async def test_the_quota_and_the_events_of_a_cluster_can_be_read() -> None:
    async with Caller(scenario(region(), region(FAR, initial_nodes=0), node_quota=7, task_seconds=60)) as caller:
        quota = (await caller.cs("DescribeUserQuota", "/quota")).json
        first, second = [(await caller.buy(count=1)).json["task_id"] for _ in range(2)]
        await caller.clock.advance(60)
        await caller.post("/_simulator/removals", f'{{"instance": "{caller.simulator.books.instances()[0].id}"}}')
        every, of_one = (await caller.events()).json, (await caller.events(task_id=first)).json
        page = (await caller.events(max_results="2")).json
        rest = (await caller.events(max_results="2", next_token=page["next_token"])).json
        by_type = (await caller.cs("DescribeEvents", "/events", type="cluster_node_delete")).json
    assert (quota["node_quota"], quota["quotas"]["q_cluster_node"]["quota"]) == (7, "7")
    assert [row["type"] for row in every["events"]].count("cluster_scaleout") == 4
    assert {row["task_id"] for row in of_one["events"]} == {first}
    assert second not in str(of_one)
    assert [row["data"]["message"] for row in of_one["events"]] == ["success", "start"]
    assert page["events"] + rest["events"] == every["events"][:4]
    assert (len(by_type["events"]), by_type["page_info"]["total_count"]) == (1, 1)
