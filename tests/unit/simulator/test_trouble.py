"""Trouble by a seed: what becomes of purchases follows from the seed and from nothing else."""

import json
from typing import get_args

import pytest
from pydantic import ValidationError

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.dice import Dice
from autoscaler.simulator.records import Refusal
from autoscaler.simulator.script import PurchaseScript
from autoscaler.simulator.trouble import SeededTrouble, Trouble, TroubleRates
from tests.unit.simulator.builders import FAR, NEAR, START, Caller, purchase, region, scenario

KINDS: tuple[Trouble, ...] = get_args(Trouble)
ALL = TroubleRates(rates=dict.fromkeys(KINDS, 1 / len(KINDS)))


def scripts(seed: int, rates: TroubleRates, name: str = NEAR, purchases: int = 300) -> list[PurchaseScript | None]:
    trouble = SeededTrouble(seed, rates)
    return [trouble(name, number) for number in range(1, purchases + 1)]


def test_the_same_seed_gives_the_same_scripts_twice_and_another_seed_or_region_others() -> None:
    assert scripts(1, ALL) == scripts(1, ALL)
    assert scripts(1, ALL) != scripts(2, ALL)
    assert scripts(1, ALL) != scripts(1, ALL, FAR)


def test_trouble_comes_as_often_as_its_rate_says() -> None:
    rates = TroubleRates(rates={"task_never_ends": 0.25})
    found = [script for script in scripts(3, rates, purchases=2000) if script]
    assert 430 < len(found) < 570
    assert {script.task for script in found} == {"running"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_trouble_can_be_played_and_changes_what_becomes_of_a_purchase(kind: Trouble) -> None:
    given = scenario(region(initial_nodes=0, stock=100), task_seconds=60, join_seconds=30)
    told: list[object] = []
    for rates in (TroubleRates(), TroubleRates(rates={kind: 1.0})):
        books = CloudBooks(given, START)
        books.scripts.improvise = SeededTrouble(5, rates)
        try:
            task = books.buy(purchase(2), "r", START)
        except Refusal as refusal:
            told.append([refusal.code])
            continue
        told.append(
            [
                (
                    books.task_book.found(task.id, START + second) is not None,
                    task.state(START + second),
                    [(row.state, row.status) for row in books.listed_nodes(task.cluster, START + second)],
                    len(books.listed_instances(START + second, NEAR)),
                )
                for second in range(0, 6000, 3)
            ]
        )
    assert told[0] != told[1]


def test_rates_beyond_one_are_refused() -> None:
    for wrong in ({"flaps": 1.1}, {"flaps": 0.6, "never_joins": 0.6}, {"no_such_thing": 0.1}):
        with pytest.raises(ValidationError):
            TroubleRates.model_validate({"rates": wrong})


def test_a_text_gives_ten_throws_and_no_more() -> None:
    dice = Dice("x")
    assert len({dice.share() for _ in range(10)}) == 10
    with pytest.raises(IndexError):
        dice.share()


async def test_trouble_can_be_set_over_http() -> None:
    async with Caller(scenario(task_seconds=1)) as caller:
        wanted = {"seed": 3, "rates": {"task_odd_word": 1}}
        assert (await caller.post("/_simulator/trouble", json.dumps(wanted))).json == {"seed": 3}
        task = (await caller.buy()).json["task_id"]
        await caller.clock.advance(1)
        assert (await caller.task(task)).json["state"] == "never_documented"
        assert (await caller.post("/_simulator/trouble", '{"rates": {"x": 1}}')).status == 400
