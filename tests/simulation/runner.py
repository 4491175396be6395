"""Many seeds over several processes: seed numbers come in, results go out as they are ready."""

import gc
import multiprocessing
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.simulation.planted import AS_SHIPPED, PLANTED
from tests.simulation.simulation import run
from tests.simulation.story import Violation

_IN_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of one's own is made in it
_CHUNK = 4


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one seed. `failure` is None when every promise was kept; `seconds` are simulated."""

    seed: int
    digest: str = ""
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    failure: str | None = None


def run_seed(seed: int, planted: str | None = None) -> Result:
    """One seed, in this process; with a planted bug, where one is named."""
    parent = _IN_MEMORY if _IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="autoscaler-simulation-", dir=parent) as folder:
        try:
            outcome = run(seed, Path(folder), PLANTED[planted] if planted else AS_SHIPPED)
        except Violation as violation:
            return Result(seed, failure=str(violation))
        except Exception:  # noqa: BLE001  # a seed that the simulation itself can not run fails, too
            return Result(seed, failure=f"seed {seed}: {traceback.format_exc()}")
    return Result(seed, outcome.digest, outcome.seconds, outcome.counts)


def run_seeds(first: int, seeds: int, jobs: int, planted: str | None = None) -> Iterator[Result]:
    """The seeds from `first` on, over `jobs` processes; in no order, but for one process."""
    numbers, one = range(first, first + seeds), partial(run_seed, planted=planted)
    if jobs <= 1 or seeds <= 1:
        yield from map(one, numbers)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, initializer=_settle_in) as pool:
        yield from pool.imap_unordered(one, numbers, chunksize=_CHUNK)


def _settle_in() -> None:
    """What is loaded stays: the collection after each seed need not look at it."""
    gc.collect()
    gc.freeze()
