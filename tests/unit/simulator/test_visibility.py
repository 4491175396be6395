"""Eventual consistency, doubled rows and a clock that goes wrong: what reads show is not always what is true."""

from typing import Any

import pytest

from autoscaler.simulator.books import CloudBooks
from tests.unit.simulator.builders import FAR, NEAR, START, Caller, purchase, region, scenario

LAGS = {
    "task": {"after": 5},
    "tasks": {"after": 20},
    "instances": {"after": 40, "missing": [[50, 55]]},
    "nodes": {"after": 15, "missing": [[100, 110]]},
}


def fresh(**fields: Any) -> CloudBooks:
    given = scenario(region(initial_nodes=0, stock=50), task_seconds=60, join_seconds=30, **fields)
    return CloudBooks(given, START)


def moments(shown: list[bool]) -> list[int]:
    """The seconds at which what is shown changes."""
    return [second for second in range(1, len(shown)) if shown[second] != shown[second - 1]]


def test_every_read_lags_by_itself_and_a_row_can_be_missing_once_more() -> None:
    books = fresh(visible=LAGS)
    task = books.buy(purchase(1), "r", START)
    seconds = [START + second for second in range(200)]
    assert moments([books.task_book.found(task.id, at) is not None for at in seconds]) == [5]
    assert moments([task in books.task_book.listed(task.cluster, at) for at in seconds]) == [20]
    assert moments([bool(books.listed_instances(at, NEAR)) for at in seconds]) == [40, 50, 55]
    assert moments([bool(books.listed_nodes(task.cluster, at)) for at in seconds]) == [75, 160, 170]
    assert moments([bool(books.nodes(at)) for at in seconds]) == [60]


def test_one_purchase_can_lag_on_its_own() -> None:
    books = fresh(scripts=[{"visible": LAGS}])
    slow, quick = (books.buy(purchase(1), "r", START) for _ in range(2))
    assert [books.task_book.found(task.id, START) is not None for task in (slow, quick)] == [False, True]
    assert [one.id for one in books.listed_instances(START, NEAR)] == list(quick.instances)


async def test_what_lags_is_not_found_over_http_until_its_time() -> None:
    given = scenario(region(initial_nodes=0), task_seconds=60, visible=LAGS)
    async with Caller(given) as caller:
        task = (await caller.buy(count=1)).json["task_id"]
        early = [await caller.task(task), await caller.tasks(), await caller.ens("DescribeInstances")]
        await caller.clock.advance(45)
        late = [await caller.task(task), await caller.tasks(), await caller.ens("DescribeInstances")]
    assert (early[0].status, early[0].json["code"]) == (404, "ErrorTaskNotFound")
    assert task not in early[1].text
    assert early[2].json["TotalCount"] == 0
    assert late[0].status == 200
    assert task in late[1].text
    assert late[2].json["TotalCount"] == 1


async def test_rows_can_stand_in_every_list_twice() -> None:
    given = scenario(region(initial_nodes=5), region(FAR, initial_nodes=0), duplicate_every=2)
    async with Caller(given) as caller:
        nodes = (await caller.nodes(pageSize="100")).json
        instances = (await caller.ens("DescribeInstances", PageSize="100")).json
        await caller.buy(count=1)
        tasks = (await caller.tasks()).json
    ids = [row["instance_id"] for row in nodes["nodes"]]
    assert (len(ids), len(set(ids)), nodes["page"]["total_count"]) == (7, 5, 7)
    assert [row["InstanceId"] for row in instances["Instances"]["Instance"]] == ids
    assert len(tasks["tasks"]) == 3


@pytest.mark.parametrize("skew", [-300.0, 300.0])
async def test_a_servers_clock_that_is_off_shows_in_its_answers_and_in_its_judgement_of_dates(skew: float) -> None:
    async with Caller(scenario(clock_skew=skew)) as caller:
        task = (await caller.buy(count=1)).json["task_id"]
        told = (await caller.task(task)).json
        row = (await caller.ens("DescribeInstances", PageSize="100")).json["Instances"]["Instance"][-1]
        assert caller.simulator.books.purchases[0].at == START
    shown = {300.0: ("2026-09-21T22:18:20+08:00", "2026-09-21T14:18:20Z"), -300.0: ("2026-09-21T22:08:20+08:00",)}
    assert told["created"] == shown[skew][0]
    assert skew < 0 or row["CreationTime"] == shown[skew][1]


async def test_a_servers_clock_that_is_too_far_off_refuses_every_call() -> None:
    async with Caller(scenario(clock_skew=901)) as caller:
        assert (await caller.buy()).json["Code"] == "InvalidTimeStamp.Expired"
