"""Any policy and any facts: what the policy's invariants are tried on."""

import math
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import Charge, Facts, FleetFacts, Plan, RegionFacts, Stop, Tally
from autoscaler.model.names import InstanceId, Money, RegionId
from autoscaler.model.operation import Offer
from autoscaler.model.order import Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.policy.decide import Policies
from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.planning import intents
from autoscaler.policy.stock import turned_down
from tests.unit.policy import builders
from tests.unit.policy.builders import LARGE, NOW, REGION, SMALL, TOLD

NAMES = ("rps", "cpu", "queue")
TARGETS = ("AverageValue", "Value", "Utilization")
goals = st.floats(0.001, 1e6)
tolerances = st.floats(0, 0.99)
counts = st.integers(0, 12)
any_floats = st.floats(allow_nan=True, allow_infinity=True)
finite = st.floats(allow_nan=False, allow_infinity=False)
loads = st.floats(0, 3000)


@st.composite
def rules(draw: st.DrawFn, name: str, kinds: Iterable[str] = TARGETS) -> dict[str, object]:
    kind = draw(st.sampled_from(tuple(kinds)))
    goal = draw(st.one_of(st.floats(1, 200), goals))
    return builders.rule(kind, goal, signal=name, tolerance=draw(tolerances))


@st.composite
def brakes(draw: st.DrawFn) -> dict[str, object]:
    """Keys of scaleUp that stop or limit purchases, each often left at its default."""
    choices: dict[str, tuple[object, ...]] = {
        "maxNodesPerDay": (None, None, 0, 3, 12),
        "maxNodesEver": (None, None, 5, 40),
        "windowSeconds": (86_400, 600),
        "breakerSeconds": (1800, 0),
        "failedJoinsToLatch": (3, 0),
        "stockBackoffSeconds": (900, 0),
        "maxUnreadyPercent": (50, 100),
    }
    return {key: draw(st.sampled_from(values)) for key, values in choices.items()}


@st.composite
def policies(
    draw: st.DrawFn,
    kinds: Iterable[str] = TARGETS,
    max_rules: int = 3,
    *,
    braked: bool = True,
) -> ScalingPolicy:
    """Any policy; one that is not `braked` has the least brakes that there are."""
    low, high = sorted((draw(st.integers(0, 60)), draw(st.integers(0, 60))))
    used = NAMES[: draw(st.integers(1, max_rules))]
    return builders.policy(
        minNodes=draw(st.sampled_from((0, low))),
        maxNodes=high,
        signals=[builders.signal_spec(name) for name in used],
        rules=[draw(rules(name, kinds)) for name in used],
        cooldown=draw(st.sampled_from((0.0, 300.0))),
        backoff=draw(st.sampled_from((0.0, 600.0))),
        scale_up=draw(brakes()) if braked else {"maxUnreadyPercent": 100},
    )


@st.composite
def signals(draw: st.DrawFn, name: str, values: st.SearchStrategy[float]) -> Signal:
    total = draw(st.integers(0, 4))
    return builders.signal(
        draw(st.one_of(st.none(), values)),
        name=name,
        age=draw(st.sampled_from((0.0, 5.0, 90.0, 91.0, 1e6))),
        up=draw(st.integers(0, total)),
        total=total,
    )


@st.composite
def unusable_signals(draw: st.DrawFn, name: str) -> Signal:
    """Missing, not a number, stale or thinly covered: whatever the value."""
    return draw(
        st.one_of(
            st.just(builders.signal(None, name=name)),
            st.sampled_from((math.nan, math.inf, -math.inf)).map(lambda value: builders.signal(value, name=name)),
            finite.map(lambda value: builders.signal(value, name=name, age=91)),
            finite.map(lambda value: builders.signal(value, name=name, up=1, total=4)),
        )
    )


@st.composite
def capacities(draw: st.DrawFn, ready: st.SearchStrategy[int] = counts, *, fresh: bool = False) -> Capacity:
    age = 1.0 if fresh else draw(st.sampled_from((0.0, 1.0, 120.0, 121.0)))
    return builders.capacity(
        draw(ready), unready=draw(counts), joining=draw(counts), failed=draw(st.integers(0, 3)), age=age
    )


@st.composite
def orders(draw: st.DrawFn, number: int, states: Iterable[OrderState] = OrderState, region: RegionId = REGION) -> Order:
    state = draw(st.sampled_from(tuple(states)))
    nodes = draw(st.integers(1, 8))
    settled = state.final or state.unsettled
    pool = sorted(builders.ids("joining", 12) | builders.ids("unborn", 8))
    known: frozenset[InstanceId] = draw(st.frozensets(st.sampled_from(pool), max_size=nodes))
    reasons = (Reason.REJECTED, Reason.OUT_OF_STOCK, Reason.EXPIRED_UNSENT, Reason.TASK_FAILED)
    return builders.order(
        state,
        nodes,
        id=f"order-{number}",
        region=region,
        created_ago=draw(st.sampled_from((601.0, 3600.0, 86_399.0, 86_401.0))),
        receipt=draw(st.sampled_from((None, TOLD, UNTOLD))) if settled else draw(st.sampled_from((TOLD, UNTOLD))),
        by=draw(st.sampled_from(ways(region))).operation,
        in_stock=draw(st.sampled_from((None, 0, 2))),
        settled_ago=draw(st.sampled_from((0.0, 1.0, 299.0, 300.0, 601.0))) if state.final else None,
        reason=draw(st.sampled_from(reasons)),
        instances=known,
    )


UNTOLD = Receipt(None, "request-2")
UNDECIDED = tuple(state for state in OrderState if state.unsettled)


