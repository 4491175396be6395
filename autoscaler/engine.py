"""The engine: loop, sources and executor joined; the daemon less its configuration files and its web server.

Ports and values come in, so the whole of it runs on real adapters in the daemon and on simulated ones in tests. It must
not make a client, open a file or read the environment.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import gmtime, strftime

from autoscaler.executor.executor import Executor
from autoscaler.loop.bell import Bell
from autoscaler.loop.collect import collect_forever
from autoscaler.loop.decider import Decider
from autoscaler.loop.signals import SignalBoard
from autoscaler.loop.status import StatusBoard
from autoscaler.model.names import ClusterId, OrderId, RegionId
from autoscaler.policy.budget import spending_limits
from autoscaler.policy.decide import Policies
from autoscaler.ports import Clock, Cloud, Ledger, Observer, SampleSource
from autoscaler.settings.sections import ExecutorSettings, LedgerSettings, LoopSettings


@dataclass(frozen=True, slots=True)
class Parts:
    """What an engine runs with. `retention` is seconds for which settled orders are kept."""

    policies: Policies
    clusters: Mapping[ClusterId, frozenset[RegionId]]
    executor: ExecutorSettings
    loop: LoopSettings
    sources: Sequence[SampleSource]
    retention: float = LedgerSettings().retention


class Engine:
    """Runs from `start` through `run` to `drain`. `dice` decides nothing but the pauses between two tries."""

    def __init__(
        self,
        parts: Parts,
        *,
        cloud: Cloud,
        ledger: Ledger,
        clock: Clock,
        observer: Observer,
        new_id: Callable[[], OrderId],
        dice: random.Random,
    ) -> None:
        self._parts = parts
        self._clock = clock
        self._observer = observer
        self._bell = Bell(clock, parts.loop.coalesce)
        self.status = StatusBoard(clock.monotonic())
        self.executor = Executor(
            cloud,
            ledger,
            clock,
            observer,
            parts.executor,
            parts.clusters,
            new_id,
            self._bell.ring,
            limits=partial(spending_limits, parts.policies.budgets),
            dice=dice,
            retention=parts.retention,
        )

    async def start(self) -> None:
        """Take up what a former process left. Raises LedgerUnusable."""
        await self.executor.start()

    async def run(self) -> None:
        """Collect, decide, order and follow until canceled."""
        parts, clock = self._parts, self._clock
        board = SignalBoard(parts.policies.by_region)
        decider = Decider(
            parts.policies, board, self.executor, self._bell, self.status, clock, self._observer, parts.loop.interval
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self.executor.run(), name="executor")
            group.create_task(decider.run(), name="decider")
            for source in parts.sources:
                group.create_task(
                    collect_forever(source, board, self._bell, clock, self._observer), name=f"source {source.name}"
                )

    async def drain(self, seconds: float) -> None:
        """Let purchases under way be recorded, at most `seconds`."""
        await self.executor.drain(seconds)


def order_ids(clock: Clock, dice: random.Random) -> Callable[[], OrderId]:
    """Ids that sort by time and are unique: date and time in UTC, then 40 random bits."""
    return lambda: OrderId(f"o-{strftime('%Y%m%d-%H%M%S', gmtime(clock.now()))}-{dice.getrandbits(40):010x}")
