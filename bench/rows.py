"""The rows of the table: what each measures, in which unit, with which goal; and a row's numbers. Pure.

The goals are the project's own, set before the code was written; docs/performance.md says where they come from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.arithmetic import Goal, at_least, at_most, median, ratio

US_PER_SCRAPE = "us CPU/scrape"
MB = "MB RSS"
MS_CPU = "ms CPU"


@dataclass(frozen=True, slots=True)
class RowSpec:
    """What a row measures."""

    name: str
    what: str
    unit: str
    goal: Goal


SPECS: Mapping[str, RowSpec] = {
    spec.name: spec
    for spec in (
        RowSpec("node", "node page, 1,000 targets, values and 3 % of series change", US_PER_SCRAPE, at_least(5)),
        RowSpec("node-aiohttp", "the same through aiohttp alone", US_PER_SCRAPE, at_least(2.5)),
        RowSpec("exporter", "a real node_exporter, 100 targets", US_PER_SCRAPE, at_least(5)),
        RowSpec("ksm", "400 KB page, 390 samples wanted, 3 % churn, shuffled", US_PER_SCRAPE, at_least(5)),
        RowSpec("ksm-gzip", "the same, compressed", US_PER_SCRAPE, at_least(4)),
        RowSpec("tls", "node page over TLS, 200 targets", US_PER_SCRAPE, at_least(5)),
        RowSpec("tls-memory", "what TLS adds, a connection", "KB RSS", at_most(110)),
        RowSpec("extraction-node", "node page against a full parse, equal results", "us CPU/page", at_least(200)),
        RowSpec("extraction-ksm", "400 KB page against a full parse, equal results", "us CPU/page", at_least(200)),
        RowSpec("fleet-missed", "10,000 targets at 15 s on one core", "scrapes missed", at_most(0)),
        RowSpec("fleet-memory", "10,000 targets at 15 s on one core", MB, at_most(400)),
        RowSpec("memory-prometheus", "1,000 node targets, whole process, Prometheus", MB, at_least(6)),
        RowSpec("memory-vmagent", "1,000 node targets, whole process, vmagent", MB, at_least(2)),
        RowSpec("plan-time", "samples to plan, 1,000 regions x 3 rules", MS_CPU, at_most(10)),
        RowSpec("plan-rules", "the same against recording rules for the same sums", MS_CPU, at_least(20)),
        RowSpec("exposition", "own /metrics, 20,000 series, against generate_latest", MS_CPU, at_least(8)),
        RowSpec("exposition-block", "longest hold of the loop by it", MS_CPU, at_most(10)),
        RowSpec("lag", "event-loop lag while all this runs", "ms p99", at_most(50)),
    )
}


@dataclass(frozen=True, slots=True)
class Row:
    """The numbers of one row: medians of the windows, and the windows themselves.

    `peers` is empty where the row has no peer, or where the peer is not there; `more` are further facts for the reader
    and the JSON file, e.g. missed scrapes. `failed` says why there are no numbers.
    """

    spec: RowSpec
    ours: Sequence[float] = ()
    peers: Sequence[float] = ()
    peer: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    failed: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times dearer the peer is; None without one."""
        if not self.ours:
            return None
        return ratio(median(self.ours), median(self.peers) if self.peers else None)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None if that can not be told."""
        return self.spec.goal.met(median(self.ours), self.ratio) if self.ours else None

    def as_json(self) -> dict[str, Any]:
        """One object of build/bench.json."""
        found = {
            "name": self.spec.name,
            "what": self.spec.what,
            "ours": round(median(self.ours), 3) if self.ours else None,
            "peer": round(median(self.peers), 3) if self.peers else None,
            "ratio": None if self.ratio is None else round(self.ratio, 2),
            "goal": self.spec.goal.limit,
            "goal_kind": self.spec.goal.kind,
            "met": self.met,
            "unit": self.spec.unit,
            "peer_name": self.peer,
            "windows_ours": [round(value, 3) for value in self.ours],
            "windows_peer": [round(value, 3) for value in self.peers],
            **self.more,
        }
        return {**found, "failed": self.failed} if self.failed else found


def chosen(only: str) -> frozenset[str]:
    """The rows of that name, else those whose name begins with it; all if it is empty. Raises ValueError if none is."""
    if not only:
        return frozenset(SPECS)
    found = {only} & SPECS.keys() or {name for name in SPECS if name.startswith(f"{only}-")}
    if not found:
        raise ValueError(f"no row {only!r}; there is {', '.join(SPECS)}")
    return frozenset(found)
