"""The stages of a run: which rows each brings, how long it takes at most, and in which order they go.

A stage that fails costs its own rows only, and says why.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import scraping
from bench.children import children
from bench.exposing import exposing
from bench.extraction import extraction
from bench.planning import PACE as RULES_PACE
from bench.planning import planning
from bench.rows import SPECS, Row
from bench.scraping import FLEET_PACE, PACE, Run

BUDGET = 480.0
"""Seconds that all rows together may take."""
_STARTING = 8.0
"""Seconds that the processes of a stage take to start and to end."""

Stage = Callable[[Run, ExitStack], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Planned:
    """A stage: what runs it, its rows, and the seconds that it takes at most."""

    run: Stage
    rows: tuple[str, ...]
    seconds: float


STAGES = (
    Planned(lambda run, _: extraction(run), ("extraction-node", "extraction-ksm"), 30.0),
    Planned(lambda run, _: exposing(run), ("exposition", "exposition-block"), 20.0),
    Planned(planning, ("plan-time", "plan-rules"), RULES_PACE.seconds + _STARTING),
    Planned(scraping.node, ("node", "node-aiohttp", "memory-prometheus", "memory-vmagent"), PACE.seconds + _STARTING),
    Planned(scraping.exporter, ("exporter",), PACE.seconds + _STARTING),
    Planned(scraping.ksm, ("ksm", "ksm-gzip"), PACE.seconds + _STARTING),
    Planned(scraping.tls, ("tls", "tls-memory"), PACE.seconds + _STARTING),
    Planned(scraping.fleet, ("fleet-missed", "fleet-memory"), FLEET_PACE.seconds + _STARTING),
    Planned(scraping.lag, ("lag",), PACE.seconds + _STARTING),
)


def run_stages(wanted: frozenset[str], tell: Callable[[str], None]) -> Iterator[Row]:
    """Every row that is wanted, as it comes. `tell` hears what goes on."""
    began = time.monotonic()
    lags: dict[str, float] = {}
    for stage in STAGES:
        names = [name for name in stage.rows if name in wanted]
        if not names:
            continue
        # The lag comes of the runs before it; it takes time of its own only where there was none.
        left, needed = BUDGET - (time.monotonic() - began), 0.0 if lags and names == ["lag"] else stage.seconds
        if needed > left:
            yield from (Row(SPECS[name], failed=f"{left:.0f} s are left, {needed:.0f} are needed") for name in names)
            continue
        tell(f"{', '.join(names)}: about {needed:.0f} s")
        yield from (row for row in _rows(stage, wanted, names, lags) if row.spec.name in wanted)


def _rows(stage: Planned, wanted: frozenset[str], names: list[str], lags: dict[str, float]) -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    found: list[Row] = []
    try:
        with children() as stack:
            found.extend(stage.run(Run(folder, wanted, lags), stack))
    except Exception as error:  # noqa: BLE001  # a peer that is not there, a child that died, our own fault: told
        done = {row.spec.name for row in found}
        why = " ".join(f"{type(error).__name__}: {error}".split())
        found += [Row(SPECS[name], failed=why) for name in names if name not in done]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return found
