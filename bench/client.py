"""Our scrape source as a process of its own, on the loop that the daemon runs: collect, post to the signal board.

A ClientSpec comes in as a JSON file. Lines on stdin are commands (see `control`): `begin` starts the measurement,
`report` prints what came since. What the daemon needs is imported here and next to nothing else: memory is measured.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autoscaler.clock import SystemClock
from autoscaler.loop.bell import Bell
from autoscaler.loop.collect import collect_forever
from autoscaler.model.events import Event, SourceFailed, WaveArrived
from bench.control import command_loop, raise_open_files, read_spec
from bench.ours import Reader, scrape_source, signal_board

_PROBE = 0.25
"""Seconds between two looks at how late the loop is: often enough for a percentile, too seldom to cost anything."""


@dataclass(frozen=True, slots=True)
class ClientSpec:
    """The scrape job in Prometheus' keys, the families that are wanted, and the only core that may be used, if any."""

    job: Mapping[str, Any]
    wanted: tuple[str, ...]
    reader: Reader
    core: int | None = None

    def as_json(self) -> dict[str, Any]:
        """What `main` reads."""
        return asdict(self)


class Tally:
    """An Observer that counts targets, by whether they answered."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Count from here."""
        self.up = 0
        self.samples = 0
        self.reasons: Counter[str] = Counter()

    def notice(self, event: Event) -> None:
        """Implements ports.Observer."""
        match event:
            case WaveArrived(wave):
                for target in wave.targets:
                    if target.up:
                        self.up += 1
                        self.samples += sum(len(column.values) for column in target.columns.values())
                    else:
                        self.reasons[f"{target.reason}: {target.detail}"] += 1
            case SourceFailed(source, why):
                self.reasons[f"{source}: {why}"] += 1


class LagProbe:
    """How late the event loop runs what is due: milliseconds, four times a second."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.lags: list[float] = []
        self._due = loop.time() + _PROBE
        loop.call_at(self._due, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        self.lags.append((now - self._due) * 1e3)
        self._due = now + _PROBE
        self._loop.call_at(self._due, self._look)


async def _scrape(spec: ClientSpec) -> None:
    clock, tally = SystemClock(), Tally()
    source = scrape_source(spec.job, spec.wanted, spec.reader)
    probe = LagProbe(asyncio.get_running_loop())

    def begin() -> dict[str, Any]:
        tally.begin()
        probe.lags.clear()
        return {}

    def report() -> dict[str, Any]:
        failed = sum(tally.reasons.values())
        reasons = dict(tally.reasons.most_common(3))
        return {"up": tally.up, "samples": tally.samples, "failed": failed, "reasons": reasons, "lags_ms": probe.lags}

    board = signal_board(spec.job, spec.wanted)
    collecting = asyncio.create_task(collect_forever(source, board, Bell(clock, 0.05), clock, tally), name="collect")
    try:
        await command_loop({"begin": begin, "report": report})
    finally:
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
        await source.close()


if __name__ == "__main__":
    raise_open_files()
    given = read_spec(ClientSpec, Path(sys.argv[1]))
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    asyncio.run(_scrape(given))
