"""A region that lacks nodes at the end: is what is told of it the true reason?

Reasons come in and are held against the vendor's books, the ledger and the operator's settings. When nothing has gone
wrong for long, an unread region, an unknown price or a call that never left is no reason any more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from autoscaler.model.names import Money, RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.attention import Attention, attention
from autoscaler.policy.brakes import Brakes
from autoscaler.policy.budget import spending_limits
from autoscaler.policy.language import PolicySpec
from tests.simulation.clocks import EPOCH

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

_DAY = 86_400.0
_ROUNDS = 4
"""Polls and ticks after the end of a wait within which a region must have tried again."""


def told_of(simulation: "Simulation", region: RegionId) -> tuple[Attention, ...]:
    """What a human is told of a region, by its last decision and its orders."""
    orders = [order for order in simulation.audit.orders.values() if order.region == region]
    return attention(simulation.audit.decisions.get(region), orders)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """`nodes` nodes are missing in `region` at the end of the simulation."""

    simulation: "Simulation"
    region: RegionId
    have: int
    need: int

    @classmethod
    def of(cls, simulation: "Simulation", region: RegionId) -> "Shortfall":
        """The shortfall of a region; none where `nodes` is not positive."""
        have = len(simulation.vendor.books.region_instances(region))
        return cls(simulation, region, have, simulation.plan.needed(region, simulation.plan.end))

    def __str__(self) -> str:
        return f"{self.region} has {self.have} nodes and needs {self.need}"

    @property
    def nodes(self) -> int:
        """How many nodes are missing."""
        return self.need - self.have

    def explains(self, reason: Reason) -> bool:
        """Whether a reason is true, and reason enough."""
        checks: Mapping[Reason, Callable[[], bool]] = {
            Reason.ABOVE_MAXIMUM: self._at_maximum,
            Reason.ALL_VOTES_ABSTAIN: self._nobody_measures,
            Reason.ACCOUNT_STOPPED: self._out_of_money,
            Reason.BALANCE_EXHAUSTED: self._out_of_money,
            Reason.BREAKER_OPEN: self._bought_in_vain,
            Reason.BUDGET_EXHAUSTED: self._over_budget,
            Reason.FLEET_UNREADY: self._fleet_is_unready,
            Reason.JOINS_LATCHED: self._joins_failed,
            Reason.QUOTA_OF_DAY: self._day_is_used_up,
            Reason.QUOTA_OF_LIFETIME: self._life_is_used_up,
            Reason.REGION_DARK: self._region_is_unready,
            Reason.STOCK_BACKOFF: self._sold_out,
            Reason.OUT_OF_STOCK: self._sold_out,
            Reason.QUOTA_EXCEEDED: self._cluster_is_full,
            Reason.REJECTED: self._pool_takes_none,
            Reason.CLUSTER_BUSY: self._pool_scales,
            Reason.EXPIRED_UNSENT: lambda: self._pool_scales() or self._pool_shrinks(),
            Reason.EXPIRED_UNSENT: self._pool_scales,
            Reason.POOL_BUSY: self._pool_shrinks,
            Reason.OUTCOME_UNKNOWN: lambda: self._some(OrderState.IN_DOUBT),
            Reason.PAST_DEADLINE: lambda: self._waits_for_nodes() or self._measured_over_fewer(),
            Reason.NODES_NOT_READY: self._paid_and_not_ready,
            Reason.TASK_STALLED: self._waits_for_nodes,
            Reason.SOME_NODES_FAILED: self._failed_lately,
            Reason.TASK_FAILED: self._failed_lately,
        }
        return reason in checks and checks[reason]()

    def elsewhere(self) -> bool:
        """Whether siblings bought what is missing."""
        spilled = [order for order in self._all_orders if order.for_region == self.region]
        return sum(order.bought for order in spilled) >= self.nodes

    # What is so.

    @property
    def _spec(self) -> PolicySpec:
        return self.simulation.plan.policies[self.region].spec

    @property
    def _now(self) -> float:
        """By the machine's clock."""
        return self.simulation.clock.now()

    @property
    def _all_orders(self) -> Sequence[Order]:
        return tuple(self.simulation.audit.orders.values())

    @property
    def _orders(self) -> Sequence[Order]:
        return tuple(order for order in self._all_orders if order.region == self.region)

    @property
    def _price(self) -> Money:
        """Of one node, as the region would buy it first."""
        plan = self.simulation.plan
        return plan.price(plan.offers[self.region][0].operation.worker_instance_type)

    @property
    def _asked(self) -> int:
        """What the region asks for at once: its policy may want more than it can not do without."""
        last = max(self._orders, key=lambda order: (order.created_at, order.id), default=None)
        return max(self.nodes, last.nodes if last else 0)

    def _some(self, *states: OrderState) -> bool:
        return any(order.state in states for order in self._orders)

    def _came(self, order: Order) -> int:
        """Nodes of an order that joined and are in the cluster still."""
        sale, books = self.simulation.audit.sales.get(order.id), self.simulation.vendor.books
        made = sale.instances if sale else tuple(order.instances)
        known = (books.instance(instance) for instance in made)
        return sum(one is not None and one.has_joined(self._true_now) for one in known)

    @property
    def _true_now(self) -> float:
        return EPOCH + self.simulation.loop.time()

    # Each reason.

    def _at_maximum(self) -> bool:
        """Of an order that a human let go nobody can say which nodes came: it counts against the maximum, too."""
        taken = [order for order in self._orders if order.receipt is not None]
        gone = sum(
            order.nodes - len(order.instances)
            if order.state is OrderState.ABANDONED
            else max(0, order.nodes - self._came(order))
            for order in taken
        )
        return self.have + gone + self.nodes > self._spec.max_nodes

    def _nobody_measures(self) -> bool:
        """Without a ready node there is no sample."""
        return not self.simulation.vendor.books.ready(self.region, self._true_now)

    def _out_of_money(self) -> bool:
        balance = self.simulation.plan.scenario.balance
        if balance is None:
            return False
        return self.simulation.vendor.books.spent + self._price * self._asked > balance * Decimal(100)

    def _bought_in_vain(self) -> bool:
        """An order was taken, brought no ready node, and is waited for or over since not longer than a day."""
        for order in self._orders:
            waited = order.settled_at is None or self._now - order.settled_at < _DAY
            if order.receipt is not None and waited and not self._came(order):
                return True
        return False

    def _over_budget(self) -> bool:
        for limit in spending_limits(self.simulation.plan.budgets, self.region, self._now):
            covered = [o for o in self._all_orders if limit.covers(o.region) and o.created_at >= limit.since]
            if sum(order.charged for order in covered) + self._price * self.nodes > limit.most:
                return True
        return False

    def _unready(self, regions: Sequence[RegionId]) -> tuple[int, int]:
        """Nodes of these regions that were up once and do not answer, and all that were up once."""
        books, now = self.simulation.vendor.books, self._true_now
        up = [one for region in regions for one in books.region_instances(region) if one.ready_at <= now]
        statuses = {row.instance.id: row.status for row in books.nodes(now)}
        return sum(statuses.get(one.id) != "Ready" for one in up), len(up)

    def _fleet_is_unready(self) -> bool:
        unready, nodes = self._unready(self.simulation.plan.regions)
        return unready > Brakes().ok_unready_nodes and unready > Brakes().max_unready_share * nodes

    def _region_is_unready(self) -> bool:
        unready, nodes = self._unready([self.region])
        return 100 * unready > self._spec.behavior.scale_up.max_unready_percent * nodes

    def _joins_failed(self) -> bool:
        taken = [order for order in self._orders if order.receipt is not None]
        failed = sum(max(order.nodes, order.bought) - self._came(order) for order in taken)
        return failed >= self._spec.behavior.scale_up.failed_joins_to_latch > 0

    def _day_is_used_up(self) -> bool:
        most = self._spec.behavior.scale_up.max_nodes_per_day
        today = sum(order.bought for order in self._orders if order.created_at > self._now - _DAY)
        return most is not None and today + self.nodes > most

    def _life_is_used_up(self) -> bool:
        most = self._spec.behavior.scale_up.max_nodes_ever
        return most is not None and sum(order.bought for order in self._orders) + self.nodes > most

    def _sold_out(self) -> bool:
        books, now = self.simulation.vendor.books, self.simulation.vendor.simulator.now()
        kinds = [offer.operation.worker_instance_type for offer in self.simulation.plan.offers[self.region]]
        return all(books.stock(self.region, kind, now) < self._asked for kind in kinds)

    def _cluster_is_full(self) -> bool:
        estate, plan = self.simulation.vendor.books.estate, self.simulation.plan
        cluster = plan.offers[self.region][0].operation.cluster
        return estate.members(cluster, self._true_now) + self._asked > plan.scenario.node_quota

    def _pool_sizes(self) -> tuple[int, int, int, bool]:
        """Desired, total and failed nodes of the region's pool, and whether it scales."""
        books = self.simulation.vendor.books
        pool = books.pools.any(self.simulation.plan.offers[self.region][0].operation.pool or "")
        if pool is None:
            return 0, 0, 0, False
        size = books.pools.size(pool, self.simulation.vendor.simulator.now())
        return size.desired, size.total, size.failed, size.scaling and pool.serial

    def _pool_takes_none(self) -> bool:
        """ENS takes no order for a pool with failed nodes: somebody must delete them."""
        return self._pool_sizes()[2] > 0

    def _pool_scales(self) -> bool:
        return self._pool_sizes()[3]

    def _pool_shrinks(self) -> bool:
        desired, total, _, _ = self._pool_sizes()
        return desired < total

    def _waits_for_nodes(self) -> bool:
        """What an accepted order may still bring is counted on, or nothing can be told from what it makes."""
        waiting = [order for order in self._orders if order.state in {OrderState.ACCEPTED, OrderState.OVERDUE}]
        decision = self.simulation.audit.decisions.get(self.region)
        stops = {step.reason for step in decision.steps} if decision else set()
        promised = sum(order.nodes - self._came(order) for order in waiting)
        return promised >= self.nodes or (bool(waiting) and Reason.ORDER_UNSETTLED in stops)

    def _measured_over_fewer(self) -> bool:
        """While an order is overdue, a ratio is multiplied by the nodes of before it: later ones may be its own."""
        decision = self.simulation.audit.decisions.get(self.region)
        if decision is None or decision.capacity is None:
            return False
        late = [order for order in self._orders if order.state is OrderState.OVERDUE and order.baseline is not None]
        return any(order.baseline and decision.capacity.ready - order.baseline.instances for order in late)

    def _paid_and_not_ready(self) -> bool:
        """Nodes that do not answer count as nodes, and a ratio is measured over those that do."""
        decision = self.simulation.audit.decisions.get(self.region)
        read = decision.capacity if decision else None
        return read is not None and read.ready != read.instances

    def _failed_lately(self) -> bool:
        """The last order failed, and the wait after that is not over, or just is."""
        wait = max(self._spec.behavior.scale_up.failure_backoff_seconds, self._spec.behavior.scale_up.breaker_seconds)
        plan = self.simulation.plan
        wait += _ROUNDS * (plan.executor.poll_interval + plan.loop.interval)
        ended = [order.settled_at for order in self._orders if order.state is OrderState.FAILED and order.settled_at]
        return bool(ended) and self._now - max(ended) < wait
