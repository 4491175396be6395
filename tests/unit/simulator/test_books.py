import re

import pytest

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.records import BookedTask, Refusal, ScaleOutBody
from tests.unit.simulator.builders import FAR, NEAR, START, region, scenario


def buy(books: CloudBooks, nodes: int, at: float = 0.0, name: str = NEAR) -> BookedTask:
    body = ScaleOutBody(books.scenario.cluster_id, name, "ens.sn1.tiny", nodes, "m-1", 40, 0, 1)
    return books.buy(body, books.new_request_id(), START + at)


def test_stock_is_finite_and_a_refused_purchase_sells_nothing() -> None:
    books = CloudBooks(scenario(region(stock=3)), START)
    buy(books, 2)
    with pytest.raises(Refusal, match="StockNotEnough"):
        buy(books, 2)
    buy(books, 1)
    with pytest.raises(Refusal, match="StockNotEnough"):
        buy(books, 1)
    assert (books.sold(NEAR), books.sold_total, books.stock(NEAR, "ens.sn1.tiny", START)) == (3, 3, 0)
    assert [purchase.nodes for purchase in books.purchases] == [2, 1]


def test_stock_is_counted_per_region() -> None:
    books = CloudBooks(scenario(region(stock=1), region(FAR, stock=1)), START)
    buy(books, 1)
    buy(books, 1, name=FAR)
    assert (books.sold(NEAR), books.sold(FAR)) == (1, 1)


def test_a_restock_can_be_sold_from_its_second_on() -> None:
    books = CloudBooks(scenario(region(stock=0, restock=((60, 2),))), START)
    with pytest.raises(Refusal):
        buy(books, 1, at=59)
    buy(books, 2, at=60)
    assert books.stock(NEAR, "ens.sn1.tiny", START + 60) == 0


def test_a_type_that_is_not_on_sale_has_no_stock() -> None:
    books = CloudBooks(scenario(), START)
    assert (books.stock(NEAR, "ens.huge", START), books.stock("cn-nowhere", "ens.sn1.tiny", START)) == (0, 0)


def test_a_stock_failure_can_arrive_as_a_failed_task() -> None:
    books = CloudBooks(scenario(region(stock=1), stock_answer="fail_task", task_seconds=60), START)
    task = buy(books, 2)
    assert [task.state(START + second) for second in (59, 60)] == ["running", "fail"]
    assert task.error is not None
    assert task.error[0] == "StockNotEnough"
    assert (books.sold_total, books.purchases, books.refusals["StockNotEnough"]) == (0, [], 1)


def test_the_quota_counts_nodes_that_are_still_on_their_way() -> None:
    books = CloudBooks(scenario(region(initial_nodes=2, stock=50), node_quota=5), START)
    buy(books, 2)
    with pytest.raises(Refusal, match=r"QuotaExceeded\.Node"):
        buy(books, 2)
    buy(books, 1)
    assert books.sold_total == 3


def test_a_bought_machine_is_an_instance_at_once_then_a_joining_node_then_ready() -> None:
    books = CloudBooks(scenario(region(initial_nodes=0), task_seconds=60, join_seconds=30), START)
    task = buy(books, 1)
    assert [instance.id for instance in books.instances()] == list(task.instances)
    seen = {at: [(row.state, row.status) for row in books.nodes(START + at)] for at in (0, 59, 60, 89, 90)}
    assert seen == {
        0: [],
        59: [],
        60: [("initial", "NotReady")],
        89: [("initial", "NotReady")],
        90: [("running", "Ready")],
    }
    assert [len(books.ready(NEAR, START + at)) for at in (89, 90)] == [0, 1]
    assert [task.state(START + at) for at in (59, 60)] == ["running", "success"]


def test_in_the_dark_nodes_are_not_ready_and_the_instances_remain() -> None:
    books = CloudBooks(scenario(region(initial_nodes=2, dark=((10, 20),)), region(FAR, initial_nodes=1)), START)
    status = {at: [row.status for row in books.nodes(START + at)] for at in (9, 10, 20)}
    assert status[9] == status[20] == ["Ready", "Ready", "Ready"]
    assert status[10] == ["Unknown", "Unknown", "Ready"]
    assert len(books.instances()) == 3
    assert len(books.ready(NEAR, START + 10)) == 2


def test_ids_have_the_vendors_form_and_depend_on_the_seed_alone() -> None:
    def ids(seed: int) -> list[str]:
        books = CloudBooks(scenario(seed=seed), START)
        task = buy(books, 2)
        return [task.id, *task.instances, books.new_request_id()]

    assert ids(1) == ids(1)
    assert not set(ids(1)) & set(ids(2))
    task, instance, _, request = ids(1)
    assert re.fullmatch(r"T-[0-9a-f]{24}", task)
    assert re.fullmatch(r"i-[0-9a-f]{20}", instance)
    assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", request)


def test_tasks_are_listed_newest_first_beside_tasks_of_other_kinds() -> None:
    books = CloudBooks(scenario(), START)
    first, second = buy(books, 1), buy(books, 1, at=5)
    assert [task.id for task in books.tasks()][:2] == [second.id, first.id]
    assert {task.kind for task in books.tasks()} == {"cluster_scaleout", "addon_install"}


def test_a_task_can_keep_what_it_was_asked_to_itself() -> None:
    assert buy(CloudBooks(scenario(), START), 1).parameters["ens_region_id"] == NEAR
    assert buy(CloudBooks(scenario(task_parameters=False), START), 1).parameters == {}
