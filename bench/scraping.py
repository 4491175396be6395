"""The rows that scrape: which targets, which clients side by side, and which rows come of them."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import certificate
from bench.arithmetic import median
from bench.children import free_port
from bench.live import Client, Measured, Pace, job, measure, start_ours, start_targets
from bench.page_shapes import KSM_WANTED, NODE_WANTED
from bench.peers import (
    Job,
    PeerMissing,
    keeping,
    prometheus,
    start_node_exporter,
    start_prometheus,
    start_vmagent,
    vmagent,
)
from bench.rows import SPECS, Row
from bench.targets import TargetsSpec

PACE = Pace()
FLEET_PACE = Pace(interval=15.0, warm_up=32.0, window=15.0, windows=2)


@dataclass(slots=True)
class Run:
    """One run of a stage: where its files go, the rows that are wanted, and how late our loops have been so far."""

    folder: Path
    wanted: frozenset[str]
    lags_ms: dict[str, float] = field(default_factory=dict)

    def wants(self, *names: str) -> bool:
        """Whether any of these rows is wanted."""
        return not self.wanted.isdisjoint(names)


def node(run: Run, stack: ExitStack) -> Iterable[Row]:
    """1,000 node targets: Prometheus, vmagent, ours, and ours through aiohttp alone."""
    fleet, page = 1000, "node"
    targets, port = _targets(run, stack, PACE)
    clients = [_prometheus(run, stack, "prometheus", job("prometheus", page, fleet, port, PACE), NODE_WANTED)]
    if run.wants("node", "memory-prometheus", "memory-vmagent", "lag"):
        clients.append(start_ours(stack, run.folder, "ours", job("ours", page, fleet, port, PACE), NODE_WANTED, "own"))
    if run.wants("node-aiohttp"):
        what = job("ours-aiohttp", page, fleet, port, PACE)
        clients.append(start_ours(stack, run.folder, "ours-aiohttp", what, NODE_WANTED, "aiohttp"))
    no_vmagent = ""
    if run.wants("memory-vmagent"):
        try:
            what = keeping(job("vmagent", page, fleet, port, PACE), NODE_WANTED)
            clients.append(Client("vmagent", start_vmagent(stack, run.folder, "vmagent", what)))
        except PeerMissing as missing:
            no_vmagent = str(missing)
    found = measure(targets, clients, PACE, fleet=fleet)
    _note_lags(run, "node", found)
    peer = found["prometheus"]
    if "ours" in found:
        ours = found["ours"]
        yield _head_to_head("node", ours, peer)
        yield Row(SPECS["memory-prometheus"], [ours.rss_mb], [peer.rss_mb], prometheus().label)
        lean = found.get("vmagent")
        if lean is None:
            yield Row(SPECS["memory-vmagent"], [ours.rss_mb], more={"note": no_vmagent or "not run"})
        else:
            more = {"us_per_scrape_peer": round(median(lean.us_per_scrape))}
            yield Row(SPECS["memory-vmagent"], [ours.rss_mb], [lean.rss_mb], vmagent().label, more)
    if "ours-aiohttp" in found:
        yield _head_to_head("node-aiohttp", found["ours-aiohttp"], peer)


def exporter(run: Run, stack: ExitStack) -> Iterable[Row]:
    """A real node_exporter behind 100 addresses. It counts nobody: scrapes are those that the pace demands."""
    fleet, port = 100, free_port()
    start_node_exporter(stack, run.folder, port, fleet)

    def at_its_path(client: str) -> dict[str, Any]:
        return {**job(client, "", fleet, port, PACE), "metrics_path": "/metrics"}

    clients = [
        _prometheus(run, stack, "prometheus", at_its_path("prometheus"), NODE_WANTED),
        start_ours(stack, run.folder, "ours", at_its_path("ours"), NODE_WANTED, "own"),
    ]
    found = measure(None, clients, PACE, fleet=fleet)
    _note_lags(run, "exporter", found)
    yield _head_to_head("exporter", found["ours"], found["prometheus"])


def ksm(run: Run, stack: ExitStack) -> Iterable[Row]:
    """200 kube-state-metrics pages, plain and compressed at the same time."""
    fleet = 200
    targets, port = _targets(run, stack, PACE)
    clients, rows = [], {"ksm": "ksm", "ksm-gzip": "ksm-gzip"}
    for page in filter(run.wants, rows):
        theirs, mine = f"prometheus-{page}", f"ours-{page}"
        clients.append(_prometheus(run, stack, theirs, job(theirs, page, fleet, port, PACE), KSM_WANTED))
        clients.append(start_ours(stack, run.folder, mine, job(mine, page, fleet, port, PACE), KSM_WANTED, "own"))
    found = measure(targets, clients, PACE, fleet=fleet)
    _note_lags(run, "ksm", found)
    for page in filter(run.wants, rows):
        yield _head_to_head(page, found[f"ours-{page}"], found[f"prometheus-{page}"])


def tls(run: Run, stack: ExitStack) -> Iterable[Row]:
    """200 node targets over TLS, and the same without it for what TLS adds to our memory."""
    fleet, page, tls_port = 200, "node", free_port()
    made = certificate.make(run.folder)
    targets, port = _targets(run, stack, PACE, tls_port=tls_port, certificate=str(made.certificate), key=str(made.key))

    def secured(client: str) -> dict[str, Any]:
        trust = {"ca_file": str(made.certificate), "server_name": certificate.NAME}
        return {**job(client, page, fleet, tls_port, PACE), "scheme": "https", "tls_config": trust}

    clients = [
        _prometheus(run, stack, "prometheus", secured("prometheus"), NODE_WANTED),
        start_ours(stack, run.folder, "ours", secured("ours"), NODE_WANTED, "own"),
        start_ours(stack, run.folder, "ours-plain", job("ours-plain", page, fleet, port, PACE), NODE_WANTED, "own"),
    ]
    found = measure(targets, clients, PACE, fleet=fleet)
    _note_lags(run, "tls", found)
    yield _head_to_head("tls", found["ours"], found["prometheus"])
    added = (found["ours"].rss_mb - found["ours-plain"].rss_mb) * 1000 / fleet
    both = {"rss_mb_ours": found["ours"].rss_mb, "rss_mb_without_tls": round(found["ours-plain"].rss_mb, 1)}
    yield Row(SPECS["tls-memory"], [added], more=both)


def fleet(run: Run, stack: ExitStack) -> Iterable[Row]:
    """10,000 targets in 1,000 regions, our process bound to one core; the targets may use the others."""
    count, cores = 10_000, sorted(os.sched_getaffinity(0))
    targets, port = _targets(run, stack, FLEET_PACE)
    what = job("ours", "node", count, port, FLEET_PACE, regions=1000)
    clients = [start_ours(stack, run.folder, "ours", what, NODE_WANTED, "own", core=cores[-1])]
    ours = measure(targets, clients, FLEET_PACE, fleet=count)["ours"]
    run.lags_ms["fleet"] = ours.lag_ms
    expected = count * sum(ours.seconds) / FLEET_PACE.interval
    more = {
        "scrapes": round(sum(ours.scrapes)),
        "scrapes_expected": round(expected),
        "us_per_scrape_ours": round(median(ours.us_per_scrape), 1),
        "core_share_ours": round(sum(ours.cpu_s) / sum(ours.seconds), 3),
        "rss_mb_ours": round(ours.rss_mb, 1),
        "samples_a_scrape": round(ours.samples, 1),
        "reasons": dict(ours.reasons),
    }
    yield Row(SPECS["fleet-missed"], [float(ours.missed)], more=more)
    yield Row(SPECS["fleet-memory"], [ours.rss_mb])


def lag(run: Run, stack: ExitStack) -> Iterable[Row]:
    """The latest that any of our loops was, in the runs before; if there was none, in that of the node targets."""
    if not run.lags_ms:
        list(node(run, stack))
    yield Row(SPECS["lag"], [max(run.lags_ms.values())], more={"p99_ms_by_run": dict(run.lags_ms)})


def _targets(run: Run, stack: ExitStack, pace: Pace, **more: Any) -> tuple[Any, int]:
    port = free_port()
    return start_targets(stack, run.folder, TargetsSpec(port, pace.interval, **more)), port


def _prometheus(run: Run, stack: ExitStack, name: str, what: Job, wanted: Iterable[str]) -> Client:
    started = start_prometheus(stack, run.folder, name, keeping(what, tuple(wanted)))
    return Client(name, started.child, prometheus=started)


def _head_to_head(name: str, ours: Measured, peer: Measured) -> Row:
    """Raises AssertionError if the two did not keep the same series: their costs could not be compared."""
    if round(ours.samples, 1) != round(peer.samples, 1):
        raise AssertionError(f"{name}: we keep {ours.samples:.1f} samples a scrape, the peer {peer.samples:.1f}")
    more = {
        "rss_mb_ours": round(ours.rss_mb, 1),
        "rss_mb_peer": round(peer.rss_mb, 1),
        "missed_ours": ours.missed,
        "missed_peer": peer.missed,
        "samples_a_scrape": round(ours.samples, 1),
        "reasons": dict(ours.reasons),
    }
    return Row(SPECS[name], ours.us_per_scrape, peer.us_per_scrape, prometheus().label, more)


def _note_lags(run: Run, stage: str, found: Mapping[str, Measured]) -> None:
    """Our loops only: a client that is not ours says nothing about lag."""
    for name, one in found.items():
        if name.startswith("ours"):
            run.lags_ms[f"{stage}: {name}"] = round(one.lag_ms, 2)


Stage = Callable[[Run, ExitStack], Iterable[Row]]
