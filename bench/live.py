"""Scraping side by side: targets, clients that scrape them at the same time and pace, and windows of both.

Each client's CPU clock is read at the beginning and the end of a window, and divided by the answers that the targets
gave that client between the two readings.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.arithmetic import per_scrape, percentile, steps
from bench.children import Child
from bench.client import ClientSpec
from bench.control import READY
from bench.ours import Reader
from bench.peers import Job, Prometheus
from bench.sums import JOB, REGION_LABEL
from bench.targets import TargetsSpec, address

_START = 60.0
_WITHIN_A_SECOND = 0.85
"""Where in a second windows begin and end: our waves begin with a second and are over by then."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two scrapes of a target, before the first window, and of a window; and how many windows."""

    interval: float = 10.0
    warm_up: float = 23.0
    window: float = 10.0
    windows: int = 3

    @property
    def seconds(self) -> float:
        """What all of it takes."""
        return self.warm_up + self.window * self.windows


@dataclass(frozen=True, slots=True)
class Client:
    """Something that scrapes: ours if `ours`, a Prometheus if `prometheus`."""

    name: str
    child: Child
    ours: bool = False
    prometheus: Prometheus | None = None


@dataclass(slots=True)
class Measured:
    """What was measured of one client: a list for each window, and the state at the end.

    `cpu_s` are seconds of CPU, `scrapes` answered scrapes, `missed` those that did not come or failed,
    `samples` how many were kept of each.
    """

    cpu_s: list[float] = field(default_factory=list)
    scrapes: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    rss_mb: float = 0.0
    missed: int = 0
    samples: float = 0.0
    lag_ms: float = 0.0
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def us_per_scrape(self) -> list[float]:
        """Microseconds of CPU a scrape, for each window. Raises ValueError if there was none in one."""
        return [per_scrape(cpu, scrapes) for cpu, scrapes in zip(self.cpu_s, self.scrapes, strict=True)]


def job(client: str, page: str, targets: int, port: int, pace: Pace, *, regions: int = 0) -> dict[str, Any]:
    """A scrape job in Prometheus' keys: the path names the client, to be counted by the targets.

    The targets are spread over so many regions, each in one of its own if not said.
    """
    names = [f"region-{number:04}" for number in range(regions or targets)]
    groups: dict[str, list[str]] = {name: [] for name in names}
    for target in range(targets):
        groups[names[target % len(names)]].append(f"{address(target)}:{port}")
    return {
        "job_name": JOB,
        "scrape_interval": f"{pace.interval:g}s",
        "scrape_timeout": f"{min(5.0, pace.interval):g}s",
        "metrics_path": f"/{page}/{client}",
        "static_configs": [
            {"targets": addresses, "labels": {REGION_LABEL: name}} for name, addresses in groups.items()
        ],
    }


def start_targets(stack: ExitStack, folder: Path, spec: TargetsSpec) -> Child:
    """The process that answers for all targets; ready when it is returned."""
    return _start_ours(stack, folder, "targets", "bench.targets", spec.as_json())


def start_ours(
    stack: ExitStack, folder: Path, name: str, what: Job, wanted: Sequence[str], reader: Reader, core: int | None = None
) -> Client:
    """Our scrape source, in a process of its own; ready when it is returned."""
    spec = ClientSpec(what, tuple(wanted), reader, core)
    return Client(name, _start_ours(stack, folder, name, "bench.client", spec.as_json()), ours=True)


def _start_ours(stack: ExitStack, folder: Path, name: str, module: str, spec: Mapping[str, Any]) -> Child:
    file = folder / f"{name}.json"
    file.write_text(json.dumps(spec))
    child = stack.enter_context(Child(name, [sys.executable, "-m", module, str(file)], folder, speaks=True))
    if child.heard(_START) != READY:
        raise AssertionError(f"{name} did not say that it is ready")
    return child


Counts = Callable[[], Mapping[str, float]]
"""Answers so far, by client."""


def measure(targets: Child | None, clients: Sequence[Client], pace: Pace, *, fleet: int) -> Mapping[str, Measured]:
    """Warm up, then all windows of all clients at once. `fleet` targets are scraped by each client.

    Without a target server of ours nobody counts: the answers are then those that the pace demands, and what failed
    is what the clients say.
    """
    time.sleep(pace.warm_up)
    _align()
    _begin(targets, clients)
    started = time.time()
    readings = [_reading(targets, clients, pace, fleet, started)]
    for number in range(1, pace.windows + 1):
        time.sleep(max(0.0, started + number * pace.window - time.time()))
        readings.append(_reading(targets, clients, pace, fleet, started))
    took = time.time() - started
    missed = _missed(targets.ask("counts"), clients, fleet, took / pace.interval) if targets else {}
    found = {}
    for client in clients:
        one = Measured(
            cpu_s=steps([reading.cpu[client.name] for reading in readings]),
            scrapes=steps([reading.answers[client.name] for reading in readings]),
            seconds=steps([reading.at for reading in readings]),
            rss_mb=client.child.rss_mb(),
            missed=missed.get(client.name, 0),
        )
        _add_what_it_says(client, one, took)
        found[client.name] = one
    return found


def _missed(counts: Mapping[str, Any], clients: Sequence[Client], fleet: int, passes: float) -> Mapping[str, int]:
    """Scrapes that each client left out. Targets that it never asked leave no gap behind: every pass is missing."""
    never = {"targets": 0, "missed": 0}
    said = {client.name: counts.get(client.name, never) for client in clients}
    return {name: one["missed"] + (fleet - one["targets"]) * round(passes) for name, one in said.items()}


@dataclass(frozen=True, slots=True)
class _Reading:
    at: float
    cpu: Mapping[str, float]
    answers: Mapping[str, float]


def _reading(targets: Child | None, clients: Sequence[Client], pace: Pace, fleet: int, started: float) -> _Reading:
    now = time.time()
    cpu = {client.name: client.child.cpu() for client in clients}
    if targets is None:
        paced = fleet * (now - started) / pace.interval
        return _Reading(now, cpu, dict.fromkeys(cpu, paced))
    counts = targets.ask("counts")
    return _Reading(now, cpu, {name: float(counts[name]["answers"]) if name in counts else 0.0 for name in cpu})


def _align() -> None:
    time.sleep((_WITHIN_A_SECOND - time.time()) % 1.0)


def _begin(targets: Child | None, clients: Sequence[Client]) -> None:
    if targets is not None:
        targets.ask("begin")
    for client in clients:
        if client.ours:
            client.child.ask("begin")


def _add_what_it_says(client: Client, one: Measured, took: float) -> None:
    if client.ours:
        said = client.child.ask("report")
        one.missed += int(said["failed"])
        one.samples = said["samples"] / said["up"] if said["up"] else 0.0
        one.lag_ms = percentile(said["lags_ms"], 0.99)
        one.reasons = said["reasons"]
    elif client.prometheus is not None:
        one.missed += client.prometheus.failed(took)
        one.samples = client.prometheus.query("avg(scrape_samples_post_metric_relabeling)")
