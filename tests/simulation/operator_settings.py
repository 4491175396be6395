"""What the operator of a seed wrote: policies, ways to buy, budgets, limits. Drawn, pure."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal

from autoscaler.model.names import ClusterId, Money, NodePoolId, RegionId
from autoscaler.model.operation import (
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    Offer,
    Operation,
    ScaleClusterNodePool,
    ScaleOutCluster,
)
from autoscaler.policy.budget import Budget
from autoscaler.policy.language import ScalingPolicy
from autoscaler.settings.sections import BackoffSettings, ExecutorSettings, PurchaseLimits, ReadLimits
from tests.simulation.edge import RATE, SATURATION, SOURCE

PriceFrom = Literal["template", "api"]
GOAL = 70.0
"""What a node is to carry: requests per second, and percent of what saturates it."""
TOLERANCE = 0.1
TYPES: Mapping[str, Money] = {"ens.sn1.tiny": Money(9_900), "ens.sn1.small": Money(25_000)}
"""Instance types, and what a node of one costs in a month."""
_USUAL = "ens.sn1.tiny"
_POOLS = (ScaleClusterNodePool, ModifyClusterNodePool, EnsScaleClusterNodePool)


def draw_policy(chance: Random, region: RegionId, siblings: Sequence[RegionId], poll: float) -> ScalingPolicy:
    """The policy of one region."""
    signal = {"metric": RATE, "reduce": "sum"}, "AverageValue"
    if chance.random() < 0.4:
        signal = {"metric": SATURATION, "reduce": "avg"}, "Utilization"
    rule = {"type": "TargetTracking", "signal": "load", "target": {"type": signal[1], "value": GOAL}}
    spec = {
        "regions": [region],
        "minNodes": chance.choice((0, 1, 2)),
        "maxNodes": chance.choice((3, 6, 20)),
        "signals": [
            {"name": "load", "scrape": {"job": SOURCE, **signal[0]}, "maxAgeSeconds": 3 * poll, "minCoverage": 0.5}
        ],
        "rules": [{**rule, "tolerance": TOLERANCE}],
        "behavior": {"scaleUp": _scale_up(chance)},
        "spillover": {"regions": list(siblings) if chance.random() < 0.3 else []},
    }
    document = {"apiVersion": "autoscaler/v1", "kind": "ScalingPolicy", "metadata": {"name": region}, "spec": spec}
    return ScalingPolicy.model_validate(document)


def _scale_up(chance: Random) -> dict[str, object]:
    return {
        "cooldownSeconds": chance.choice((60, 300)),
        "failureBackoffSeconds": chance.choice((120, 600)),
        "breakerSeconds": chance.choice((0, 300, 1200)),
        "stockBackoffSeconds": chance.choice((120, 900)),
        "failedJoinsToLatch": chance.choice((0, 3)),
        "maxNodesPerDay": chance.choice((None, None, None, 8)),
        "maxNodesEver": chance.choice((None, None, None, 12)),
    }


def draw_offers(chance: Random, cluster: ClusterId, region: RegionId, *, priced: bool) -> tuple[Offer, ...]:
    """The ways to buy in one region: by the cluster's own operation, at times with an alternative, or by a pool.

    Without `priced` the API is asked for prices.
    """
    if chance.random() < 0.35:
        kind = chance.choice(_POOLS)
        pool = kind(cluster, NodePoolId(f"np{region}"), "pool", region, _USUAL, "BandwidthByDay", 1, 40)
        return (_offer(pool, priced),)
    names = list(TYPES) if chance.random() < 0.3 else [_USUAL]
    return tuple(_offer(_scale_out(cluster, region, name), priced) for name in names)


def _offer(operation: Operation, priced: bool) -> Offer:
    return Offer(operation, TYPES[operation.worker_instance_type] if priced else None)


def _scale_out(cluster: ClusterId, region: RegionId, kind: str) -> Operation:
    return ScaleOutCluster(cluster, kind, region, kind, "m-1", "BandwidthByDay", 1, 40)


def draw_budgets(chance: Random, regions: Sequence[RegionId]) -> tuple[Budget, ...]:
    """At times a budget, of the account or of one region."""
    if chance.random() < 0.5:
        return ()
    covered = None if chance.random() < 0.5 else frozenset(regions[:1])
    return (Budget("simulated", covered, Money(chance.choice((100_000, 300_000))), Money(1_500_000)),)


def draw_executor(chance: Random, poll: float, settle_after: float, price_from: PriceFrom) -> ExecutorSettings:
    """The limits and the patience of the executor."""
    return ExecutorSettings(
        purchases=PurchaseLimits(
            per_minute=chance.choice((2, 6, 30)), burst=chance.choice((1, 3)), concurrency=chance.choice((1, 2, 4))
        ),
        reads=ReadLimits(per_second=chance.choice((1, 5)), burst=chance.choice((5, 20))),
        backoff=BackoffSettings(first=1.0, longest=chance.choice((10.0, 60.0))),
        check_stock=chance.random() < 0.3,
        price_from=price_from,
        decision_valid_for=chance.uniform(60, 240),
        settle_after=settle_after,
        poll_interval=poll,
        node_deadline=chance.uniform(600, 1500),
        capacity_max_age=3.5 * poll + 30.0,
    )