def ways(region: RegionId) -> tuple[Offer, ...]:
    """Every kind of offer: two instance types, with and without a price, by an increment and by a total."""
    return (
        builders.offer(SMALL, 70, region),
        builders.offer(LARGE, 110, region),
        builders.offer(SMALL, None, region),
        Offer(builders.pool_operation(region, total=True), Money(30)),
    )


tallies = st.builds(
    Tally, st.sampled_from((0, 4, 39)), st.sampled_from((0, 0, 0, 3)), st.sampled_from((0, 0, 0, 2, 50))
)


@st.composite
def any_facts(draw: st.DrawFn, region: RegionId = REGION) -> RegionFacts:
    """Facts of one region, with anything missing, old, broken or in doubt."""
    known = [draw(signals(name, any_floats | loads)) for name in NAMES if draw(st.booleans())]
    found = [draw(orders(number, region=region)) for number in range(draw(st.integers(0, 3)))]
    there = draw(st.none() | capacities())
    return builders.region_facts(known, there, found, region=region, tally=draw(tallies))


@st.composite
def calm_facts(draw: st.DrawFn, given: Iterable[Signal], ready: st.SearchStrategy[int] = counts) -> RegionFacts:
    """Facts in which nothing but the signals decides: nodes just read, no order undecided, failed or just settled."""
    there = draw(capacities(ready, fresh=True))
    nodes = draw(st.lists(st.integers(1, 8), max_size=2))
    found = [builders.order(OrderState.ACCEPTED, count, id=f"order-{n}") for n, count in enumerate(nodes)]
    return builders.region_facts(list(given), there, found)


FLEET = (RegionId("cn-a"), RegionId("cn-b"), RegionId("cn-c"))


@st.composite
def short_facts(draw: st.DrawFn, region: RegionId) -> RegionFacts:
    """Facts of a region in need, by a policy of 100 per node, that is likely to be out of some stock."""
    outs = [
        builders.order(
            OrderState.FAILED,
            id=f"out-{region}-{kind}",
            region=region,
            settled_ago=100,
            reason=Reason.OUT_OF_STOCK,
            by=builders.operation(region, kind),
            in_stock=draw(st.sampled_from((None, None, None, 1))),
        )
        for kind in (SMALL, LARGE)
        if draw(st.integers(0, 3)) < 2
    ]
    tally = Tally(spilled=draw(st.sampled_from((0, 0, 1, 3))))
    return builders.busy(
        draw(st.integers(3, 20)), ready=draw(st.integers(1, 4)), region=region, orders=outs, tally=tally
    )


@st.composite
def calm_or_short(draw: st.DrawFn, region: RegionId) -> RegionFacts:
    """A region in need, or one that has enough; seldom anything."""
    kind = draw(st.integers(0, 9))
    if kind == 9:
        return draw(any_facts(region))
    if kind < 5:
        return draw(short_facts(region))
    nodes = draw(st.integers(1, 4))
    return builders.busy(nodes, ready=nodes, region=region)


@st.composite
def limited_policies(draw: st.DrawFn) -> ScalingPolicy:
    """100 per node, a maximum, sometimes a quota, and all of FLEET as siblings in any order."""
    quotas = {"maxNodesPerDay": (None, None, None, 2), "maxNodesEver": (None, None, None, 6)}
    return builders.policy(
        minNodes=draw(st.sampled_from((0, 0, 2))),
        maxNodes=draw(st.sampled_from((6, 20, 20))),
        scale_up={key: draw(st.sampled_from(values)) for key, values in quotas.items()},
        spillover={"regions": draw(st.permutations(FLEET))},
    )


@st.composite
def fleets(draw: st.DrawFn) -> tuple[Facts, Policies]:
    """Three regions that are each other's siblings, under budgets, with everything that may stop them."""
    facts = builders.facts(
        *(draw(calm_or_short(region)) for region in draw(st.permutations(FLEET))),
        fleet=FleetFacts(
            100,
            draw(st.sampled_from((0,) * 9 + (46,))),
            draw(
                st.sampled_from(
                    (None,) * 7 + (Stop(Reason.FORBIDDEN, NOW - 1, ""),) + (Stop(Reason.FORBIDDEN, 0, ""),) * 2
                )
            ),
            tuple(Charge(region, NOW - 60, Money(draw(st.integers(0, 50)))) for region in FLEET),
        ),
    )
    budgets = [
        builders.budget(
            draw(st.integers(100, 900) | st.none()),
            draw(st.integers(200, 1500) | st.none()),
            name=f"budget-{number}",
            regions=draw(st.none() | st.sets(st.sampled_from(FLEET), min_size=1)),
        )
        for number in range(draw(st.sampled_from((1, 1, 2, 0))))
    ]
    served = {region: draw(limited_policies()) for region in FLEET}
    offers = {region: tuple(draw(st.lists(st.sampled_from(ways(region)), min_size=1, max_size=3))) for region in FLEET}
    from_api = draw(st.booleans())
    return facts, Policies(served, builders.CAPACITY_MAX_AGE, offers, tuple(budgets), prices_from_api=from_api)


def placed(facts: Facts, plan: Plan, *, stock_is_back: bool) -> Facts:
    """The next tick's facts: what the plan buys is ordered, and the regions that were out of stock may have some."""
    bought = {intent.region: intent for intent in intents(plan)}
    regions = {}
    for region, one in facts.regions.items():
        found = [o for o in one.orders if not (stock_is_back and turned_down(o))]
        if region in bought:
            found.append(builders.order(OrderState.PLANNED, bought[region].nodes, id="new", region=region))
        more = sum(intent.nodes for intent in bought.values() if intent.for_region == region)
        tally = replace(one.tally, spilled=one.tally.spilled + more)
        regions[region] = replace(one, orders=tuple(found), tally=tally)
    return replace(facts, regions=regions)
