"""Constant demand never gives a second order, however its order, its nodes and the ticks interleave."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.model.capacity import Capacity
from autoscaler.model.names import InstanceId, OrderId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.decide import decide
from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.planning import intents
from tests.property import policy_strategies as any_
from tests.unit.policy import builders
from tests.unit.policy.builders import NOW

_FORWARD = {
    OrderState.PLANNED: OrderState.SUBMITTING,
    OrderState.SUBMITTING: OrderState.ACCEPTED,
    OrderState.IN_DOUBT: OrderState.ACCEPTED,
    OrderState.ACCEPTED: OrderState.OVERDUE,
}


@dataclass
class Region:
    """A region under a constant total load: what the cloud shows, and the orders that were made for it."""

    served: ScalingPolicy
    load: float
    capacity: Capacity
    orders: list[Order] = field(default_factory=list)
    made: dict[OrderId, list[InstanceId]] = field(default_factory=dict)
    now: float = NOW

    def tick(self) -> int:
        """Decide, and plan what was decided. Gives the nodes bought."""
        self.now += 10
        self.capacity = replace(self.capacity, at=self.now)
        signals = {"rps": builders.signal(self.load)._replace(at=self.now)}
        one = replace(builders.region_facts(signals, self.capacity), orders=tuple(self.orders))
        plan = decide(builders.facts(one, at=self.now), builders.policies(self.served))
        for intent in intents(plan):
            self.orders.append(builders.order(nodes=intent.nodes, id=f"order-{len(self.orders)}"))
        return self.bought

    @property
    def bought(self) -> int:
        return sum(order.nodes for order in self.orders)

    def forward(self) -> None:
        """The order goes one step on: sent, accepted, late."""
        self._move(_FORWARD)

    def doubt(self) -> None:
        """The answer is lost."""
        self._move({OrderState.SUBMITTING: OrderState.IN_DOUBT})

    def disprove(self) -> None:
        """The doubt turns out to be no purchase: the same order goes again."""
        self._move({OrderState.IN_DOUBT: OrderState.PLANNED}, unmade=True)

    def settle(self) -> None:
        """All nodes are ready, or will not be: the order is final."""
        for index, order in enumerate(self.orders):
            born = frozenset(self.made.get(order.id, ()))
            open_ = order.state in {OrderState.ACCEPTED, OrderState.OVERDUE}
            if open_ and len(born) == order.nodes and born <= self.capacity.ready | self.capacity.failed:
                to = OrderState.READY if born <= self.capacity.ready else OrderState.PARTIAL
                self.orders[index] = order.moved(to, Reason.NODES_READY, self.now, instances=born)

    def make(self) -> None:
        """The cloud makes one more instance of each sent order; it is not a node yet."""
        for order in self.orders:
            made = self.made.setdefault(order.id, [])
            if order.state not in {OrderState.PLANNED, OrderState.READY} and len(made) < order.nodes:
                made.append(InstanceId(f"i-{order.id}-{len(made)}"))

    def appear(self) -> None:
        """One instance shows up as a node; its order may know it by now or not."""
        made = {one for instances in self.made.values() for one in instances}
        for one in sorted(made - self.capacity.instances)[:1]:
            self.capacity = replace(self.capacity, joining=self.capacity.joining | {one})

    def recognise(self) -> None:
        """The task tells which instances it made."""
        for index, order in enumerate(self.orders):
            if not order.state.final:
                born = frozenset(self.made.get(order.id, ()))
                self.orders[index] = order.moved(order.state, Reason.INSTANCES_SEEN, self.now, instances=born)

    def turn_ready(self) -> None:
        """One joining node starts to carry load."""
        self._shift("joining", "ready")

    def fail(self) -> None:
        """One joining node will never be ready: it is paid for all the same."""
        self._shift("joining", "failed")

    def lose_uplink(self) -> None:
        """One ready node no longer answers."""
        self._shift("ready", "unready")

    def come_back(self) -> None:
        """One unready node answers again."""
        self._shift("unready", "ready")

    def _shift(self, source: str, target: str) -> None:
        before: frozenset[InstanceId] = getattr(self.capacity, source)
        after: frozenset[InstanceId] = getattr(self.capacity, target)
        for one in sorted(before)[:1]:
            self.capacity = Capacity(
                **{
                    **{name: getattr(self.capacity, name) for name in ("region", *_SETS, "at")},
                    source: before - {one},
                    target: after | {one},
                }
            )

    def _move(self, steps: dict[OrderState, OrderState], *, unmade: bool = False) -> None:
        for index, order in enumerate(self.orders):
            if order.state in steps and not (unmade and self.made.get(order.id)):
                to = steps[order.state]
                taken = {"receipt": builders.TOLD} if to is OrderState.ACCEPTED else {}
                self.orders[index] = order.moved(to, Reason.SENDING, self.now, "", **taken)


_SETS = ("ready", "unready", "joining", "failed")
_LIFE = (
    Region.tick,
    Region.forward,
    Region.doubt,
    Region.disprove,
    Region.make,
    Region.appear,
    Region.recognise,
    Region.turn_ready,
    Region.settle,
)
_FLAPPING = (*_LIFE, Region.fail, Region.lose_uplink, Region.come_back)
_ONE_PASS = (
    Region.forward,
    Region.make,
    Region.recognise,
    Region.tick,
    Region.appear,
    Region.turn_ready,
    Region.settle,
    Region.tick,
)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    served = draw(any_.policies(kinds=("AverageValue",), max_rules=1, braked=False))
    calm = builders.policy(
        minNodes=served.spec.min_nodes,
        maxNodes=served.spec.max_nodes,
        rules=[rule.model_dump(by_alias=True) for rule in served.spec.rules],
        cooldown=0,  # the promise must not lean on the cooldown
        backoff=0,
        scale_up={"maxUnreadyPercent": 100, "breakerSeconds": 0, "failedJoinsToLatch": 0},  # nor on a brake
    )
    return Region(calm, draw(any_.loads), draw(any_.capacities(fresh=True)))


@settings(deadline=None, max_examples=200)
@given(region=regions(), steps=st.lists(st.sampled_from(_LIFE), max_size=40))
def test_constant_demand_never_gives_a_second_order(region: Region, steps: list[object]) -> None:
    first = region.tick()
    for step in steps:
        assert callable(step)
        step(region)
        assert region.tick() == first
    for step in _ONE_PASS * (first + len(region.capacity.joining) + 3):  # enough for every node to turn ready
        step(region)
        assert region.bought == first
    assert all(order.state is OrderState.READY for order in region.orders)  # the whole life was seen


@settings(deadline=None, max_examples=200)
@given(region=regions(), steps=st.lists(st.sampled_from(_FLAPPING), max_size=40))
def test_nodes_that_fail_or_lose_their_uplink_are_not_bought_again(region: Region, steps: list[object]) -> None:
    first = region.tick()
    for step in steps:
        assert callable(step)
        step(region)
        region.tick()
        assert len(region.orders) <= 1
        assert first == 0 or region.bought == first


@settings(deadline=None, max_examples=100)
@given(region=regions())
def test_an_order_that_is_not_cut_by_the_maximum_is_enough_for_the_load(region: Region) -> None:
    before = len(region.capacity.instances)
    bought = region.tick()
    (rule,) = region.served.spec.rules
    serving = (before + bought) * rule.target.value * (1 + rule.tolerance) * (1 + 1e-6) + 1e-6
    assert serving >= region.load or before + bought >= region.served.spec.max_nodes
