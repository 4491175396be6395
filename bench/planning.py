"""Samples to plan, and the same sums by Prometheus' recording rules.

Ours: one wave of 2,000 targets, every region decided. The peer: two Prometheus servers on the same targets, one with
the rules and one without; what the rules cost is the difference of their CPU.
"""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.children import free_port
from bench.live import Client, Pace, job, measure, start_targets
from bench.ours import Planning, page_readers, wave_of
from bench.page_shapes import NODE_WANTED, STILL, node_page
from bench.pages import MARK
from bench.peers import PeerMissing, keeping, prometheus, start_prometheus
from bench.rows import SPECS, Row
from bench.scraping import Run
from bench.sums import CPU, LOAD, MEMORY, WINDOW, Samples, by_hand, recording_rules
from bench.targets import TargetsSpec

PACE = Pace(interval=5.0, warm_up=36.0, window=10.0, windows=3)
"""The range of the rules is full before the first window."""
_ROUNDS = 7
_SPREAD = 8
"""Pages that targets begin with: so many, and the rounds after them, are less than there are versions."""
_RATE_MAY_DIFFER = 0.1
"""Whether a sample at the very edge of the window counts, and how a rate is carried on to its ends, are conventions."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """CPU and wall milliseconds of each round, from the arrival of a wave to the plan."""

    cpu_ms: Sequence[float]
    wall_ms: Sequence[float]


def planning(run: Run, stack: ExitStack) -> Iterable[Row]:
    """Both rows; the recording rules only where they are wanted and there is a Prometheus."""
    ours = rounds(targets=2000, regions=1000)
    yield Row(SPECS["plan-time"], ours.cpu_ms, more={"wall_ms": [round(value, 2) for value in ours.wall_ms]})
    if not run.wants("plan-rules"):
        return
    try:
        label = prometheus().label
        peer = _rules(run, stack, fleet=2000)
    except PeerMissing as missing:
        yield Row(SPECS["plan-rules"], ours.cpu_ms, more={"note": str(missing)})
        return
    yield Row(SPECS["plan-rules"], ours.cpu_ms, peer, label)


def rounds(*, targets: int, regions: int, count: int = _ROUNDS) -> Rounds:
    """Plan round after round on changing pages. Raises AssertionError if a sum is not what it should be."""
    page = node_page(STILL, only_wanted=True)
    readers = page_readers(NODE_WANTED, targets)
    names = [f"region-{number % regions:04}" for number in range(targets)]
    plan = Planning(sorted(set(names)))
    began = float(int(time.time()))
    history: list[list[Samples]] = []
    cpu, wall = [], []
    for number in range(count + 1):
        at = began + number * PACE.interval
        columns = [read(page.body(place % _SPREAD + number, MARK), at) for place, read in enumerate(readers)]
        wave = wave_of(names, columns, at)
        cpu_before, wall_before = time.thread_time(), time.perf_counter()
        decided = plan.plan(wave, at)
        cpu.append((time.thread_time() - cpu_before) * 1e3)
        wall.append((time.perf_counter() - wall_before) * 1e3)
        history.append([{metric: list(column.values) for metric, column in one.items()} for one in columns])
    looked_back = min(count, round(WINDOW / PACE.interval))
    right = by_hand(names, history[-1 - looked_back], history[-1], looked_back * PACE.interval)
    check(plan.signals(decided), right)
    return Rounds(cpu[1:], wall[1:])


def check(ours: Mapping[str, Mapping[str, float | None]], right: Mapping[str, Mapping[str, float]]) -> None:
    """Raises AssertionError, with the region and the sum, where the two differ."""
    if ours.keys() != right.keys():
        raise AssertionError(f"{len(ours)} regions were decided, not {len(right)}")
    for region, sums in right.items():
        for name, tolerance in ((LOAD, 1e-9), (MEMORY, 1e-9), (CPU, _RATE_MAY_DIFFER)):
            value = ours[region][name]
            if value is None or not math.isclose(value, sums[name], rel_tol=tolerance):
                raise AssertionError(f"{name} of {region} is {value}, not {sums[name]}")


def _rules(run: Run, stack: ExitStack, fleet: int) -> list[float]:
    """CPU milliseconds that one evaluation of all three rules costs, for each window."""
    port = free_port()
    targets = start_targets(stack, run.folder, TargetsSpec(port, PACE.interval))
    clients = []
    for name, rules in (("without-rules", ()), ("with-rules", recording_rules())):
        what = keeping(job(name, "node-wanted", fleet, port, PACE, regions=1000), NODE_WANTED)
        started = start_prometheus(stack, run.folder, name, what, rules)
        clients.append(Client(name, started.child, prometheus=started))
    found = measure(targets, clients, PACE, fleet=fleet)
    without, with_rules = found["without-rules"], found["with-rules"]
    return [
        (ruled - plain) / seconds * 1e3  # they are evaluated once a second
        for ruled, plain, seconds in zip(with_rules.cpu_s, without.cpu_s, with_rules.seconds, strict=True)
    ]
