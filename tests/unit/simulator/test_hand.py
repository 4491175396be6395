"""A person at the console: buys beside us, takes nodes away, and is marked in the audit."""

import json

import pytest

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.edge import EdgeFleet
from autoscaler.simulator.records import Refusal
from tests.unit.simulator.builders import FAR, NEAR, START, Caller, pools, purchase, region, scenario


def test_what_a_person_buys_looks_like_any_purchase_but_in_the_audit() -> None:
    books = CloudBooks(scenario(region(initial_nodes=0, stock=5)), START)
    theirs = books.buy_by_hand(NEAR, 2, START)
    ours = books.buy(purchase(2), "r", START)
    assert [(sale.who, sale.nodes, sale.amount) for sale in books.purchases] == [("hand", 2, 20000), ("api", 2, 20000)]
    assert (theirs.kind, theirs.parameters) == (ours.kind, ours.parameters)
    assert (books.sold(NEAR), books.sold(NEAR, "api"), books.sold(NEAR, "hand")) == (4, 2, 2)
    assert books.stock(NEAR, "ens.sn1.tiny", START) == 1
    assert len(books.listed_nodes(books.scenario.cluster_id, START + 90)) == 4


def test_a_person_can_buy_machines_that_no_task_tells_of() -> None:
    books = CloudBooks(scenario(region(initial_nodes=0)), START)
    task = books.buy_by_hand(NEAR, 1, START, joins=False)
    assert books.task(task.id) is None
    assert (len(books.listed_instances(START, NEAR)), len(books.nodes(START + 1e6))) == (1, 0)
    assert books.purchases[0].task_id == ""


def test_a_person_can_make_a_pool_larger() -> None:
    books = CloudBooks(scenario(region(), pools=pools(instance_type="big"), types=[{"type": "big"}]), START)
    with pytest.raises(Refusal, match="StockNotEnough"):
        books.buy_by_hand(NEAR, 1, START, pool="np-cs")
    books = CloudBooks(scenario(region(), pools=pools()), START)
    books.buy_by_hand(NEAR, 2, START, pool="np-cs")
    (pool, _) = books.scenario.pools
    assert books.pools.size(pool, START).desired == 3


def test_what_a_person_buys_uses_up_no_script_of_ours() -> None:
    books = CloudBooks(scenario(scripts=[{"task": "fail"}]), START)
    assert books.buy_by_hand(NEAR, 1, START).ending == "success"
    assert books.buy(purchase(1), "r", START).ending == "fail"


def test_a_node_taken_out_is_no_node_any_more_and_still_a_machine_that_is_paid() -> None:
    books = CloudBooks(scenario(region(initial_nodes=0)), START)
    (name, _) = books.buy(purchase(2), "r", START).instances
    books.remove_by_hand(name, START + 100)
    assert [len(books.nodes(START + second)) for second in (99, 100)] == [2, 1]
    assert len(books.ready(NEAR, START + 100)) == 1
    assert name in {one.id for one in books.listed_instances(START + 1e5, NEAR)}
    assert (books.sold_total, books.spent) == (2, 20000)
    with pytest.raises(Refusal, match="InstanceNotFound"):
        books.remove_by_hand(name, START + 101)
    with pytest.raises(Refusal, match="InstanceNotFound"):
        books.remove_by_hand("i-none", START + 101)


def test_a_machine_taken_out_before_it_joined_never_joins_and_frees_its_place_in_the_quota() -> None:
    books = CloudBooks(scenario(region(initial_nodes=0), node_quota=1), START)
    (name,) = books.buy(purchase(1), "r", START).instances
    books.remove_by_hand(name, START + 10)
    assert books.nodes(START + 1000) == []
    books.buy(purchase(1), "r", START + 10)


def test_the_load_of_a_node_taken_out_falls_on_the_others_and_its_page_is_gone() -> None:
    books = CloudBooks(scenario(region(initial_nodes=3, demand=((0, 120),))), START)
    fleet = EdgeFleet(books)
    first, second, _ = (one.id for one in books.instances())
    before = fleet.reading(NEAR, second, START + 50)
    books.remove_by_hand(first, START + 100)
    after = fleet.reading(NEAR, second, START + 200)
    assert before is not None
    assert after is not None
    assert (before.rate, after.rate) == (40.0, 60.0)
    assert after.requests == pytest.approx(100 * 40 + 100 * 60)
    assert fleet.reading(NEAR, first, START + 200) is None
    assert len(fleet.targets("a:1", START + 200)) == 2


def test_a_region_that_lost_its_only_node_serves_again_when_the_next_one_joins() -> None:
    books = CloudBooks(scenario(region(initial_nodes=1, demand=((0, 50),)), task_seconds=0, join_seconds=30), START)
    fleet = EdgeFleet(books)
    books.remove_by_hand(books.instances()[0].id, START + 100)
    (name,) = books.buy(purchase(1), "r", START + 170).instances
    reading = fleet.reading(NEAR, name, START + 300)
    assert reading is not None
    assert (reading.rate, reading.requests, reading.up_seconds) == (50.0, 5000.0, 100.0)


def test_nodes_that_join_in_another_order_than_they_were_bought_share_the_load_from_then_on() -> None:
    late = {"nodes": [{"join_seconds": 300}]}
    given = scenario(region(initial_nodes=1, demand=((0, 120),)), task_seconds=0, join_seconds=30, scripts=[late])
    books = CloudBooks(given, START)
    fleet = EdgeFleet(books)
    old = books.instances()[0].id
    books.buy(purchase(1), "r", START)
    assert fleet.reading(NEAR, old, START + 1) is not None
    books.buy(purchase(1), "r", START + 10)
    readings = [fleet.reading(NEAR, old, START + second) for second in (39, 40, 299, 300)]
    assert [reading.rate if reading else None for reading in readings] == [120.0, 60.0, 60.0, 40.0]
    total = [fleet.reading(NEAR, one.id, START + 500) for one in books.instances()]
    assert sum(reading.requests for reading in total if reading) == pytest.approx(500 * 120)


async def test_a_person_can_be_played_over_http() -> None:
    async with Caller(scenario(region(initial_nodes=1), region(FAR, initial_nodes=0))) as caller:
        bought = await caller.post("/_simulator/hand", json.dumps({"region": FAR, "nodes": 2}))
        gone = await caller.post(
            "/_simulator/removals", json.dumps({"instance": caller.simulator.books.instances()[0].id})
        )
        refused = [
            await caller.post("/_simulator/hand", content)
            for content in (
                json.dumps({"region": "cn-nowhere", "nodes": 1}),
                json.dumps({"region": FAR, "nodes": 99}),
                json.dumps({"region": FAR}),
                json.dumps({"region": FAR, "nodes": 1, "pool": "np"}),
                "no",
            )
        ]
        unknown = await caller.post("/_simulator/removals", '{"instance": "i-none"}')
        books = await caller.books()
    assert (bought.status, len(bought.json["instances"])) == (200, 2)
    assert gone.status == 200
    (sale,) = books["purchases"]
    assert (sale["who"], sale["region"], sale["nodes"]) == ("hand", FAR, 2)
    assert sale["instances"] == bought.json["instances"]
    assert [row["region"] for row in books["removed"]] == [NEAR]
    assert books["ready"] == {NEAR: 0, FAR: 0}
    assert [answer.status for answer in (*refused, unknown)] == [400] * 6
    assert all(answer.json["problems"] for answer in (*refused, unknown))
