"""A whole executor on the shipped doubles: memory ledger, in-process cloud, virtual clock."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from autoscaler.executor.executor import Executor
from autoscaler.executor.intake import Limits
from autoscaler.ledger.memory import MemoryLedger
from autoscaler.model.capacity import Task
from autoscaler.model.errors import CloudError, LedgerUnusable
from autoscaler.model.events import Event, OrderRefused
from autoscaler.model.names import ClusterId, OrderId, RegionId, TaskId
from autoscaler.model.operation import Operation, Quantity, ScaleOutCluster
from autoscaler.model.order import Order, OrderIntent, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from autoscaler.settings.sections import DAY, BackoffSettings, ExecutorSettings, PurchaseLimits, ReadLimits
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.clock import VirtualClock
from autoscaler.simulator.in_process import InProcessCloud
from autoscaler.simulator.scenario import RegionScenario, Scenario

CLUSTER = ClusterId("c0123456789abcdef0123456789abcdef")
BEIJING = RegionId("cn-beijing-cmcc-2")
SHANGHAI = RegionId("cn-shanghai-unicom")
SETTINGS = ExecutorSettings(
    purchases=PurchaseLimits(per_minute=60, burst=1, concurrency=2),
    reads=ReadLimits(per_second=100, burst=100),
    backoff=BackoffSettings(first=1.0, longest=30.0),
    decision_valid_for=60.0,
    settle_after=100.0,
    poll_interval=10.0,
    node_deadline=600.0,
)
_numbers = itertools.count(1)


def scenario(**changes: object) -> Scenario:
    """Two regions with one node each and ten in stock; a task takes 30 s, a node joins 20 s later."""
    regions = tuple(RegionScenario(region=r, initial_nodes=1, stock=10) for r in (BEIJING, SHANGHAI))
    fields: dict[str, object] = {"cluster_id": CLUSTER, "task_seconds": 30.0, "join_seconds": 20.0, "regions": regions}
    return Scenario.model_validate({**fields, **changes})


def operation(region: RegionId) -> ScaleOutCluster:
    """A purchase in `region`."""
    return ScaleOutCluster(CLUSTER, "tiny", region, "ens.sn1.tiny", "m-1", "BandwidthByDay", 1, 40)


def intent(nodes: int, region: RegionId = BEIJING, **changes: object) -> OrderIntent:
    """What a decision asks for."""
    return replace(OrderIntent(1, region, operation(region), nodes), **changes)  # type: ignore[arg-type]  # by name


@dataclass
class Listener:
    """Keeps every event."""

    events: list[Event] = field(default_factory=list)

    def notice(self, event: Event) -> None:
        self.events.append(event)


class Stand:
    """The executor and everything around it. `clusters` and `limits` are those of the next process."""

    def __init__(
        self,
        scene: Scenario | None = None,
        settings: ExecutorSettings = SETTINGS,
        clusters: Mapping[ClusterId, Iterable[RegionId]] | None = None,
    ) -> None:
        self.clock = VirtualClock(1_800_000_000.0)
        self.books = CloudBooks(scene or scenario(), self.clock.now())
        self.cloud = InProcessCloud(self.books, self.clock)
        self.ledger = MemoryLedger()
        self.listener = Listener()
        self.rung: list[RegionId] = []
        self.settings = settings
        self.clusters = clusters or {CLUSTER: (BEIJING, SHANGHAI)}
        self.limits: Limits = lambda region, at: ()
        self.executor = self._executor()
        self._running: asyncio.Task[None] | None = None

    def _executor(self) -> Executor:
        return Executor(
            self.cloud,
            self.ledger,
            self.clock,
            self.listener,
            self.settings,
            self.clusters,
            self.new_id,
            self._ring,
            limits=self._limits,
            dice=random.Random(1),  # noqa: S311  # pauses, not secrets
            retention=400 * DAY,
        )

    @staticmethod
    def new_id() -> OrderId:
        return OrderId(f"o-{next(_numbers):05}")

    def _limits(self, region: RegionId, at: float) -> Sequence[SpendingLimit]:
        return self.limits(region, at)

    def _ring(self, regions: Iterable[RegionId]) -> None:
        self.rung.extend(regions)

    async def start(self) -> None:
        await self.executor.start()
        self._running = asyncio.create_task(self.executor.run())
        await self.clock.advance(0.5)

    async def die(self) -> None:
        """As `kill -9`: nothing is finished, nothing is recorded."""
        assert self._running is not None
        doomed = [self._running, *self.executor._dispatcher._tasks]
        for task in doomed:
            task.cancel()
        await asyncio.gather(*doomed, return_exceptions=True)

    async def restart(self) -> None:
        """A new process on the ledger that the old one left."""
        self.executor = self._executor()
        await self.start()

    async def buy(self, nodes: int, region: RegionId = BEIJING) -> None:
        await self.place(intent(nodes, region))

    async def place(self, *intents: OrderIntent) -> None:
        await self.executor.place(intents)

    async def orders(self) -> list[Order]:
        return list(reversed(await self.ledger.all(100)))

    async def only_order(self) -> Order:
        (order,) = await self.orders()
        return order

    async def states(self, order: Order) -> list[OrderState]:
        return [line.after for line in await self.ledger.history(order.id)]

    async def reasons(self, order: Order) -> list[Reason]:
        return [line.reason for line in await self.ledger.history(order.id)]

    def refusals(self) -> list[OrderRefused]:
        return [event for event in self.listener.events if isinstance(event, OrderRefused)]


@asynccontextmanager
async def running(
    scene: Scenario | None = None,
    settings: ExecutorSettings = SETTINGS,
    clusters: Mapping[ClusterId, Iterable[RegionId]] | None = None,
) -> AsyncIterator[Stand]:
    stand = Stand(scene, settings, clusters)
    await stand.start()
    try:
        yield stand
    finally:
        await stand.die()


def refusing(stand: Stand, error: CloudError, times: int, region: str = BEIJING) -> list[float]:
    """Let purchases of a region meet an error `times` times; gives the moments of all its calls."""
    moments: list[float] = []
    buy = stand.cloud.purchase

    async def purchase(operation: Operation, quantity: Quantity) -> Receipt:
        if operation.ens_region_id == region:
            moments.append(stand.clock.monotonic())
            if len(moments) <= times:
                raise error
        return await buy(operation, quantity)

    stand.cloud.purchase = purchase  # type: ignore[method-assign]  # a fault of the API
    return moments


def lying(stand: Stand, when: Callable[[Order], bool]) -> None:
    """Let the ledger report one step as failed that is on disk: the first to an order for which `when` holds."""
    write = stand.ledger.replace
    once = iter([True])

    async def replace_and_complain(before: Order, after: Order, at: float) -> None:
        await write(before, after, at)
        if when(after) and next(once, False):
            raise LedgerUnusable("the disk reports an error after the commit")

    stand.ledger.replace = replace_and_complain  # type: ignore[method-assign]  # a disk that lies


def tell_nothing(stand: Stand) -> None:
    """Let no task tell what it makes."""
    real = stand.cloud.task

    async def task(task: TaskId) -> Task:
        return replace(await real(task), results={})

    stand.cloud.task = task  # type: ignore[method-assign]  # a task without results
