"""What becomes of a purchase, of its task and of its nodes: every way in which it can go wrong, at any moment."""

from math import inf
from typing import Any

import pytest

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.records import BookedTask, Refusal
from autoscaler.simulator.script import NodeFate, PurchaseScript
from tests.unit.simulator.builders import FAR, NEAR, START, purchase, region, scenario


def books_with(*scripts: dict[str, Any], **fields: Any) -> CloudBooks:
    """No nodes at first; tasks take 60 s, joining 30 s."""
    given = scenario(region(initial_nodes=0, stock=50), region(FAR, initial_nodes=0), scripts=scripts, **fields)
    return CloudBooks(given, START)


def buy(books: CloudBooks, nodes: int = 2, at: float = 0.0, name: str = NEAR) -> BookedTask:
    return books.buy(purchase(nodes, name), books.new_request_id(), START + at)


def words(task: BookedTask, *seconds: float) -> list[str]:
    return [task.state(START + second) for second in seconds]


def nodes(books: CloudBooks, second: float) -> list[tuple[str, str]]:
    return [(row.state, row.status) for row in books.nodes(START + second)]


@pytest.mark.parametrize("ending", ["success", "fail", "failed", "paused", "canceled", "never_heard_of"])
def test_a_task_ends_in_the_word_of_its_script_and_what_it_made_is_billed(ending: str) -> None:
    books = books_with({"task": ending, "error": "NodeInitFailed"})
    task = buy(books)
    assert words(task, 0, 59, 60, 1e6) == ["running", "running", ending, ending]
    assert task.failure(START + 59) is None
    told = task.failure(START + 60)
    assert (told and told[0]) == ("NodeInitFailed" if ending in ("fail", "failed") else None)
    assert (books.sold(NEAR), len(books.instances())) == (2, 2)


def test_a_task_can_run_for_ever_while_its_nodes_become_ready() -> None:
    books = books_with({"task": "running"})
    task = buy(books)
    assert words(task, 1e7) == ["running"]
    assert task.result(0, START + 1e7) == "initial"
    assert nodes(books, 90) == [("running", "Ready")] * 2


def test_a_task_that_never_ends_has_no_event_of_its_end() -> None:
    books = books_with({"task": "running"})
    task = buy(books)
    told = [event.message for event in books.task_book.events(task.cluster, START + 1e6) if event.task == task.id]
    assert told == ["start"]


def test_a_task_can_pause_on_its_way_and_go_on() -> None:
    task = buy(books_with({"meanwhile": [[10, 20, "paused"], [20, 30, "resuming"]], "task_seconds": 40}))
    assert words(task, 9, 10, 20, 30, 40) == ["running", "paused", "resuming", "running", "success"]


def test_a_task_can_vanish_and_take_nothing_with_it() -> None:
    books = books_with({"vanishes_after": 50})
    task = buy(books)
    found = [books.task_book.found(task.id, START + second) is not None for second in (49, 50, 1e6)]
    assert found == [True, False, False]
    assert task.id not in [row.id for row in books.task_book.listed(task.cluster, START + 50)]
    assert (books.sold(NEAR), len(books.nodes(START + 60))) == (2, 2)


def test_part_of_an_order_can_fail_and_its_machines_are_billed_all_the_same() -> None:
    books = books_with({"task": "fail", "nodes": [{}, {"join": "failed"}, {"join": "never", "result": "failed"}]})
    task = buy(books, nodes=3)
    assert [task.result(index, START + 59) for index in range(3)] == ["initial"] * 3
    assert [task.result(index, START + 60) for index in range(3)] == ["success", "failed", "failed"]
    assert nodes(books, 60) == [("initial", "NotReady")] * 2
    assert nodes(books, 90) == [("running", "Ready"), ("failed", "NotReady")]
    assert (books.sold(NEAR), len(books.listed_instances(START, NEAR))) == (3, 3)


def test_a_task_can_end_well_while_its_nodes_never_become_ready() -> None:
    books = books_with({"nodes": [{"join": "initial"}]})
    task = buy(books)
    assert (words(task, 60), task.result(1, START + 60)) == (["success"], "success")
    assert nodes(books, 1e6) == [("initial", "NotReady")] * 2
    assert books.ready(NEAR, START + 1e6) == []


