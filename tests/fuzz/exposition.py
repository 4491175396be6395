"""Fuzzing pages of metrics: the fast path and the strict path must say the same of every page.

`python -m tests.fuzz.exposition --seconds N --seed S`. A round is a few pages of two targets of one job, generated,
changed as exporters change them, and then broken at random. What a target with a memory reads is compared with what
the strict path of a job without any memory reads. A disagreement is printed with a line that replays its round.
"""

import argparse
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from autoscaler.model.signals import Column
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.exposition import PageMemory, Pages, Unparsable
from autoscaler.sources.exposition.framing import framed
from autoscaler.sources.exposition.grammar import labels_of
from autoscaler.sources.exposition.strict import read_strictly
from tests.fuzz.exporter import WANTED, Exporter, broken

TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NOW = 1_800_000_000.0
CONFIG = ScrapeConfig(job_name="fuzz")
Outcome = Mapping[str, Sequence[object]] | tuple[str, str]
"""Rows by metric, or the refusal's reason and words."""


def outcome(read: Callable[[], Mapping[str, Column]]) -> Outcome:
    """What came of a page, so that it can be compared: NaN equals NaN, the metrics in any order."""
    try:
        columns = read()
    except Unparsable as refused:
        return refused.reason, str(refused)
    return {metric: rows_of(column) for metric, column in sorted(columns.items())}


def rows_of(column: Column) -> Sequence[object]:
    """Labels, value and time of each series, in the order of the page."""
    times = itertools.repeat(column.at) if isinstance(column.at, float | int) else column.at
    assert len(column.series) == len(column.values) > 0
    return [
        (tuple(sorted(labels.items())), repr(value), at)
        for labels, value, at in zip(column.series, column.values, times, strict=False)
    ]


class Disagreement(AssertionError):
    """The two paths say different things of a page."""


def fuzz_round(seed: str) -> int:
    """One round; gives how many of its pages were taken. Raises Disagreement."""
    dice = random.Random(seed)  # noqa: S311  # a page needs no secret
    pages = Pages(WANTED, CONFIG)
    targets = [(Exporter(dice), pages.target()) for _ in range(2)]
    taken = 0
    for _ in range(dice.randrange(2, 9)):
        exporter, memory = dice.choice(targets)
        if dice.randrange(3):
            exporter.change()
        body = exporter.page()
        if dice.randrange(3) == 0:
            body = broken(body, dice)
        taken += agree(memory, body, OPENMETRICS if exporter.openmetrics else TEXT)
    return taken


def oracle(body: bytes, content_type: str) -> Mapping[str, Column]:
    """What the strict path says, put together without anything that the fast path uses."""
    page = framed(body, content_type)
    statement = read_strictly(page, WANTED)
    times: Sequence[float | None] = statement.times or (None,) * len(statement.keys)
    return {
        metric: Column(
            tuple(labels_of(key) for key in statement.keys[start:stop]),
            statement.values[start:stop],
            [NOW if time is None else time for time in times[start:stop]],
        )
        for metric, start, stop in statement.spans
    }


def agree(memory: PageMemory, body: bytes, content_type: str) -> bool:
    """Whether the page was taken, by both paths. Raises Disagreement."""
    expected = outcome(lambda: oracle(body, content_type))
    found = outcome(lambda: memory.read(body, content_type, NOW))
    if found != expected:
        raise Disagreement(f"{content_type}\n{body!r}\nstrict: {expected}\nread:   {found}")
    if isinstance(found, tuple):
        return False
    again = [memory.read(body, content_type, NOW) for _ in range(2)]
    if any(again[0][metric].series is not again[1][metric].series for metric in found):
        raise Disagreement(f"{content_type}\n{body!r}\nthe same series are not the same object")
    return True


def fuzz(seed: int, rounds: Iterator[int]) -> tuple[int, int]:
    """Rounds done and pages taken. Raises Disagreement, whose first line replays the round."""
    done = taken = 0
    for number in rounds:
        try:
            taken += fuzz_round(f"{seed}:{number}")
        except Exception as error:
            replay = f"python -m tests.fuzz.exposition --replay {seed}:{number}"
            raise Disagreement(f"{replay}\n{type(error).__name__}: {error}") from error
        done += 1
    return done, taken


def main(given: Sequence[str]) -> int:
    """0 if all agreed, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.exposition", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", help="SEED:ROUND, as a disagreement prints it")
    asked = parser.parse_args(given)
    if asked.replay:
        seed, _, number = asked.replay.partition(":")
        rounds: Iterator[int] = iter((int(number),))
    else:
        end = time.monotonic() + asked.seconds
        seed, rounds = asked.seed, itertools.takewhile(lambda _: time.monotonic() < end, itertools.count())
    try:
        done, taken = fuzz(int(seed), rounds)
    except Disagreement as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{done} rounds, {taken} pages taken, no disagreement\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
