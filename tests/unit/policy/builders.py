"""Small builders for the nouns that the policy reads: every argument has a plain default, tests name what matters."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import Decision, Facts, RegionFacts
from autoscaler.model.names import ClusterId, InstanceId, OrderId, RegionId
from autoscaler.model.operation import ScaleOutCluster
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Sample, Signal, TargetStatus, Wave
from autoscaler.policy.decide import Policies, decide
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.language import ScalingPolicy

REGION = RegionId("cn-beijing-cmcc-2")
CLUSTER = ClusterId("c" + "0" * 32)
NOW = 1_700_000_000.0
CAPACITY_MAX_AGE = 120.0


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


def operation(region: RegionId = REGION) -> ScaleOutCluster:
    """A purchase operation with the smallest sensible body."""
    return ScaleOutCluster(
        cluster=CLUSTER,
        template="edge-small",
        ens_region_id=region,
        worker_instance_type="ens.sn1.small",
        worker_image_id="image-1",
        ens_internet_charge_type="95BandwidthByMonth",
        worker_period=1,
        worker_system_disk_size=40,
    )


def order(
    state: OrderState = OrderState.PLANNED,
    nodes: int = 2,
    *,
    id: str = "order-1",  # noqa: A002  # named as the field that it fills
    region: RegionId = REGION,
    settled_ago: float | None = None,
    reason: Reason = Reason.DECIDED,
    instances: Iterable[InstanceId] = (),
) -> Order:
    """An order; `settled_ago` is seconds before NOW and belongs to final states."""
    return Order(
        id=OrderId(id),
        tick=1,
        region=region,
        operation=operation(region),
        nodes=nodes,
        created_at=NOW - 3600,
        deadline=NOW + 3600,
        state=state,
        reason=reason,
        instances=frozenset(instances),
        settled_at=None if settled_ago is None else NOW - settled_ago,
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


def policy(*, cooldown: float = 300.0, backoff: float = 600.0, **spec: object) -> ScalingPolicy:
    """The document above, parsed; `cooldown` and `backoff` are seconds."""
    behavior = {"scaleUp": {"cooldownSeconds": cooldown, "failureBackoffSeconds": backoff}}
    return ScalingPolicy.model_validate(document(behavior=behavior, **spec))


def region_facts(
    signals: Mapping[str, Signal] | Sequence[Signal] | None = None,
    capacity_: Capacity | None = None,
    orders: Iterable[Order] = (),
    *,
    region: RegionId = REGION,
) -> RegionFacts:
    """Facts of one region. Signals may be a sequence; no capacity means that it is not known."""
    given = signals if isinstance(signals, Mapping) else {one.name: one for one in signals or ()}
    return RegionFacts(region, given, capacity_, tuple(orders))


def facts(*regions: RegionFacts, at: float = NOW, tick: int = 7) -> Facts:
    """What one tick decides on."""
    return Facts(tick, at, {one.region: one for one in regions})


def policies(served: ScalingPolicy, *regions: RegionId) -> Policies:
    """One policy in force for these regions (REGION if none is named)."""
    return Policies(dict.fromkeys(regions or (REGION,), served), CAPACITY_MAX_AGE)


def decided(served: ScalingPolicy, one: RegionFacts, at: float = NOW) -> Decision:
    """The decision for one region."""
    (decision,) = decide(facts(one, at=at), policies(served, one.region)).decisions
    return decision


def situation(
    committed: int = 3,
    *,
    served: ScalingPolicy | None = None,
    capacity_: Capacity | None = None,
    orders: Iterable[Order] = (),
) -> Situation:
    """What a guard looks at; `capacity_` left out means unknown."""
    return Situation(region_facts(None, capacity_, orders), (served or policy()).spec, committed, NOW, CAPACITY_MAX_AGE)


def sample(
    value: float,
    *,
    target: str = "a",
    metric: str = "rps_value",
    at: float = NOW,
    region: RegionId = REGION,
    **labels: str,
) -> Sample:
    """One value of one series."""
    return Sample(region, target, metric, labels, value, at)


def up(target: str = "a", region: RegionId = REGION) -> TargetStatus:
    """A target that answered."""
    return TargetStatus(target, region, True, Reason.UP)


def down(
    target: str = "a", region: RegionId = REGION, reason: Reason = Reason.TIMED_OUT, detail: str = ""
) -> TargetStatus:
    """A target that did not answer."""
    return TargetStatus(target, region, False, reason, detail)


def wave(targets: Iterable[TargetStatus] = (), samples: Iterable[Sample] = ()) -> Wave:
    """All that one source learnt in one pass."""
    return Wave("edge", NOW, 0.1, tuple(targets), tuple(samples))
