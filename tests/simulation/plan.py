"""What a seed is: the world, the operator's settings and the troubles, all drawn before anything runs. Pure.

A seed comes in, a SeedPlan goes out. Seconds count from the start of the simulation. The first part has every fault
that the seed drew, the rest (from `quiet_from` on) none: there the fleet must converge.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from pydantic import SecretStr

from autoscaler.model.names import ClusterId, Money, RegionId
from autoscaler.model.operation import EnsScaleClusterNodePool, Offer, ScaleOutCluster
from autoscaler.policy.budget import Budget
from autoscaler.policy.language import ScalingPolicy
from autoscaler.settings.sections import ExecutorSettings, LoopSettings
from autoscaler.simulator.region_scenario import InstanceType, PoolScenario, RegionScenario, TypeStock
from autoscaler.simulator.scenario import Scenario
from autoscaler.simulator.script import Appearance, Visibility
from tests.simulation.dice import dice
from tests.simulation.disk import LedgerKind
from tests.simulation.operator_settings import (
    GOAL,
    TOLERANCE,
    TYPES,
    PriceFrom,
    draw_budgets,
    draw_executor,
    draw_offers,
    draw_policy,
)
from tests.simulation.troubles import Troubles, draw_troubles

CLUSTERS = (ClusterId("c0123456789abcdef0123456789abcdef"), ClusterId("cfedcba9876543210fedcba9876543210"))
REGIONS = tuple(RegionId(f"cn-{place}") for place in ("beijing-cmcc-2", "shanghai-unicom", "xian-telecom", "wuhan-3"))
HOUR = 3600.0
QUIET_HOURS = 1.5
_RESTOCK = 60
_WITH_TELEMETRY = 0.25
_NODE_CARRIES = 100.0


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """Everything that a seed decides beforehand. `deadline` is the client's for one call, in seconds.

    `telemetry`: whether the real log and metrics listen, too. Where the API tells the prices only they tell why an
    order was refused.
    """

    seed: int
    end: float
    quiet_from: float
    scenario: Scenario
    clusters: Mapping[ClusterId, frozenset[RegionId]]
    policies: Mapping[RegionId, ScalingPolicy]
    offers: Mapping[RegionId, tuple[Offer, ...]]
    budgets: tuple[Budget, ...]
    executor: ExecutorSettings
    loop: LoopSettings
    ledger: LedgerKind
    deadline: float
    scrape_interval: float
    troubles: Troubles
    clock_offset: float
    telemetry: bool
    password: SecretStr

    @property
    def regions(self) -> tuple[RegionId, ...]:
        """The regions, in the order of the scenario."""
        return tuple(RegionId(region.region) for region in self.scenario.regions)

    def initial(self, region: RegionId) -> int:
        """Nodes that the region has at the start."""
        found = self.scenario.region(region)
        return found.initial_nodes if found else 0

    def price(self, instance_type: str) -> Money:
        """What one node of that type costs, as the orders are to reckon it."""
        return Money(round(TYPES[instance_type] * (1 - self.scenario.discount)))

    def needed(self, region: RegionId, second: float) -> int:
        """Nodes without which the region's demand is above its policy's target and tolerance, within its bounds."""
        spec, found = self.policies[region].spec, self.scenario.region(region)
        demand = found.demand_at(second) if found else 0.0
        wanted = math.ceil(demand / GOAL / (1.0 + TOLERANCE) - 1e-9)
        return max(spec.min_nodes, min(spec.max_nodes, wanted))


def draw(seed: int) -> SeedPlan:
    """The plan of a seed."""
    chance = dice(seed, "plan")
    hours = chance.choices((chance.uniform(3.2, 5), chance.uniform(5, 10), 26.0), (83, 15, 2))[0]
    end = hours * HOUR
    quiet_from = end - QUIET_HOURS * HOUR
    poll = min(120.0, max(40.0, chance.uniform(11, 20) * hours))
    settle_after = chance.uniform(180, 420) + 2 * poll
    regions = REGIONS[: chance.choices((1, 2, 3, 4), (35, 30, 20, 15))[0]]
    homes = {name: CLUSTERS[chance.random() < 0.15] for name in regions}
    price_from: PriceFrom = "api" if chance.random() < 0.25 else "template"
    priced = price_from == "template"
    offers = {name: draw_offers(chance, homes[name], name, priced=priced) for name in regions}
    deadline = chance.choice((5.0, 10.0, 20.0))
    secret = f"S3cret-{dice(seed, 'secret').getrandbits(64):x}"
    return SeedPlan(
        seed=seed,
        end=end,
        quiet_from=quiet_from,
        scenario=_scenario(
            chance, seed, homes, offers, quiet_from, settle_after, SecretStr(f"Key-{secret}"), priced=priced
        ),
        clusters={
            cluster: frozenset(name for name in regions if homes[name] == cluster)
            for cluster in sorted(set(homes.values()))
        },
        policies={
            name: draw_policy(chance, name, [other for other in regions if other != name], poll) for name in regions
        },
        offers=offers,
        budgets=draw_budgets(chance, regions),
        executor=draw_executor(chance, poll, settle_after, price_from),
        loop=LoopSettings(interval=chance.uniform(1.5, 3) * poll, coalesce=0.05),
        ledger="sqlite" if chance.random() < 0.1 else "memory",
        deadline=deadline,
        scrape_interval=chance.uniform(0.8, 2.0) * poll,
        troubles=draw_troubles(chance, quiet_from, deadline, settle_after),
        clock_offset=chance.uniform(-60, 60),
        telemetry=not priced or chance.random() < _WITH_TELEMETRY,
        password=SecretStr(f"Pw-{secret}"),
    )


def _scenario(
    chance: Random,
    seed: int,
    homes: Mapping[RegionId, ClusterId],
    offers: Mapping[RegionId, tuple[Offer, ...]],
    quiet_from: float,
    settle_after: float,
    key: SecretStr,
    *,
    priced: bool,
) -> Scenario:
    (usual, price), *others = TYPES.items()
    return Scenario(
        regions=tuple(_region(chance, name, homes[name], quiet_from, [kind for kind, _ in others]) for name in homes),
        pools=tuple(_pool(chance, of[0]) for of in offers.values() if not isinstance(of[0].operation, ScaleOutCluster)),
        instance_type=usual,
        price=Decimal(price) / 100,
        discount=0.0 if priced else chance.choice((0.0, 0.1)),
        types=tuple(InstanceType(type=kind, price=Decimal(cost) / 100) for kind, cost in others),
        cluster_id=CLUSTERS[0],
        access_key_secret=key,
        task_seconds=chance.uniform(20, 240),
        join_seconds=chance.uniform(10, 180),
        stock_answer=chance.choice(("refuse", "fail_task")),
        task_parameters=chance.random() < 0.7,
        node_quota=chance.choice((100, 100, 100, 24)),
        balance=chance.choice((None, None, None, Decimal(3000))),
        visible=_visible(chance, settle_after),
        duplicate_every=chance.choice((0, 0, 2, 5)),
        clock_skew=chance.choice((0.0, chance.uniform(-200, 200))),
        capacity_per_node=_NODE_CARRIES,
        seed=seed,
    )


def _region(chance: Random, name: RegionId, cluster: ClusterId, quiet_from: float, others: list[str]) -> RegionScenario:
    restock = ((chance.uniform(0.2, 0.8) * quiet_from, chance.randint(1, 6)), (quiet_from, _RESTOCK))
    return RegionScenario(
        region=name,
        cluster=cluster,
        initial_nodes=chance.randint(1, 3),
        stock=chance.choice((0, 2, 6, 30, 30)),
        restock=restock,
        types=tuple(TypeStock(type=kind, stock=chance.choice((0, 4)), restock=restock) for kind in others),
        demand=_demand(chance, quiet_from),
        dark=_dark(chance, quiet_from),
    )


def _pool(chance: Random, offer: Offer) -> PoolScenario:
    operation = offer.operation
    return PoolScenario(
        id=operation.pool or "",
        region=operation.ens_region_id,
        product="ens" if isinstance(operation, EnsScaleClusterNodePool) else "cs",
        cluster=operation.cluster,
        instance_type=operation.worker_instance_type,
        serial=chance.random() < 0.4,
    )


def _visible(chance: Random, settle_after: float) -> Visibility:
    """Every read lags by itself, and less than the settle time allows for; a row may vanish and come back.

    Never from both lists of machines at once: who is in neither is gone.
    """
    if chance.random() < 0.5:
        return Visibility()

    def lag() -> float:
        return chance.choice((0.0, chance.uniform(0, 0.3 * settle_after)))

    early, late = ((300.0, 500.0),), ((2000.0, 2300.0),)
    gap = chance.random() < 0.3
    return Visibility(
        task=Appearance(after=lag(), missing=early if gap else ()),
        tasks=Appearance(after=lag(), missing=late if gap else ()),
        instances=Appearance(after=lag(), missing=early if gap else ()),
        nodes=Appearance(after=lag(), missing=late if gap else ()),
    )


def _demand(chance: Random, quiet_from: float) -> tuple[tuple[float, float], ...]:
    """A level, surges to other levels, and a plateau from the beginning of the quiet part."""
    level, at = chance.uniform(50, 200), 0.0
    points = [(0.0, level)]
    for _ in range(chance.randint(2, 5)):
        at = chance.uniform(at, quiet_from)
        points.append((at, level))
        level = chance.uniform(50, 900)
        at = min(quiet_from, at + chance.choice((0.0, 60.0, 1800.0)))
        points.append((at, level))
    return tuple(points)


def _dark(chance: Random, quiet_from: float) -> tuple[tuple[float, float], ...]:
    if chance.random() < 0.6:
        return ()
    begin = chance.uniform(0, 0.8 * quiet_from)
    return ((begin, min(quiet_from, begin + chance.uniform(300, 5400))),)
