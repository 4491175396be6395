"""A whole executor on the shipped doubles: memory ledger, in-process cloud, virtual clock."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from autoscaler.executor.executor import Executor
from autoscaler.ledger.memory import MemoryLedger
from autoscaler.model.errors import CloudError
from autoscaler.model.events import Event
from autoscaler.model.names import ClusterId, OrderId, RegionId
from autoscaler.model.operation import Operation, Quantity, ScaleOutCluster
from autoscaler.model.order import Order, OrderIntent, OrderState, Receipt
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


@dataclass
class Listener:
    """Keeps every event."""

    events: list[Event] = field(default_factory=list)

    def notice(self, event: Event) -> None:
        self.events.append(event)


class Stand:
    """The executor and everything around it."""

    def __init__(self, scene: Scenario | None = None, settings: ExecutorSettings = SETTINGS) -> None:
        self.clock = VirtualClock(1_800_000_000.0)
        self.books = CloudBooks(scene or scenario(), self.clock.now())
        self.cloud = InProcessCloud(self.books, self.clock)
        self.ledger = MemoryLedger()
        self.listener = Listener()
        self.rung: list[RegionId] = []
        self.settings = settings
        self.limits: Sequence[SpendingLimit] = ()
        self.executor = self._executor()
        self._running: asyncio.Task[None] | None = None

    def _executor(self) -> Executor:
        return Executor(
            self.cloud,
            self.ledger,
            self.clock,
            self.listener,
            self.settings,
            {CLUSTER: (BEIJING, SHANGHAI)},
            lambda: OrderId(f"o-{next(_numbers):05}"),
            self._ring,
            limits=lambda region, at: self.limits,
            dice=random.Random(1),  # noqa: S311  # pauses, not secrets
            retention=400 * DAY,
        )

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
        await self.executor.place([OrderIntent(1, region, operation(region), nodes)])

    async def orders(self) -> list[Order]:
        return list(reversed(await self.ledger.all(100)))

    async def only_order(self) -> Order:
        (order,) = await self.orders()
        return order

    async def states(self, order: Order) -> list[OrderState]:
        return [line.after for line in await self.ledger.history(order.id)]


@asynccontextmanager
async def running(scene: Scenario | None = None, settings: ExecutorSettings = SETTINGS) -> AsyncIterator[Stand]:
    stand = Stand(scene, settings)
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