def test_a_machine_can_be_paid_for_and_never_be_a_node() -> None:
    books = books_with({"nodes": [{"join": "never"}]})
    task = buy(books, nodes=1)
    assert nodes(books, 1e6) == []
    assert [one.id for one in books.listed_instances(START + 1e6, NEAR)] == list(task.instances)
    assert books.instances()[0].ready_at == inf


def test_a_node_can_join_hours_late() -> None:
    books = books_with({"nodes": [{"join_seconds": "3h"}, {}]})
    buy(books)
    assert [len(books.ready(NEAR, START + second)) for second in (89, 90, 10859, 10860)] == [0, 1, 1, 2]


def test_a_node_flaps_as_its_schedule_says_and_the_schedule_can_repeat() -> None:
    flapping = {"status": [[0, "Ready"], [10, "NotReady"], [20, "Offline"], [30, "Ready"]], "repeat": 40}
    books = books_with({"nodes": [flapping]})
    buy(books, nodes=1)
    seen = [nodes(books, 90 + second)[0][1] for second in (0, 9, 10, 20, 30, 40, 50, 65)]
    assert seen == ["Ready", "Ready", "NotReady", "Offline", "Ready", "Ready", "NotReady", "Offline"]
    assert len(books.ready(NEAR, START + 110)) == 1


@pytest.mark.parametrize(("made", "sold"), [(0, 0), (1, 1), (3, 3), (99, 5)])
def test_another_number_than_ordered_can_be_made_and_no_more_than_there_is(made: int, sold: int) -> None:
    given = scenario(region(initial_nodes=0, stock=5), scripts=[{"made": made}])
    books = CloudBooks(given, START)
    task = buy(books)
    assert len(task.instances) == books.sold(NEAR) == len(books.instances()) == sold
    assert [(sale.ordered, sale.nodes) for sale in books.purchases] == ([(2, sold)] if sold else [])


def test_stock_can_run_out_for_one_purchase_at_once_and_for_the_next_in_its_task() -> None:
    books = books_with({"out_of_stock": "refuse"}, {"out_of_stock": "fail_task"})
    with pytest.raises(Refusal, match="StockNotEnough"):
        buy(books)
    task = buy(books)
    assert (words(task, 59, 60), task.error and task.error[0]) == (["running", "fail"], "StockNotEnough")
    assert books.sold_total == 0
    assert buy(books).instances


def test_scripts_serve_once_in_turn_each_in_its_own_region_and_then_the_standing_one() -> None:
    books = books_with({"task": "fail", "region": FAR}, {"task": "paused"}, script={"task": "canceled"})
    endings = [buy(books, 1).ending, buy(books, 1).ending, buy(books, 1, name=FAR).ending, buy(books, 1).ending]
    assert endings == ["paused", "canceled", "fail", "canceled"]
    assert len(books.scripts) == 0


def test_a_refused_purchase_uses_up_no_script() -> None:
    books = books_with({"task": "paused"}, node_quota=3)
    with pytest.raises(Refusal, match="Quota"):
        buy(books, 4)
    with pytest.raises(Refusal, match="StockNotEnough"):
        CloudBooks(scenario(region(stock=0), scripts=[{"task": "fail"}]), START).buy(purchase(1), "r", START)
    assert buy(books, 1).ending == "paused"


def test_whoever_improvises_is_asked_with_the_region_and_number_of_each_unlisted_purchase() -> None:
    books, asked = books_with({"task": "paused"}), []

    def improvise(name: str, number: int) -> PurchaseScript | None:
        asked.append((name, number))
        return PurchaseScript(nodes=(NodeFate(join="never"),)) if number == 2 else None

    books.scripts.improvise = improvise
    assert [buy(books, 1).ending for _ in range(3)] == ["paused", "success", "success"]
    assert asked == [(NEAR, 2), (NEAR, 3)]
    assert len(books.nodes(START + 60)) == 2
