"""The audit: what must hold at every step, checked against what the vendor really sold.

Durable orders, plans, calls and sales come in as they happen; a broken promise goes out through `fail`, at once. It
trusts nothing that the daemon remembers: only the ledger, the calls that left and the vendor's books.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from autoscaler.model.decision import Decision, Plan
from autoscaler.model.names import InstanceId, OrderId, RegionId
from autoscaler.model.operation import Count, Operation, Quantity
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.budget import spending_limits
from autoscaler.simulator.records import Purchase
from tests.simulation.clocks import EPOCH
from tests.simulation.plan import SeedPlan
from tests.simulation.rates import Paces
from tests.simulation.story import Story

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class SentCall:
    """One purchase call that left: which attempt of which order it is."""

    order: OrderId
    attempt: int


class Audit:
    """Judges one seed. `fail` is told of each broken promise."""

    def __init__(self, plan: SeedPlan, story: Story, now: Callable[[], float], fail: Callable[[str], None]) -> None:
        self._plan = plan
        self._story = story
        self._now = now
        self._fail = fail
        self.paces = Paces(plan.executor)
        self.orders: dict[OrderId, Order] = {}
        self.sales: dict[OrderId, Purchase] = {}
        self.remembered: set[InstanceId] = set()
        self.by_hand: set[RegionId] = set()
        self.decisions: dict[RegionId, Decision] = {}
        self._allowed: dict[tuple[int, RegionId], int] = {}
        self._sent: set[SentCall] = set()
        self._sold: Counter[RegionId] = Counter()
        self._never_seen: Counter[RegionId] = Counter()
        self._left: set[SentCall] = set()

    def begin_life(self, orders: Iterable[Order], machine: float) -> None:
        """A process starts on what is durable: all of it is judged, also what no process lived to report.

        `machine` is Unix seconds of the machine's clock. The paces are taken over by that clock and by the ledger: the
        ledger tells when the last try of an order left, and a retry overwrites it. What is forgotten so is forgiven:
        one call of that order, and of a restart; everything else of the fleet counts on.
        """
        known = sorted(orders, key=lambda one: (one.created_at, one.id))
        for order in known:
            if self.orders.get(order.id) != order:
                self.durable(order)
        self._allowed.clear()
        sent: dict[str, list[float]] = {}
        for order in known:
            if order.submitted_at is not None and SentCall(order.id, order.attempt) in self._left:
                sent.setdefault(order.operation.name, []).append(machine - order.submitted_at)
        self.paces.begin_life(sent, self._now())

    def latched(self) -> bool:
        """Whether some region waits for a person's release."""
        reasons = {step.reason for decision in self.decisions.values() for step in decision.steps}
        return bool(reasons & {Reason.JOINS_LATCHED, Reason.ACCOUNT_STOPPED})

    def planned(self, plan: Plan) -> None:
        """A tick was decided: this is what it allows to be ordered."""
        for decision in plan.decisions:
            self.decisions[decision.region] = decision
            nodes = decision.purchase.nodes if decision.purchase else decision.delta
            if nodes > 0:
                self._counts_everything(decision)
                where = decision.purchase.operation.ens_region_id if decision.purchase else decision.region
                self._allowed[plan.tick, where] = self._allowed.get((plan.tick, where), 0) + nodes
                self._story.tell(
                    f"tick {plan.tick}: {decision.region} wants {nodes} more, committed {decision.committed}"
                )

    def _counts_everything(self, decision: Decision) -> None:
        """Who decides to buy must count all that was bought before, whatever is known of it."""
        there = self._paid(decision.region)
        if decision.committed < there:
            self._fail(f"{decision.region} is decided on {decision.committed} nodes, and {there} are paid for")

    def durable(self, order: Order) -> None:
        """An order is on the disk as it is now."""
        former = self.orders.get(order.id)
        self.orders[order.id] = order
        if former is None:
            self._new(order)
        self._knows_what_it_bought(order)
        if order.state.unsettled:
            place = (order.cluster, order.region)
            beside = [o.id for o in self.orders.values() if o.state.unsettled and (o.cluster, o.region) == place]
            if len(beside) > 1:
                self._fail(f"two unsettled orders in {order.region}: {', '.join(sorted(beside))}")

    def _knows_what_it_bought(self, order: Order) -> None:
        """No order goes on as if nothing had been bought where something was."""
        sale = self.sales.get(order.id)
        made = min(sale.nodes, order.nodes) if sale else 0
        if made and order.state is OrderState.PLANNED:
            self._fail(f"order {order.id} is to be sent again ({order.reason}), and {made} nodes were sold for it")
        if order.state is OrderState.FAILED and order.bought < made:
            self._fail(f"order {order.id} failed ({order.reason}) with {order.bought} nodes, {made} were sold for it")

    def _new(self, order: Order) -> None:
        self._story.count("orders")
        decided = self._allowed.pop((order.tick, order.region), 0)
        if order.nodes > decided:
            self._fail(f"order {order.id} for {order.nodes} nodes, tick {order.tick} decided {decided}")
        if order.cost != self._price(order) * order.nodes:
            self._fail(f"order {order.id} costs {order.cost}, and a node {self._price(order)}")
        for limit in spending_limits(self._plan.budgets, order.region, order.created_at):
            covered = [o for o in self.orders.values() if limit.covers(o.region) and o.created_at >= limit.since]
            spent = sum(o.charged for o in covered)
            if spent > limit.most:
                self._fail(f"{limit.name}: {spent} are reserved, {limit.most} may be")

    def sending(self, operation: Operation, quantity: Quantity) -> SentCall:
        """The daemon asks the client to buy. Its intent must be on the disk by now, and this must be its only call."""
        region, place = operation.ens_region_id, (operation.cluster, operation.ens_region_id)
        found = [o for o in self.orders.values() if (o.cluster, o.region) == place and o.state is OrderState.SUBMITTING]
        order = found[0] if found else None
        if order is None or order.quantity != quantity:
            self._fail(f"{quantity} sent to {region} with no order on the disk that says so")
            return SentCall(OrderId("?"), 0)
        call = SentCall(order.id, order.attempt)
        if call in self._sent:
            self._fail(f"order {order.id}: attempt {order.attempt} was sent twice")
        self._sent.add(call)
        self._story.tell(f"sends order {order.id} attempt {order.attempt}: {order.nodes} nodes in {region}")
        return call

    def called(self, action: str, call: object) -> None:
        """A request leaves; `call` is None for a read. No slack: its turn is to be taken just before it leaves."""
        if isinstance(call, SentCall) and call.order in self.orders:
            self._left.add(call)
            action = self.orders[call.order].operation.name
            too_many = self.paces.purchase_exceeds(action, self._now())
        else:
            too_many = self.paces.read_exceeds(action, self._now())
        if too_many:
            self._fail(f"{action} is called more often than the limits allow")

    def sold(self, sale: Purchase, call: object) -> None:
        """The vendor sold. Everything that can be bought twice is bought here."""
        region = RegionId(sale.region)
        self._story.tell(f"sold {sale.nodes} nodes in {region} to {sale.who}, task {sale.task_id}, for {call}")
        if sale.who == "hand":
            self._story.count("people: bought by hand")
            self.by_hand.add(region)
            return
        self._story.count("sales")
        if not isinstance(call, SentCall) or call.order not in self.orders:
            self._fail(f"{sale.nodes} nodes sold in {region} for no order")
            return
        order = self.orders[call.order]
        if order.id in self.sales:
            self._fail(f"order {order.id} was bought twice: tasks {self.sales[order.id].task_id} and {sale.task_id}")
        asked = sale.ordered == order.nodes or (order.operation.count is Count.TOTAL and sale.ordered < order.nodes)
        if sale.region != order.region or not asked:
            self._fail(f"order {order.id} is for {order.nodes} nodes in {order.region}: {sale.ordered} in {region}")
        self.sales[order.id] = sale
        self._knows_what_it_bought(order)
        self._sold[region] += min(sale.nodes, sale.ordered)  # what the vendor makes beyond that is nobody's decision
        self._within_bounds(region)
        self._within_budgets(order)

    def removed(self, region: RegionId, instance: InstanceId) -> None:
        """A person took a node out of its cluster. Only a node that the ledger does not tell of may be bought again."""
        if instance not in self.remembered and not any(instance in order.instances for order in self.orders.values()):
            self._never_seen[region] += 1

    def _paid(self, region: RegionId) -> int:
        """Nodes of a region that are paid for and that the daemon must count.

        An overdue order that a human lets go is counted where its instances are known, and not where they are not.
        """
        let_go = sum(
            max(0, min(sale.nodes, sale.ordered) - len(self.orders[order].instances))
            for order, sale in self.sales.items()
            if sale.region == region and self.orders[order].state is OrderState.ABANDONED
        )
        return self._plan.initial(region) + self._sold[region] - self._never_seen[region] - let_go

    def _within_bounds(self, region: RegionId) -> None:
        spec = self._plan.policies[region].spec
        paid, sold = self._paid(region), self._sold[region]
        if sold and paid > spec.max_nodes:
            self._fail(f"{region} has {paid} nodes, maxNodes is {spec.max_nodes}")
        ever = spec.behavior.scale_up.max_nodes_ever
        if ever is not None and sold > ever:
            self._fail(f"{region} has bought {sold} nodes, maxNodesEver is {ever}")
        per_day = spec.behavior.scale_up.max_nodes_per_day
        since = self._now() - _DAY
        bought = [sale for order, sale in self.sales.items() if sale.region == region]
        today = sum(min(sale.nodes, sale.ordered) for sale in bought if sale.at - EPOCH > since)
        if per_day is not None and today > per_day:
            self._fail(f"{region} has bought {today} nodes in 24 hours, maxNodesPerDay is {per_day}")

    def _within_budgets(self, order: Order) -> None:
        for limit in spending_limits(self._plan.budgets, order.region, order.created_at):
            paid = [
                self._price(self.orders[sold]) * min(sale.nodes, sale.ordered)
                for sold, sale in self.sales.items()
                if self.orders[sold].created_at >= limit.since and limit.covers(self.orders[sold].region)
            ]
            if sum(paid) > limit.most:
                self._fail(f"{limit.name}: {sum(paid)} were paid, {limit.most} may be")

    def _price(self, order: Order) -> int:
        return self._plan.price(order.operation.worker_instance_type)
