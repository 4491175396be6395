"""The sockets of the house: what the shell needs from the world, as protocols.

Adapters implement them, `app` joins the two. A port says what its errors mean; it must not know any adapter.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from autoscaler.model.act import Act
from autoscaler.model.capacity import Capacity, Instance, Node, Pool, Task, TaskRow
from autoscaler.model.decision import FleetFacts, Tally
from autoscaler.model.events import Event
from autoscaler.model.names import ClusterId, InstanceId, Money, OrderId, RegionId, TaskId
from autoscaler.model.operation import Operation, PoolOperation, Quantity
from autoscaler.model.order import Order, OrderEvent, OrderIntent, Receipt
from autoscaler.model.signals import Wave
from autoscaler.model.spending import SpendingLimit


class Clock(Protocol):
    """The only way to learn the time or to wait."""

    def now(self) -> float:
        """Wall clock, Unix seconds: for what is stored or compared with other machines."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back: for durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; cancellable."""
        ...


class SampleSource(Protocol):
    """Something that knows edge workload metrics."""

    @property
    def name(self) -> str:
        """Unique among the sources: what a signal in a policy refers to."""
        ...

    def pause(self) -> float:
        """Seconds until the next pass is due; 0 if it is."""
        ...

    async def collect(self) -> Wave:
        """The pass whose turn it is, over all targets or those of some regions, bounded in time by its own deadline.

        A target that fails is a TargetStatus with its reason, not an exception. What is raised
        (AutoscalerError) means that the whole source could not be asked.
        """
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class Cloud(Protocol):
    """ACK and ENS. Every method raises CloudError subclasses only, each named by the reaction it calls for."""

    async def purchase(self, operation: Operation, quantity: Quantity) -> Receipt:
        """Buy. Sent at most once per call of this method: no retry happens below this line.

        Raises OutcomeUnknown when the purchase may have happened; every other CloudError proves that it did not.
        Raises TypeError when `quantity` is not of the operation's kind; nothing is sent then.
        """
        ...

    async def task(self, task: TaskId) -> Task:
        """CS DescribeTaskInfo. Raises NotFound when there is no such task."""
        ...

    async def tasks(self, cluster: ClusterId, since: float) -> Sequence[TaskRow]:
        """CS DescribeClusterTasks: the cluster's tasks created at or after `since` (Unix seconds), all pages."""
        ...

    async def nodes(self, cluster: ClusterId) -> Sequence[Node]:
        """CS DescribeClusterNodes: all nodes in any state, all pages."""
        ...

    async def instances(self, regions: Sequence[RegionId]) -> Sequence[Instance]:
        """ENS DescribeInstances: all instances of these regions, all pages."""
        ...

    async def pool(self, operation: PoolOperation) -> Pool:
        """The size of the operation's node pool: CS DescribeClusterNodePoolDetail, or ENS DescribeClusterNodePools.

        Raises NotFound when the cluster has no such pool.
        """
        ...

    async def stock(self, operation: Operation) -> int:
        """ENS DescribePrePaidInstanceStock: how many of the operation's nodes its region can sell now."""
        ...

    async def price(self, operation: Operation, nodes: int) -> Money:
        """ENS DescribePrice: what `nodes` of the operation's nodes cost together, for the whole period."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class Ledger(Protocol):
    """Durable orders. When a method returns, its effect survives `kill -9` and a power cut.

    Every method may raise LedgerUnusable.
    """

    async def add(self, order: Order, limits: Sequence[SpendingLimit] = ()) -> None:
        """Store a new PLANNED order and so reserve its cost, in one step.

        Raises UnsettledOrderExists if its (cluster, region) already has one, BudgetExceeded if its cost and
        the charges of the orders that a limit covers (see Order.charged) are more than the limit.
        """
        ...

    async def replace(self, before: Order, after: Order, at: float) -> None:
        """Compare-and-set `before` -> `after` and append the step to the order's history.

        Raises StaleOrder if the stored version is not `before.version`, IllegalTransition if the state machine has no
        such step, UnknownOrder if there is no such order, UnsettledOrderExists if `after` would be the second unsettled
        order of its (cluster, region).
        """
        ...

    async def get(self, order: OrderId) -> Order:
        """Raises UnknownOrder."""
        ...

    async def open(self) -> Sequence[Order]:
        """Every order that is not final, oldest first."""
        ...

    async def settled_since(self, since: float) -> Sequence[Order]:
        """Final orders whose `settled_at` >= since (Unix seconds), oldest first."""
        ...

    async def all(self, limit: int) -> Sequence[Order]:
        """The newest `limit` orders, newest first."""
        ...

    async def history(self, order: OrderId) -> Sequence[OrderEvent]:
        """Every step of an order, oldest first."""
        ...

    async def file(self, act: Act) -> Act:
        """Keep a human's act until it is carried out; gives it with its id. A process that owns no ledger may, too."""
        ...

    async def acts(self) -> Sequence[Act]:
        """Every act, oldest first."""
        ...

    async def close_act(self, act: int, at: float, outcome: str) -> Act:
        """Note that an act was carried out or refused. Raises LedgerError if there is none or it was closed before."""
        ...

    async def prune(self, before: float) -> int:
        """Forget final orders settled before then (Unix seconds), with their history; gives how many.

        Orders for another region stay: nothing else tells that its need is met elsewhere.
        What `totals` tells does not change by it.
        """
        ...

    async def totals(self) -> Mapping[RegionId, int]:
        """Nodes bought in each region by orders that were pruned; the others are in `open` and `settled_since`."""
        ...

    async def remember(self, nodes: Mapping[InstanceId, RegionId], at: float) -> None:
        """Keep which instances were nodes, and in which region; `at` (Unix seconds) is when they were last told.

        One that is known already stays in its region: an instance does not move. Every call writes, so it also tells
        whether the ledger takes writes.
        """
        ...

    async def remembered(self) -> Mapping[InstanceId, RegionId]:
        """Every instance that was a node once."""
        ...

    async def close(self) -> None:
        """Flush and release the file."""
        ...


class OrderDesk(Protocol):
    """Where decisions become orders, and where the loop learns what there is and what is on its way."""

    def capacity(self, region: RegionId) -> Capacity | None:
        """The last reading of a region's nodes, however old; None before the first."""
        ...

    def orders(self, region: RegionId) -> Sequence[Order]:
        """The region's open orders, and the settled ones recent enough to matter to a timer."""
        ...

    def tally(self, region: RegionId) -> Tally:
        """What the ledger sums up over the region's whole life."""
        ...

    def fleet(self) -> FleetFacts:
        """The fleet as a whole."""
        ...

    async def place(self, intents: Iterable[OrderIntent]) -> None:
        """Make the intents durable and send them, each at its turn. Does not raise for a refused intent."""
        ...


class Observer(Protocol):
    """Listens to what happens. It must not raise, block or await."""

    def notice(self, event: Event) -> None:
        """Called on the event loop, at once, for every event."""
        ...
