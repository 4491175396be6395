"""Orders: durable intents to buy nodes, and the only ways in which they may change.

    PLANNED ──► SUBMITTING ──► ACCEPTED ──► READY | PARTIAL | FAILED
       ▲  │         │ │ ▲         │  ▲
       │  ▼         │ ▼ │         ▼  │
       │ FAILED     │ IN_DOUBT  OVERDUE ──► READY | PARTIAL | FAILED | ABANDONED (a human says so)
       │            ▼  │ │
       └────────────┴──┘ └──► FAILED | ABANDONED (a human says so)

SUBMITTING is on disk before the call leaves the process, so a crash leaves evidence. An IN_DOUBT order becomes
ACCEPTED when evidence of the purchase is found, and PLANNED again only when its absence is proven.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from autoscaler.model.errors import IllegalTransition
from autoscaler.model.names import FREE, InstanceId, Money, OrderId, RegionId, TaskId
from autoscaler.model.operation import Count, Delta, Operation, Quantity, Total
from autoscaler.model.reason import Reason


class OrderState(StrEnum):
    """Where an order is. The words are stored in the ledger and shown in metrics: never rename one."""

    PLANNED = "planned"
    SUBMITTING = "submitting"
    IN_DOUBT = "in_doubt"
    ACCEPTED = "accepted"
    OVERDUE = "overdue"
    READY = "ready"
    PARTIAL = "partial"
    FAILED = "failed"
    ABANDONED = "abandoned"

    @property
    def final(self) -> bool:
        """No transition leaves a final state."""
        return not TRANSITIONS[self]

    @property
    def unsettled(self) -> bool:
        """Whether the purchase itself is undecided. At most one such order per (cluster, region)."""
        return self in UNSETTLED


_S = OrderState
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.PLANNED: frozenset({_S.SUBMITTING, _S.FAILED}),
    _S.SUBMITTING: frozenset({_S.ACCEPTED, _S.IN_DOUBT, _S.PLANNED, _S.FAILED}),
    _S.IN_DOUBT: frozenset({_S.ACCEPTED, _S.PLANNED, _S.FAILED, _S.ABANDONED}),
    _S.ACCEPTED: frozenset({_S.READY, _S.PARTIAL, _S.FAILED, _S.OVERDUE}),
    _S.OVERDUE: frozenset({_S.READY, _S.PARTIAL, _S.FAILED, _S.ABANDONED}),
    _S.READY: frozenset(),
    _S.PARTIAL: frozenset(),
    _S.FAILED: frozenset(),
    _S.ABANDONED: frozenset(),
}
UNSETTLED = frozenset({_S.PLANNED, _S.SUBMITTING, _S.IN_DOUBT})
BOUGHT = frozenset({_S.ACCEPTED, _S.OVERDUE, _S.READY, _S.PARTIAL})
"""States in which the API is known to have taken the order (a FAILED one may have been taken too: see `task`)."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The API's answer to a purchase. `task` is None where an operation returns none or evidence named no task."""

    task: TaskId | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """What existed in the region just before the call: whatever is new afterwards is evidence. `at`: Unix seconds.

    `pool_size` is the size of the node pool then, for an operation that has one.
    """

    instances: frozenset[InstanceId]
    at: float
    pool_size: int | None = None


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """What planning asks for: `nodes` more nodes by `operation` in one region, because of tick `tick`.

    `desired` is the number of nodes that the region then needs, `cost` what the nodes cost together, `for_region` the
    region whose shortfall is spilled over, when it is another one. `at` is the moment of the decision (Unix seconds).
    """

    tick: int
    region: RegionId
    operation: Operation
    nodes: int
    desired: int = 0
    cost: Money = FREE
    for_region: RegionId | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One intent to buy `nodes` nodes (always >= 1) in one region. All times are Unix seconds.

    `version` grows by one with every write and is what compare-and-set compares. `deadline` is when nodes that are
    not ready make an accepted order overdue. `submitted_at` is the moment before the last call left; `settled_at` the
    moment a final state was reached. `term` is the leadership term under which the order was made.
    `desired`, `cost` and `for_region` are those of the intent. `in_stock` is how many nodes the region could still
    sell when the order was turned down for stock, None where nobody said. `failed_joins` is how many of the nodes that
    it made never became ready, known once it has ended.
    """

    id: OrderId
    tick: int
    region: RegionId
    operation: Operation
    nodes: int
    created_at: float
    deadline: float
    state: OrderState = OrderState.PLANNED
    reason: Reason = Reason.DECIDED
    detail: str = ""
    attempt: int = 0
    receipt: Receipt | None = None
    baseline: Baseline | None = None
    instances: frozenset[InstanceId] = field(default_factory=frozenset)
    submitted_at: float | None = None
    settled_at: float | None = None
    term: int = 0
    version: int = 0
    desired: int = 0
    cost: Money = FREE
    for_region: RegionId | None = None
    in_stock: int | None = None
    failed_joins: int = 0

    @property
    def cluster(self) -> str:
        """The cluster that it is bought for."""
        return self.operation.cluster

    @property
    def quantity(self) -> Quantity:
        """What is sent: the nodes themselves, or the size of the pool after them.

        Raises:
            ValueError: a total was asked for before the size of the pool was read.
        """
        if self.operation.count is Count.DELTA:
            return Delta(self.nodes)
        if self.baseline is None or self.baseline.pool_size is None:
            raise ValueError(f"order {self.id}: the size of the pool has not been read")
        return Total(self.baseline.pool_size + self.nodes)

    @property
    def bought(self) -> int:
        """Nodes that must be taken for paid, until the contrary is proven."""
        if self.state in {OrderState.FAILED, OrderState.PARTIAL}:
            return len(self.instances)
        return max(self.nodes, len(self.instances))

    @property
    def charged(self) -> Money:
        """What counts against budgets: the share of `cost` that was bought, rounded up; more if more was made."""
        return Money(-(-self.cost * self.bought // self.nodes))

    @property
    def untold(self) -> bool:
        """Accepted, and the API does not tell what it made: a second order of the region could not be told from it."""
        waiting = self.state in {OrderState.ACCEPTED, OrderState.OVERDUE}
        return waiting and (self.receipt is None or self.receipt.task is None) and len(self.instances) < self.nodes

    def moved(self, to: OrderState, reason: Reason, at: float, detail: str = "", **changes: object) -> "Order":
        """The same order, one version later, in state `to` (the present one included: a note without a transition).

        Raises:
            IllegalTransition: the state machine has no such step.
        """
        if to != self.state and to not in TRANSITIONS[self.state]:
            raise IllegalTransition(self.id, self.state, to)
        if to == self.state and self.state.final:
            raise IllegalTransition(self.id, self.state, to)
        settled = {"settled_at": at} if to.final else {}
        fields = {
            "state": to,
            "reason": reason,
            "detail": detail,
            "version": self.version + 1,
            **settled,
            **changes,
        }
        return replace(self, **fields)  # type: ignore[arg-type]  # `changes` is any of the fields; replace refuses other names

    def outstanding(self, seen: frozenset[InstanceId]) -> int:
        """How many of this order's nodes the region's capacity does not show yet (`seen`: its instances).

        Until the API tells which instances an order made, all of its nodes count: to count a node twice buys too
        little, to forget one buys twice.
        """
        return 0 if self.state.final else max(0, self.nodes - len(self.instances & seen))


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One line of an order's append-only history. `at` is Unix seconds."""

    order: OrderId
    at: float
    before: OrderState | None
    after: OrderState
    reason: Reason
    detail: str
    request_id: str
