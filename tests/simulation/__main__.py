"""`python -m tests.simulation --seeds N --first K`: run seeds, print what they held. Exits 1 when a promise broke."""

import argparse
import sys
from collections import Counter

from tests.simulation.planted import PLANTED
from tests.simulation.runner import run_seeds
from tests.simulation.table import ENOUGH_SEEDS, missing, table

_TOLD_IN_FULL = 3
_PROGRESS_EVERY = 50


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--planted", choices=sorted(PLANTED), help="give the daemon this bug: the run must fail")
    asked = parser.parse_args()
    counts: Counter[str] = Counter()
    failed: list[int] = []
    seconds = 0.0
    for done, result in enumerate(run_seeds(asked.first, asked.seeds, asked.jobs, asked.planted), start=1):
        counts += result.counts
        seconds += result.seconds
        if result.failure is not None:
            failed.append(result.seed)
            if len(failed) <= _TOLD_IN_FULL:
                _say(f"{result.failure}\n")
        if done % _PROGRESS_EVERY == 0:
            _say(f"{done} of {asked.seeds} seeds, {len(failed)} failed")
    _say(table(asked.seeds, seconds, counts))
    return _judged(asked.seeds, failed, counts, f" PLANTED={asked.planted}" if asked.planted else "")


def _judged(seeds: int, failed: list[int], counts: Counter[str], planted: str) -> int:
    for seed in sorted(failed):
        _say(f"FAILED seed {seed}; replay: make simulate SEEDS=1 FIRST={seed}{planted}")
    absent = missing(counts)
    if absent and seeds >= ENOUGH_SEEDS:
        _say(f"FAILED: no seed provoked: {', '.join(absent)}")
        return 1
    if absent:
        _say(f"not provoked by so few seeds (from {ENOUGH_SEEDS} on this fails): {', '.join(absent)}")
    return 1 if failed else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
