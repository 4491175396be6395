"""The queue: the most urgent order first, and none waits for ever."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.executor.queue import WAIT_THAT_WEIGHS_AS_MUCH, OrderQueue
from autoscaler.model.names import OrderId, RegionId
from autoscaler.model.order import Order
from autoscaler.simulator.clock import VirtualClock
from tests.unit.executor.stand import operation


def order(name: str, nodes: int, desired: int) -> Order:
    region = RegionId(f"cn-{name}")
    return Order(OrderId(name), 1, region, operation(region), nodes, 0.0, 1e9, desired=desired)


def test_the_largest_shortfall_relative_to_need_goes_first() -> None:
    queue = OrderQueue(VirtualClock())
    for one in (order("big-fleet", 5, 100), order("half-missing", 2, 4), order("nothing-there", 1, 1)):
        queue.put(one)
    assert [queue.pop().id for _ in range(3)] == ["nothing-there", "half-missing", "big-fleet"]


async def test_a_small_shortfall_that_waited_long_goes_before_a_large_one_that_just_came() -> None:
    clock = VirtualClock()
    queue = OrderQueue(clock)
    queue.put(order("patient", 1, 100))
    await clock.advance(WAIT_THAT_WEIGHS_AS_MUCH)
    queue.put(order("urgent", 1, 1))
    assert queue.pop().id == "patient"


async def test_no_order_starves_however_many_urgent_ones_keep_coming() -> None:
    clock = VirtualClock()
    queue = OrderQueue(clock)
    queue.put(order("patient", 1, 1000))
    for turn in range(100):
        queue.put(order(f"urgent-{turn}", 1, 1))
        queue.put(order(f"urgent-too-{turn}", 1, 1))
        await clock.advance(2.0)
        if queue.pop().id == "patient":
            # Twice as many come as go, so half of the wait goes to those that came before it would have won.
            assert clock.monotonic() <= 2 * WAIT_THAT_WEIGHS_AS_MUCH + 2.0
            return
    pytest.fail("it starved")


async def test_an_order_put_back_keeps_the_time_since_which_it_waits() -> None:
    clock = VirtualClock()
    queue = OrderQueue(clock)
    queue.put(order("a", 1, 2))
    await clock.advance(50.0)
    queue.put(order("a", 1, 2))
    assert len(queue) == 1
    queue.put(order("b", 2, 2))
    assert queue.pop().id == "a"


async def test_an_empty_queue_is_waited_for() -> None:
    queue = OrderQueue(VirtualClock())
    waiting = asyncio.create_task(queue.filled())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.put(order("a", 1, 1))
    await waiting
    queue.pop()
    with pytest.raises(IndexError):
        queue.pop()
    assert not queue._filled.is_set()


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=20))
def test_every_order_comes_out_once(sizes: list[tuple[int, int]]) -> None:
    queue = OrderQueue(VirtualClock())
    names = [f"o{number}" for number in range(len(sizes))]
    for name, (nodes, desired) in zip(names, sizes, strict=True):
        queue.put(order(name, nodes, desired))
    assert sorted(queue.pop().id for _ in names) == sorted(names)


async def test_a_region_whose_order_became_too_old_keeps_its_turn_when_it_is_decided_afresh() -> None:
    clock = VirtualClock()
    queue = OrderQueue(clock)
    queue.put(order("patient", 1, 100))
    await clock.advance(WAIT_THAT_WEIGHS_AS_MUCH)
    assert [one.id for one in queue.drop(lambda one: True)] == ["patient"]
    assert len(queue) == 0
    assert not queue._filled.is_set()
    await clock.advance(1)
    queue.put(replace(order("patient", 1, 100), id=OrderId("afresh")))
    queue.put(order("urgent", 1, 1))
    assert queue.pop().id == "afresh"


async def test_a_region_that_was_served_begins_to_wait_anew() -> None:
    clock = VirtualClock()
    queue = OrderQueue(clock)
    queue.put(order("served", 1, 100))
    await clock.advance(WAIT_THAT_WEIGHS_AS_MUCH)
    assert queue.pop().id == "served"
    queue.put(replace(order("served", 1, 100), id=OrderId("next")))
    queue.put(order("urgent", 1, 1))
    assert queue.pop().id == "urgent"


async def test_a_region_that_asked_for_nothing_for_a_while_has_lost_its_turn() -> None:
    clock = VirtualClock()
    queue = OrderQueue(clock)
    queue.put(order("content", 1, 100))
    await clock.advance(WAIT_THAT_WEIGHS_AS_MUCH)
    queue.drop(lambda one: True)
    await clock.advance(600)
    queue.put(replace(order("content", 1, 100), id=OrderId("later")))
    queue.put(order("urgent", 1, 1))
    assert queue.pop().id == "urgent"


def test_only_what_must_not_be_sent_is_dropped() -> None:
    queue = OrderQueue(VirtualClock())
    queue.put(order("old", 1, 1))
    queue.put(order("new", 1, 2))
    assert [one.id for one in queue.drop(lambda one: one.id == "old")] == ["old"]
    assert queue.pop().id == "new"
