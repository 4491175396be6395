"""The edge fleet: every ready node's /metrics page, and the list of targets that a discovery reads.

The books say which nodes there are, the scenario what their users send; pages and target lists go out. It speaks no
HTTP and buys nothing. A node in the dark still runs and counts: only its page can not be reached.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics import exposition as openmetrics_exposition
from prometheus_client.registry import Collector

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.load import NodeReading, RegionLoad

_CORES = 2
_MEMORY_BYTES = 4 * 1024**3
_OPENMETRICS = "application/openmetrics-text"


class EdgeFleet:
    """The nodes as their own users see them. Every `now` is Unix seconds of simulated time."""

    def __init__(self, books: CloudBooks) -> None:
        self._books = books
        capacity = books.scenario.capacity_per_node
        self._loads = {region.region: RegionLoad(region.demand, capacity) for region in books.scenario.regions}
        self._known = dict.fromkeys(self._loads, 0)
        self._left: set[str] = set()

    def reading(self, region: str, instance: str, now: float) -> NodeReading | None:
        """What a node measures; None when the region has no such node or it has not joined yet."""
        machine = self._books.instance(instance)
        if machine is None or machine.region != region or not machine.has_joined(now):
            return None
        return self._load(region).reading(self._books.second(machine.ready_at), self._books.second(now))

    def targets(self, address: str, now: float) -> list[dict[str, object]]:
        """All nodes that have joined, as a Prometheus file_sd or http_sd document. `address` is host:port."""
        return [
            {
                "targets": [address],
                "labels": {
                    "ens_region_id": region.region,
                    "node": machine.node_name,
                    "instance_id": machine.id,
                    "__metrics_path__": metrics_path(region.region, machine.id),
                },
            }
            for region in self._books.scenario.regions
            for machine in self._books.ready(region.region, now)
        ]

    def _load(self, region: str) -> RegionLoad:
        load, machines = self._loads[region], self._books.region_instances(region)
        fresh = [machine for machine in machines[self._known[region] :] if machine.ready_at < inf]
        self._known[region] = len(machines)
        if fresh:
            load.join([self._books.second(machine.ready_at) for machine in fresh])
        for gone in self._books.task_book.removals:
            if gone.region == region and gone.id not in self._left:
                self._left.add(gone.id)
                if gone.ready_at < inf:
                    load.leave(self._books.second(max(gone.removed_at, gone.ready_at)))
        return load


def metrics_path(region: str, instance: str) -> str:
    """Where a node's page is."""
    return f"/edge/{region}/{instance}/metrics"


def write_file_sd(path: Path, targets: Sequence[dict[str, object]]) -> None:
    """Replace a file_sd file at once: a reader sees the old list or the new one, never half of one. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(targets, indent=1), encoding="utf-8")
    fresh.replace(path)


def page(reading: NodeReading, accept: str) -> tuple[bytes, str]:
    """A node's page and its content type: OpenMetrics 1.0 if the Accept header prefers it, else text 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(reading))
    if prefers_openmetrics(accept):
        written = openmetrics_exposition.generate_latest(registry)  # type: ignore[no-untyped-call]  # untyped there
        return written, openmetrics_exposition.CONTENT_TYPE_LATEST
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


def prefers_openmetrics(accept: str) -> bool:
    """Whether an Accept header ranks OpenMetrics 1.0 above the text format.

    >>> prefers_openmetrics("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5")
    True
    >>> prefers_openmetrics("text/plain, application/openmetrics-text;q=0.5")
    False
    """
    rank = {_OPENMETRICS: 0.0, "text/plain": 0.0}
    for offer in accept.lower().split(","):
        kind, *written = (part.strip() for part in offer.split(";"))
        parameters = dict(one.partition("=")[::2] for one in written)
        unreadable = kind == _OPENMETRICS and parameters.get("version", "1.0.0") != "1.0.0"
        if kind in rank and not unreadable:
            rank[kind] = max(rank[kind], _quality(parameters.get("q", "1")))
    return rank[_OPENMETRICS] > rank["text/plain"]


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


@dataclass(frozen=True, slots=True)
class _Snapshot(Collector):
    """The families of one page."""

    reading: NodeReading

    def collect(self) -> Iterator[Metric]:
        reading = self.reading
        yield GaugeMetricFamily("node_load1", "1m load average.", reading.utilization * _CORES)
        yield GaugeMetricFamily("node_memory_MemTotal_bytes", "Memory in total, bytes.", _MEMORY_BYTES)
        free = _MEMORY_BYTES * (0.8 - 0.6 * reading.utilization)
        yield GaugeMetricFamily("node_memory_MemAvailable_bytes", "Memory that is available, bytes.", free)
        yield self._cpu()
        yield GaugeMetricFamily("edge_requests_per_second", "Requests that reach this node.", reading.rate)
        yield GaugeMetricFamily("edge_cpu_utilization_ratio", "Share of the CPU in use, 0 to 1.", reading.utilization)
        yield CounterMetricFamily("edge_requests", "Requests since this node joined.", reading.requests)

    def _cpu(self) -> Metric:
        family = CounterMetricFamily("node_cpu_seconds", "Seconds the CPUs spent in each mode.", labels=["cpu", "mode"])
        idle = max(0.0, self.reading.up_seconds - self.reading.busy_seconds)
        for cpu in range(_CORES):
            family.add_metric([str(cpu), "idle"], idle)
            family.add_metric([str(cpu), "system"], self.reading.busy_seconds * 0.2)
            family.add_metric([str(cpu), "user"], self.reading.busy_seconds * 0.8)
        return family
