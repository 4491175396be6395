"""Any policy and any facts: what the policy's invariants are tried on."""

import math
from collections.abc import Iterable

from hypothesis import strategies as st

from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import RegionFacts
from autoscaler.model.names import InstanceId, RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.policy.language import ScalingPolicy
from tests.unit.policy import builders
from tests.unit.policy.builders import REGION

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
def policies(draw: st.DrawFn, kinds: Iterable[str] = TARGETS, max_rules: int = 3) -> ScalingPolicy:
    low, high = sorted((draw(st.integers(0, 60)), draw(st.integers(0, 60))))
    used = NAMES[: draw(st.integers(1, max_rules))]
    return builders.policy(
        minNodes=draw(st.sampled_from((0, low))),
        maxNodes=high,
        signals=[builders.signal_spec(name) for name in used],
        rules=[draw(rules(name, kinds)) for name in used],
        cooldown=draw(st.sampled_from((0.0, 300.0))),
        backoff=draw(st.sampled_from((0.0, 600.0))),
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
def orders(draw: st.DrawFn, number: int, states: Iterable[OrderState] = OrderState) -> Order:
    state = draw(st.sampled_from(tuple(states)))
    nodes = draw(st.integers(1, 8))
    pool = sorted(builders.ids("joining", 12) | builders.ids("unborn", 8))
    known: frozenset[InstanceId] = draw(st.frozensets(st.sampled_from(pool), max_size=nodes))
    reasons = (Reason.REJECTED, Reason.OUT_OF_STOCK, Reason.EXPIRED_UNSENT)
    return builders.order(
        state,
        nodes,
        id=f"order-{number}",
        settled_ago=draw(st.sampled_from((0.0, 1.0, 299.0, 300.0, 601.0))) if state.final else None,
        reason=draw(st.sampled_from(reasons)),
        instances=known,
    )


UNDECIDED = tuple(state for state in OrderState if state.unsettled)


@st.composite
def any_facts(draw: st.DrawFn, region: RegionId = REGION) -> RegionFacts:
    """Facts of one region, with anything missing, old, broken or in doubt."""
    known = [draw(signals(name, any_floats | loads)) for name in NAMES if draw(st.booleans())]
    found = [draw(orders(number)) for number in range(draw(st.integers(0, 3)))]
    there = draw(st.none() | capacities())
    return builders.region_facts(known, there, found, region=region)


@st.composite
def calm_facts(draw: st.DrawFn, given: Iterable[Signal], ready: st.SearchStrategy[int] = counts) -> RegionFacts:
    """Facts in which nothing but the signals decides: nodes just read, no order undecided, failed or just settled."""
    there = draw(capacities(ready, fresh=True))
    way = (OrderState.ACCEPTED, OrderState.OVERDUE)
    found = [draw(orders(number, way)) for number in range(draw(st.integers(0, 2)))]
    return builders.region_facts(list(given), there, found)
