"""The demo's stage: the simulator and the daemon in one process, and what became of the fleet.

The daemon is the product itself; only its observer list has the audience added. The verdict compares three books that
know nothing of each other: the simulator's sales, the ledger's orders, and the load on the nodes.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from autoscaler.app import Daemon
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.names import RegionId
from autoscaler.model.order import BOUGHT, Order
from autoscaler.ports import Clock, Observer
from autoscaler.settings.root import Loaded, load
from autoscaler.simulator.demo_files import lay_out
from autoscaler.simulator.scenario import Scenario
from autoscaler.simulator.server import Simulator

_MOST_ORDERS = 10_000
_DISCOVERY = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RegionState:
    """One region as the simulator sees it: demand in requests per second, nodes ready and sold."""

    region: RegionId
    demand: float
    ready: int
    sold: int
    most: int
    target: float
    tolerance: float

    @property
    def load(self) -> float:
        """Requests per second on each ready node."""
        return self.demand / self.ready if self.ready else float("inf")

    @property
    def converged(self) -> bool:
        """Load at or below target, or as many nodes as the policy allows."""
        return self.load <= self.target * (1 + self.tolerance) or self.ready >= self.most


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the fleet; `problems` is empty when all is as it should be."""

    regions: tuple[RegionState, ...]
    orders: tuple[Order, ...]
    problems: tuple[str, ...]


class Stage:
    """Simulator and daemon on one loop. `folder` gets the configuration, the targets and the ledger."""

    def __init__(self, scenario: Scenario, folder: Path, clock: Clock, audience: Sequence[Observer]) -> None:
        self.folder = folder
        self.simulator = Simulator(scenario, clock)
        self._scenario = scenario
        self._clock = clock
        self._audience = audience
        self._stop = asyncio.Event()
        self.loaded: Loaded
        self.daemon: Daemon
        self._run: asyncio.Task[None]

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Stage"]:
        """Start both, and stop both at the end: the daemon as SIGTERM would."""
        self.folder.mkdir(parents=True, exist_ok=True)
        await self.simulator.start()
        discovery = asyncio.create_task(publish_targets(self.simulator, self.folder / "targets.json", self._clock))
        try:
            self.loaded = load(lay_out(self.folder, self.simulator.url))
            self.daemon = Daemon(self.loaded, clock=self._clock, observers=self._audience)
            run = self._run = asyncio.create_task(self.daemon.run(self._stop), name="daemon")
            ready = asyncio.create_task(self.daemon.ready.wait(), name="daemon: ready")
            await asyncio.wait({run, ready}, return_when=asyncio.FIRST_COMPLETED)
            if run.done():
                ready.cancel()
                run.result()
            try:
                yield self
            finally:
                self._stop.set()
                await run
        finally:
            discovery.cancel()
            await asyncio.gather(discovery, return_exceptions=True)
            await self.simulator.stop()

    def alive(self) -> bool:
        """Whether the daemon still runs; if not, leaving `running` raises what ended it."""
        return not self._run.done()

    def elapsed(self) -> float:
        """Simulated seconds since the scenario began."""
        return self.simulator.now() - self.simulator.timeline.start

    def regions(self) -> tuple[RegionState, ...]:
        """The regions as the simulator sees them now."""
        now = self.simulator.now()
        books = self.simulator.books
        states = []
        for scene in self._scenario.regions:
            region = RegionId(scene.region)
            policy = self.loaded.policies[region].spec
            states.append(
                RegionState(
                    region=region,
                    demand=scene.demand_at(self.elapsed()),
                    ready=len(books.ready(region, now)),
                    sold=books.sold(region),
                    most=policy.max_nodes,
                    target=policy.rules[0].target.value,
                    tolerance=policy.rules[0].tolerance,
                )
            )
        return tuple(states)

    async def verdict(self) -> Verdict:
        """Compare the simulator's books with the ledger's, and the load with its target. Call it when all is quiet."""
        ledger = await SqliteLedger.connect(self.loaded.settings.ledger.path, read_only=True)
        try:
            orders = tuple(reversed(await ledger.all(_MOST_ORDERS)))
        finally:
            await ledger.close()
        regions = self.regions()
        return Verdict(regions, orders, tuple(_problems(regions, orders)))


async def publish_targets(simulator: Simulator, path: Path, clock: Clock) -> None:
    """Keep a file_sd file of the edge's targets, as an operator's inventory would."""
    while True:
        try:
            simulator.write_file_sd(path)
        except OSError as error:
            _log.warning("the targets can not be written to %s: %s", path, error.strerror)
        await clock.sleep(_DISCOVERY)


def _problems(regions: Sequence[RegionState], orders: Sequence[Order]) -> list[str]:
    problems = [
        f"{state.region} did not converge: {state.load:.0f} requests/s a node, target {state.target:g}"
        for state in regions
        if not state.converged
    ]
    problems += [
        f"order {order.id} in {order.region} is still {order.state}" for order in orders if not order.state.final
    ]
    bought = _bought(orders)
    problems += [
        f"{state.region}: the simulator sold {state.sold} nodes, the ledger says {bought.get(state.region, 0)}"
        for state in regions
        if state.sold != bought.get(state.region, 0)
    ]
    return problems


def _bought(orders: Sequence[Order]) -> Mapping[RegionId, int]:
    bought: dict[RegionId, int] = {}
    for order in orders:
        if order.state in BOUGHT:
            bought[order.region] = bought.get(order.region, 0) + order.nodes
    return bought
