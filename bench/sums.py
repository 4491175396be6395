"""The three numbers of each region that both sides work out: as signals of a policy, and as recording rules.

The rate goes over all modes of the CPU, the ratio is one of sums: that is what both languages can say alike.
"""

from collections.abc import Mapping, Sequence
from typing import Any

JOB = "bench"
REGION_LABEL = "ens_region_id"
WINDOW = 30
"""Seconds of the rate: six scrapes at the pace of this row."""
LOAD, CPU, MEMORY = "load", "cpu", "memory"


def recording_rules() -> list[dict[str, str]]:
    """For Prometheus."""
    by = f"sum by ({REGION_LABEL})"
    return [
        {"record": f"bench:{LOAD}", "expr": f"{by} (node_load1)"},
        {"record": f"bench:{CPU}", "expr": f"{by} (rate(node_cpu_seconds_total[{WINDOW}s]))"},
        {
            "record": f"bench:{MEMORY}",
            "expr": f"{by} (node_memory_MemAvailable_bytes) / {by} (node_memory_MemTotal_bytes)",
        },
    ]


def policy() -> dict[str, Any]:
    """For us: a ScalingPolicy as it stands in a file, three rules on three signals."""

    def signal(name: str, metric: str, **more: object) -> dict[str, Any]:
        return {"name": name, "scrape": {"job": JOB, "metric": metric, "reduce": "sum", **more}}

    return {
        "apiVersion": "autoscaler/v1",
        "kind": "ScalingPolicy",
        "metadata": {"name": "bench"},
        "spec": {
            "regions": ["*"],
            "maxNodes": 5000,
            "signals": [
                signal(LOAD, "node_load1"),
                signal(CPU, "node_cpu_seconds_total", function="rate", windowSeconds=WINDOW),
                signal("available", "node_memory_MemAvailable_bytes"),
                signal("total", "node_memory_MemTotal_bytes"),
                {"name": MEMORY, "ratio": {"of": "available", "to": "total"}},
            ],
            "rules": [_rule(LOAD, 4e5), _rule(CPU, 8e2), _rule(MEMORY, 0.5)],
        },
    }


def policy_of(wanted: Sequence[str]) -> dict[str, Any]:
    """A ScalingPolicy with a signal for every wanted family: a family that no signal names would not be read."""
    names = [f"signal-{place}" for place in range(len(wanted))]
    return {
        "apiVersion": "autoscaler/v1",
        "kind": "ScalingPolicy",
        "metadata": {"name": "bench"},
        "spec": {
            "regions": ["*"],
            "maxNodes": 5000,
            "signals": [
                {"name": name, "scrape": {"job": JOB, "metric": metric, "reduce": "sum"}}
                for name, metric in zip(names, wanted, strict=True)
            ],
            "rules": [_rule(names[0], 1.0)],
        },
    }


def _rule(name: str, value: float) -> dict[str, Any]:
    return {"type": "TargetTracking", "signal": name, "target": {"type": "AverageValue", "value": value}}


Samples = Mapping[str, Sequence[float]]
"""Of one target: by metric, the values of its series in their order."""


def by_hand(
    regions: Sequence[str], before: Sequence[Samples], after: Sequence[Samples], took: float
) -> Mapping[str, Mapping[str, float]]:
    """The same numbers worked out with nobody's code.

    `before` and `after` are two scrapes, `took` seconds apart, of the target of each place in `regions`.
    """
    found: dict[str, dict[str, float]] = {}
    for region, old, new in zip(regions, before, after, strict=True):
        sums = found.setdefault(region, {LOAD: 0.0, CPU: 0.0, "available": 0.0, "total": 0.0})
        sums[LOAD] += new["node_load1"][0]
        pairs = zip(old["node_cpu_seconds_total"], new["node_cpu_seconds_total"], strict=True)
        sums[CPU] += sum(late - early for early, late in pairs) / took
        sums["available"] += new["node_memory_MemAvailable_bytes"][0]
        sums["total"] += new["node_memory_MemTotal_bytes"][0]
    for sums in found.values():
        sums[MEMORY] = sums["available"] / sums["total"]
    return found
