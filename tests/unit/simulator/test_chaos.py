"""Chaos: faults that follow from a seed and from nothing else."""

import json
from collections import Counter

import aiohttp
import pytest
from pydantic import ValidationError

from autoscaler.simulator.chaos import Chaos, ChaosRates
from autoscaler.simulator.faults import KINDS, PURCHASES, Fault, Faults, FirstOf
from tests.unit.simulator.builders import NEAR, Caller, region, scenario

RATES = ChaosRates(
    purchases={"lose_answer": 0.2, "throttle": 0.2, "error_500_json": 0.2, "delay_answer": 0.2},
    reads={"lose_request": 0.3, "duplicate": 0.2},
)
SALE, READ = "ScaleOutCluster", "DescribeTaskInfo"


def taken(chaos: Chaos, action: str, calls: int) -> list[Fault | None]:
    return [chaos.take(action) for _ in range(calls)]


def test_the_same_seed_gives_the_same_faults_twice_and_another_seed_others() -> None:
    first, again, other = (taken(Chaos(seed, RATES), SALE, 200) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert len({fault.kind for fault in first if fault}) == 4


def test_calls_of_other_actions_in_between_change_nothing() -> None:
    alone, mixed = Chaos(7, RATES), Chaos(7, RATES)
    seen = []
    for _ in range(100):
        taken(mixed, READ, 3)
        seen.append(mixed.take(SALE))
    assert seen == taken(alone, SALE, 100)


def test_faults_come_as_often_as_their_rates_say() -> None:
    met = Counter(fault.kind if fault else "none" for fault in taken(Chaos(1, RATES), SALE, 4000))
    assert met.keys() == {"none", "lose_answer", "throttle", "error_500_json", "delay_answer"}
    assert all(700 < times < 900 for times in met.values())


def test_reads_and_purchases_have_rates_of_their_own() -> None:
    chaos = Chaos(1, RATES)
    assert {fault.kind for fault in taken(chaos, READ, 200) if fault} == {"lose_request", "duplicate"}
    for action in sorted(PURCHASES):
        assert {fault.kind for fault in taken(chaos, action, 100) if fault} == RATES.purchases.keys()


def test_actions_do_not_share_their_fate() -> None:
    chaos = Chaos(7, RATES)
    sales = [taken(chaos, action, 100) for action in sorted(PURCHASES)]
    kinds = [[fault and fault.kind for fault in faults] for faults in sales]
    assert len({tuple(course) for course in kinds}) == len(PURCHASES)


def test_what_a_fault_leaves_open_is_decided_by_the_seed_too() -> None:
    rates = ChaosRates(purchases={"throttle": 0.4, "error_500_json": 0.3, "hang_before": 0.3}, longest=5)
    faults = [fault for fault in taken(Chaos(3, rates), SALE, 500) if fault]
    throttled = [fault for fault in faults if fault.kind == "throttle"]
    assert {fault.status for fault in throttled} == {400, 429, 503}
    assert {fault.retry_after is None for fault in throttled} == {True, False}
    assert {fault.executed for fault in faults if fault.kind == "error_500_json"} == {True, False}
    waits = [fault.seconds for fault in faults if fault.kind == "hang_before"]
    assert 0 <= min(waits) < 1 < 4 < max(waits) <= 5


def test_every_kind_can_be_drawn_for_a_purchase() -> None:
    rates = ChaosRates(purchases=dict.fromkeys(KINDS, 1 / len(KINDS)))
    assert {fault.kind for fault in taken(Chaos(1, rates), SALE, 400) if fault} == set(KINDS)


def test_without_rates_or_after_a_stop_nothing_happens() -> None:
    assert taken(Chaos(1), SALE, 50) == [None] * 50
    chaos = Chaos(1, RATES)
    chaos.stop()
    assert taken(chaos, SALE, 50) == [None] * 50


@pytest.mark.parametrize(
    "wrong",
    [
        {"purchases": {"throttle": 0.6, "lose_answer": 0.5}},
        {"purchases": {"throttle": -0.1}},
        {"purchases": {"explode": 0.1}},
        {"reads": {"xml": 0.1}},
        {"longest": 0},
    ],
)
def test_rates_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ChaosRates.model_validate(wrong)


def test_a_fault_asked_for_comes_before_one_of_the_seed_and_moves_none_of_the_others() -> None:
    queue, chaos = Faults(), Chaos(7, RATES)
    luck = FirstOf(queue, chaos)
    queue.next_purchase("truncate")
    first, *rest = [luck.take(SALE) for _ in range(50)]
    assert first is not None
    assert first.kind == "truncate"
    assert rest == taken(Chaos(7, RATES), SALE, 50)[1:]


async def test_the_same_seed_gives_the_same_books_twice_over_http() -> None:
    rates = {"purchases": {"lose_answer": 0.3, "throttle": 0.2, "error_500_html": 0.2}, "reads": {"truncate": 0.3}}

    async def play(seed: int) -> dict[str, object]:
        async with Caller(scenario(region(stock=200), node_quota=500)) as caller:
            assert (await caller.post("/_simulator/chaos", json.dumps({"seed": seed, **rates}))).json == {"seed": seed}
            for _ in range(20):
                for call in (caller.buy(count=1), caller.nodes()):
                    try:
                        await call
                    except aiohttp.ClientError:
                        continue
            books: dict[str, object] = await caller.books()
            return books

    first, again, other = await play(5), await play(5), await play(6)
    assert first == again
    assert first != other
    assert isinstance(first["faults"], dict)
    assert set(first["faults"]) == {"lose_answer", "throttle", "error_500_html", "truncate"}
    assert first["sold"] != {NEAR: 0}


async def test_chaos_over_http_ends_when_it_is_told_to_and_refuses_nonsense() -> None:
    async with Caller(scenario()) as caller:
        await caller.post("/_simulator/chaos", '{"purchases": {"throttle": 1}}')
        assert (await caller.buy(count=1)).status >= 400
        await caller.post("/_simulator/chaos", "{}")
        assert (await caller.buy(count=1)).status == 200
        wrong = await caller.post("/_simulator/chaos", '{"purchases": {"throttle": 2}}')
    assert wrong.status == 400
    assert "purchases.throttle" in wrong.json["problems"][0]
