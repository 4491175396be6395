"""Small builders for the nouns that the policy reads: every argument has a plain default, tests name what matters."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import Decision, Facts, FleetFacts, RegionFacts, Tally
from autoscaler.model.names import FREE, ClusterId, InstanceId, Money, NodePoolId, OrderId, RegionId, TaskId
from autoscaler.model.operation import EnsScaleClusterNodePool, Offer, Operation, ScaleClusterNodePool, ScaleOutCluster
from autoscaler.model.order import Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Column, Signal, TargetStatus, Wave
from autoscaler.policy.budget import Budget
from autoscaler.policy.decide import Policies, decide
from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.signals.region import measure
from autoscaler.policy.signals.said import Said
from autoscaler.policy.signals.spec import SignalSpec

REGION = RegionId("cn-beijing-cmcc-2")
CLUSTER = ClusterId("c" + "0" * 32)
NOW = 1_700_000_000.0
CAPACITY_MAX_AGE = 120.0
NO_TALLY, WHOLE_FLEET = Tally(), FleetFacts()


def signal(
    value: float | None = 100.0,
    *,
    name: str = "rps",
    age: float = 5.0,
    up: int = 4,
    total: int = 4,
    region: RegionId = REGION,
    reason: Reason = Reason.UP,
    detail: str = "",
) -> Signal:
    """A signal that is `age` seconds old at NOW; a missing value has no age."""
    return Signal(region, name, value, None if value is None else NOW - age, up, total, reason, detail)


def ids(prefix: str, count: int) -> frozenset[InstanceId]:
    """`count` instance ids that start with `prefix`."""
    return frozenset(InstanceId(f"i-{prefix}-{number}") for number in range(count))


def capacity(
    ready: int = 3,
    *,
    unready: int = 0,
    joining: int = 0,
    failed: int = 0,
    age: float = 1.0,
    region: RegionId = REGION,
) -> Capacity:
    """So many nodes of each kind, read `age` seconds before NOW."""
    return Capacity(
        region, ids("ready", ready), ids("unready", unready), ids("joining", joining), ids("failed", failed), NOW - age
    )


SMALL, LARGE = "ens.sn1.small", "ens.sn1.large"
TOLD = Receipt(TaskId("T-1"), "request-1")
"""A receipt that names the task: the API tells what the order makes."""


def operation(region: RegionId = REGION, kind: str = SMALL) -> ScaleOutCluster:
    """A purchase operation with the smallest sensible body; `kind` is the instance type."""
    return ScaleOutCluster(
        cluster=CLUSTER,
        template="edge-small",
        ens_region_id=region,
        worker_instance_type=kind,
        worker_image_id="image-1",
        ens_internet_charge_type="95BandwidthByMonth",
        worker_period=1,
        worker_system_disk_size=40,
    )


def pool_operation(region: RegionId = REGION, *, total: bool = False) -> Operation:
    """A node pool's operation: CS's increment, or ENS's total of the same name."""
    kind = EnsScaleClusterNodePool if total else ScaleClusterNodePool
    return kind(CLUSTER, NodePoolId("np1"), "edge-pool", region, SMALL, "95BandwidthByMonth", 1, 40)


def offer(kind: str = SMALL, price: int | None = None, region: RegionId = REGION) -> Offer:
    """A way to buy; `price` is hundredths for one node."""
    return Offer(operation(region, kind), None if price is None else Money(price))


def order(
    state: OrderState = OrderState.PLANNED,
    nodes: int = 2,
    *,
    id: str = "order-1",  # noqa: A002  # named as the field that it fills
    region: RegionId = REGION,
    settled_ago: float | None = None,
    created_ago: float = 3600.0,
    reason: Reason = Reason.DECIDED,
    detail: str = "",
    instances: Iterable[InstanceId] = (),
    receipt: Receipt | None = None,
    by: Operation | None = None,
    in_stock: int | None = None,
    cost: int = FREE,
    for_region: RegionId | None = None,
) -> Order:
    """An order; `settled_ago` is seconds before NOW and belongs to final states.

    An order that is accepted has a receipt, and its task tells what it makes, unless the test says otherwise.
    """
    waiting = state in {OrderState.ACCEPTED, OrderState.OVERDUE}
    return Order(
        id=OrderId(id),
        tick=1,
        region=region,
        operation=by or operation(region),
        nodes=nodes,
        created_at=NOW - created_ago,
        deadline=NOW + 3600,
        state=state,
        reason=reason,
        detail=detail,
        instances=frozenset(instances),
        settled_at=None if settled_ago is None else NOW - settled_ago,
        receipt=receipt or (TOLD if waiting else None),
        in_stock=in_stock,
        cost=Money(cost),
        for_region=for_region,
    )


def rule(
    target: str = "AverageValue", value: float = 100.0, *, signal: str = "rps", **more: object
) -> dict[str, object]:
    """A TargetTracking rule as it stands in a policy file."""
    return {"type": "TargetTracking", "signal": signal, "target": {"type": target, "value": value}, **more}


def signal_spec(name: str = "rps", **more: object) -> dict[str, object]:
    """A scraped signal as it stands in a policy file."""
    return {"name": name, "scrape": {"job": "edge", "metric": f"{name}_value"}, **more}


