"""Daemons killed with SIGKILL at random points of submitting, 200 rounds: the books are equal after every one.

KILL_ROUNDS and KILL_SEED vary the run. Each ground is a cloud with habits of its own and a ledger that lives through
all rounds played on it.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from autoscaler.model.names import ClusterId, InstanceId, OrderId, RegionId
from autoscaler.model.operation import ScaleOutCluster
from autoscaler.model.order import Order, OrderEvent, OrderState
from autoscaler.model.reason import Reason
from tests.integration.kills.books import Moment, differences, moment
from tests.integration.kills.forks import Nursery, nursery
from tests.integration.kills.ground import ground
from tests.integration.kills.plan import KINDS, named, round_plan
from tests.integration.kills.rounds import SETTLEMENTS, BooksDiffer, RoundResult, Rounds

ROUNDS = int(os.environ.get("KILL_ROUNDS", "200"))
SEED = os.environ.get("KILL_SEED", "1")
LAG = 0.3
"""Seconds by which one of the clouds shows late what was bought: less than settle_after."""
SCENES: Sequence[Mapping[str, object]] = (
    {},
    {"task_parameters": False, "accept_status": 202},
    {"task_seconds": 0.4, "answer_format": "xml"},
    {"task_parameters": False, "task_seconds": 0.3, "join_seconds": 0.3},
    {"visible": {part: {"after": LAG} for part in ("task", "tasks", "instances", "nodes")}},
)
ENOUGH = 100
"""Rounds from which on a kind of kill, settlement or fault that did not occur is a fault of the test."""


async def play(home: Nursery, folder: Path, number: int, stop: asyncio.Event, rounds: int) -> Sequence[RoundResult]:
    """Play rounds on one ground until one fails, here or elsewhere."""
    results: list[RoundResult] = []
    try:
        async with ground(home, folder, SCENES[number]) as stand:
            played = Rounds(stand)
            await played.begin()
            for index in range(rounds):
                if stop.is_set():
                    return results
                results.append(await played.play(round_plan(f"{SEED}/{number}/{index}")))
            await played.end()
    except BaseException:
        stop.set()
        raise
    return results


def distribution(results: Sequence[RoundResult]) -> tuple[str, Sequence[str]]:
    """What the rounds held, as a text, and the kinds that none of them held."""
    first = Counter(place for result in results for place in result.first)
    later = Counter(place for result in results for place in result.later)
    settled = Counter(reason for result in results for reason in result.settlements)
    faults = Counter(named(fault) for result in results for fault in result.plan.faults)
    kills = sum(1 + len(result.plan.again) for result in results)
    lines = [f"{len(results)} rounds, {kills} kills, all books equal; seed {SEED}"]
    lines += [f"  killed {place}: {first[place]} orders, {later[place]} more while recovering" for place in Moment]
    lines += [f"  doubts settled by {reason}: {settled[reason]}" for reason in SETTLEMENTS]
    met = ", ".join(f"{name} {times}" for name, times in sorted(faults.items()))
    lines.append(f"  faults that purchase calls were to meet: {met}")
    expected = {*Moment, *SETTLEMENTS, *KINDS}
    return "\n".join(lines), sorted(expected - {*first, *settled, *faults})


@pytest.mark.timeout(300)
async def test_no_kill_while_submitting_buys_twice_or_loses_a_purchase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = asyncio.Event()
    shares = [len(range(number, ROUNDS, len(SCENES))) for number in range(len(SCENES))]
    folders = [tmp_path / str(number) for number in range(len(SCENES))]
    for folder in folders:
        folder.mkdir()
    async with nursery() as home:
        played = await asyncio.gather(
            *(play(home, folders[number], number, stop, share) for number, share in enumerate(shares)),
            return_exceptions=True,
        )
    for outcome in played:
        if isinstance(outcome, BaseException):
            raise outcome
    results = [result for outcome in played if not isinstance(outcome, BaseException) for result in outcome]
    told, missing = distribution(results)
    with capsys.disabled():
        sys.stdout.write(f"\n{told}\n")
    assert len(results) == ROUNDS
    assert not missing or ROUNDS < ENOUGH, f"no round held {', '.join(missing)}\n{told}"


async def play_all(played: Rounds, seeds: Iterable[str]) -> None:
    for seed in seeds:
        await played.play(round_plan(seed))


async def test_the_rounds_catch_a_daemon_that_forgets_what_was_being_sent(tmp_path: Path) -> None:
    async with nursery() as home, ground(home, tmp_path, SCENES[0], plant="forget_what_was_being_sent") as stand:
        played = Rounds(stand)
        await played.begin()
        with pytest.raises(BooksDiffer):
            await play_all(played, (f"planted/{index}" for index in range(20)))


@dataclass(frozen=True)
class Sold:
    region: str
    nodes: int
    instances: Sequence[str]


REGION = RegionId("r1")
ORDER = Order(
    OrderId("o1"),
    1,
    REGION,
    ScaleOutCluster(ClusterId("c1"), "small", REGION, "ens.sn1", "img", "BandwidthByDay", 1, 40),
    2,
    10.0,
    20.0,
    state=OrderState.READY,
    instances=frozenset({InstanceId("i1"), InstanceId("i2")}),
)
SALE = Sold(REGION, 2, ("i1", "i2"))


def test_equal_books_do_not_differ() -> None:
    assert not differences({REGION: 2}, [SALE], [ORDER])


@pytest.mark.parametrize(
    ("wanted", "sales", "orders"),
    [
        (2, [SALE, replace(SALE, instances=("i3", "i4"))], [ORDER]),
        (2, [SALE], []),
        (2, [SALE], [replace(ORDER, state=OrderState.FAILED)]),
        (2, [SALE], [replace(ORDER, state=OrderState.ACCEPTED)]),
        (2, [SALE], [replace(ORDER, instances=frozenset({InstanceId("i1"), InstanceId("i9")}))]),
        (3, [SALE], [ORDER]),
        (2, [], [ORDER]),
    ],
    ids=["sold twice", "unknown", "written off", "still open", "other instances", "too few", "never sold"],
)
def test_books_that_differ_are_told(wanted: int, sales: Sequence[Sold], orders: Sequence[Order]) -> None:
    assert differences({REGION: wanted}, sales, orders)


def test_a_kill_is_placed_by_what_was_on_disk_and_sold_at_its_moment() -> None:
    def event(at: float, after: OrderState, reason: Reason) -> OrderEvent:
        return OrderEvent(ORDER.id, at, None, after, reason, "", "")

    history = [
        event(10.0, OrderState.PLANNED, Reason.DECIDED),
        event(11.0, OrderState.SUBMITTING, Reason.SENDING),
        event(13.0, OrderState.ACCEPTED, Reason.API_ACCEPTED),
    ]
    placed = [moment(at, history, [12.0]) for at in (9.5, 10.5, 11.5, 12.5, 13.5)]
    assert placed == [Moment.UNSENT, Moment.UNSENT, Moment.SENT, Moment.SOLD, Moment.RECORDED]