def document(**spec: object) -> dict[str, Any]:
    """A policy file's document: one signal `rps`, 100 per node, 0 to 20 nodes; `spec` replaces keys of the spec."""
    return {
        "apiVersion": "autoscaler/v1",
        "kind": "ScalingPolicy",
        "metadata": {"name": "edge"},
        "spec": {"regions": ["cn-*"], "maxNodes": 20, "signals": [signal_spec()], "rules": [rule()], **spec},
    }


def policy(
    *, cooldown: float = 300.0, backoff: float = 600.0, scale_up: Mapping[str, object] | None = None, **spec: object
) -> ScalingPolicy:
    """The document above, parsed; `cooldown` and `backoff` are seconds, `scale_up` replaces other keys of scaleUp."""
    behavior = {"scaleUp": {"cooldownSeconds": cooldown, "failureBackoffSeconds": backoff, **(scale_up or {})}}
    return ScalingPolicy.model_validate(document(behavior=behavior, **spec))


def region_facts(
    signals: Mapping[str, Signal] | Sequence[Signal] | None = None,
    capacity_: Capacity | None = None,
    orders: Iterable[Order] = (),
    *,
    region: RegionId = REGION,
    tally: Tally = NO_TALLY,
) -> RegionFacts:
    """Facts of one region. Signals may be a sequence; no capacity means that it is not known."""
    given = signals if isinstance(signals, Mapping) else {one.name: one for one in signals or ()}
    return RegionFacts(region, given, capacity_, tuple(orders), tally)


def busy(
    wanted: int, *, ready: int = 3, region: RegionId = REGION, orders: Iterable[Order] = (), tally: Tally = NO_TALLY
) -> RegionFacts:
    """Facts of a region with `ready` nodes and a load for `wanted` nodes, by the policy above."""
    return region_facts(
        [signal(100.0 * wanted, region=region)], capacity(ready, region=region), orders, region=region, tally=tally
    )


def facts(*regions: RegionFacts, at: float = NOW, tick: int = 7, fleet: FleetFacts = WHOLE_FLEET) -> Facts:
    """What one tick decides on."""
    return Facts(tick, at, {one.region: one for one in regions}, fleet)


def policies(served: ScalingPolicy, *regions: RegionId) -> Policies:
    """One policy in force for these regions (REGION if none is named), each with one offer without a price."""
    named = regions or (REGION,)
    offers = {region: (offer(region=region),) for region in named}
    return Policies(dict.fromkeys(named, served), CAPACITY_MAX_AGE, offers)


def decided(served: ScalingPolicy, one: RegionFacts, at: float = NOW) -> Decision:
    """The decision for one region."""
    (decision,) = decide(facts(one, at=at), policies(served, one.region)).decisions
    return decision


def budget(
    per_day: int | None = None,
    per_month: int | None = None,
    *,
    name: str = "north",
    regions: Iterable[RegionId] | None = None,
) -> Budget:
    """A budget in hundredths; no regions are all of them."""
    covered = None if regions is None else frozenset(regions)
    day, month = (None if most is None else Money(most) for most in (per_day, per_month))
    return Budget(name, covered, day, month)


def column(*values: float, at: float | Sequence[float] = NOW, series: Sequence[Mapping[str, str]] = ()) -> Column:
    """Values with their series; where none are given each has a label of its own."""
    named = tuple(series) or tuple({"n": str(number)} if len(values) > 1 else {} for number in range(len(values)))
    return Column(named, values, at)


def up(
    target: str = "a",
    region: RegionId = REGION,
    columns: Mapping[str, Column] | None = None,
    labels: Mapping[str, str] | None = None,
) -> TargetStatus:
    """A target that answered, with nothing of interest unless columns are given."""
    return TargetStatus(target, region, True, Reason.UP, labels=labels or {}, columns=columns or {})


def stating(
    *values: float,
    target: str = "a",
    metric: str = "rps_value",
    at: float | Sequence[float] = NOW,
    region: RegionId = REGION,
    series: Sequence[Mapping[str, str]] = (),
) -> TargetStatus:
    """A target that answered, and stated series of one metric."""
    return up(target, region, {metric: column(*values, at=at, series=series)})


def down(
    target: str = "a", region: RegionId = REGION, reason: Reason = Reason.TIMED_OUT, detail: str = ""
) -> TargetStatus:
    """A target that did not answer."""
    return TargetStatus(target, region, False, reason, detail)


def wave(*targets: TargetStatus, source: str = "edge", at: float = NOW, regions: Iterable[str] | None = None) -> Wave:
    """All that one source learnt in one pass over the regions, or over all of them."""
    covered = None if regions is None else frozenset(RegionId(region) for region in regions)
    return Wave(source, at, 1.0, targets, covered)


def said(*targets: TargetStatus, region: RegionId = REGION, at: float = NOW) -> Said:
    """What one source says about one region in a pass that began at `at`; targets of region "" stand for the whole."""
    own = tuple(target for target in targets if target.region == region)
    return Said(own, tuple(target for target in targets if not target.region), at)


def measured(written: Mapping[str, object], *passes: Said, region: RegionId = REGION) -> Signal:
    """A signal, written as in a policy file without its name `rps`, after these passes one after the other."""
    one = measure(region, SignalSpec.model_validate({"name": "rps", **written}))
    signals = [one.read(heard) for heard in passes]
    return signals[-1]
