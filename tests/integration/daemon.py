"""The daemon as a process of its own, against a simulator that runs in the test's event loop.

A folder of the test comes in; a running cloud, daemons that can be started, killed and started again on one ledger, and
both sides' books go out. Every wait has an end, and every child is ended by its pid.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from autoscaler.clock import SystemClock
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.names import OrderId, RegionId
from autoscaler.model.order import BOUGHT, Order, OrderEvent
from autoscaler.simulator.demo_files import DEMO, lay_out
from autoscaler.simulator.scenario import RegionScenario, Scenario, load_scenario
from autoscaler.simulator.server import Simulator
from autoscaler.simulator.stage import publish_targets
from tests.integration.servers import free_port, http_get

BUSY = RegionId("cn-beijing-cmcc-2")
"""The one region whose demand asks for more nodes than it has: two, until two more are bought."""
WITHIN = 15.0
"""Seconds after which a wait gives up."""
POLL = 0.03
ROOT = Path(__file__).parents[2]
_PACE = {
    "AUTOSCALER_LOOP__INTERVAL": "300ms",
    "AUTOSCALER_EXECUTOR__POLL_INTERVAL": "100ms",
    "AUTOSCALER_EXECUTOR__PURCHASES__PER_MINUTE": "600",
    "AUTOSCALER_EXECUTOR__SETTLE_AFTER": "6s",
}


async def until(check: Callable[[], Awaitable[bool]], what: str, within: float = WITHIN) -> None:
    """Ask every 30 ms until it is true. Raises AssertionError naming `what` after `within` seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while not await check():
        assert loop.time() < end, f"not within {within:g} s: {what}"
        await asyncio.sleep(POLL)


def scene(**changes: object) -> Scenario:
    """The demo's cluster, quiet but for BUSY; a node is ready 0.6 s after it was bought."""
    demo = load_scenario(DEMO / "scenario.yaml")
    quiet = tuple(RegionScenario(region=one.region, initial_nodes=1) for one in demo.regions if one.region != BUSY)
    busy = RegionScenario(region=BUSY, initial_nodes=2, stock=20, demand=((0.0, 400.0),))
    fields = {**dict(demo), "regions": (busy, *quiet), "task_seconds": 0.4, "join_seconds": 0.2, **changes}
    return Scenario.model_validate(fields)


class DaemonProcess:
    """A child that runs `autoscaler run`. Its output goes to files: nobody has to drain a pipe."""

    def __init__(self, config: Path, folder: Path, settings: Mapping[str, str], port: int = 0) -> None:
        """`settings` are variables over the file; `port`, where not 0, is where its pages are."""
        self.port = port
        self._config = config
        self._settings = {**settings, **({"AUTOSCALER_WEB__PORT": str(port)} if port else {})}
        folder.mkdir()
        self._stdout, self._stderr = folder / "stdout", folder / "stderr"
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; none of the caller's own AUTOSCALER_ variables reach it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AUTOSCALER_")}
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err:  # two empty files
            self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "autoscaler", "run", "--config", self._config.name),
                cwd=self._config.parent,
                env={**inherited, "PYTHONPATH": str(ROOT), **self._settings},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def _process(self) -> asyncio.subprocess.Process:
        assert self._child is not None, "the daemon was not started"
        return self._child

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    @property
    def stdout(self) -> str:
        """All that it has written to its standard output."""
        return self._stdout.read_text(encoding="utf-8")

    @property
    def stderr(self) -> str:
        """All that it has written to its standard error."""
        return self._stderr.read_text(encoding="utf-8")

    async def get(self, path: str) -> str | None:
        """The body of a 200 answer of its web pages, else None. Raises AssertionError when the child has ended."""
        assert self.lives, f"the daemon ended with code {self._process.returncode}:\n{self.stderr[-3000:]}"
        return await asyncio.to_thread(http_get, self.port, path)

    async def is_ready(self) -> bool:
        """Whether /readyz says so."""
        return await self.get("/readyz") is not None

    async def status(self) -> dict[str, Any]:
        """What /api/v1/status says; empty while it gives no answer."""
        body = await self.get("/api/v1/status")
        return dict(json.loads(body)) if body else {}

    async def end(self, number: signal.Signals, within: float = WITHIN) -> int:
        """Send a signal; gives the exit code, negative for a signal that killed. Raises TimeoutError."""
        os.kill(self.pid, number)
        return await self.ended(within)

    async def ended(self, within: float = WITHIN) -> int:
        """Wait for its end; gives the exit code. Raises TimeoutError."""
        async with asyncio.timeout(within):
            return await self._process.wait()

    async def reap(self) -> None:
        """Make sure that nothing is left of it."""
        if self._child is not None:
            if self.lives:
                self._child.kill()
            await self._child.wait()


class Bench:
    """The simulator, the folder with configuration and ledger, and every daemon that was started on it."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator = simulator
        self.books = simulator.books
        self.faults = simulator.faults
        self.ledger = folder / "ledger.db"
        self.config = lay_out(folder, simulator.url)
        self._folder = folder
        self._daemons: list[DaemonProcess] = []

    async def daemon(self, **settings: str) -> DaemonProcess:
        """Start a daemon; `settings` are the last parts of AUTOSCALER_ variables."""
        named = {f"AUTOSCALER_{name}": value for name, value in settings.items()}
        folder = self._folder / f"daemon-{len(self._daemons) + 1}"
        daemon = DaemonProcess(self.config, folder, {**_PACE, **named}, free_port())
        await daemon.start()
        self._daemons.append(daemon)
        return daemon

    async def restart_simulator(self) -> None:
        """Drop every call that is held, unexecuted ones for good, and answer again at the same address."""
        host, _, port = self.simulator.address.rpartition(":")
        await self.simulator.stop()
        await self.simulator.start(host, int(port))

    async def orders(self) -> Sequence[Order]:
        """What the ledger on the disk says, oldest first; opened to read only."""
        ledger = await SqliteLedger.connect(self.ledger, read_only=True)
        try:
            return tuple(reversed(await ledger.all(1000)))
        finally:
            await ledger.close()

    async def only_order(self) -> Order:
        """The one order of the ledger. Raises AssertionError when there is none or another one."""
        orders = await self.orders()
        assert len(orders) == 1, orders
        return orders[0]

    async def history(self, order: OrderId) -> Sequence[OrderEvent]:
        """Every step of an order, oldest first."""
        ledger = await SqliteLedger.connect(self.ledger, read_only=True)
        try:
            return await ledger.history(order)
        finally:
            await ledger.close()

    async def bought(self) -> int:
        """The nodes that the ledger says were bought."""
        return sum(order.nodes for order in await self.orders() if order.state in BOUGHT)

    async def sale(self, daemon: DaemonProcess) -> None:
        """Wait until the simulator has sold something while `daemon` runs."""

        async def sold() -> bool:
            assert daemon.lives, daemon.stderr[-3000:]
            return bool(self.books.purchases)

        await until(sold, "a purchase stands in the simulator's books")

    async def call_held(self, daemon: DaemonProcess) -> None:
        """Wait until a purchase call of `daemon` has met the one fault that was asked for."""

        async def taken() -> bool:
            assert daemon.lives, daemon.stderr[-3000:]
            return len(self.faults) == 0

        await until(taken, "a purchase call has met its fault")

    async def settled(self, daemon: DaemonProcess, ready: int = 4) -> None:
        """Wait until no order is open, BUSY has `ready` nodes, and two further full rounds asked for nothing."""

        async def quiet() -> bool:
            status = await daemon.status()
            busy = [region for region in status.get("regions", ()) if region["region"] == BUSY]
            return bool(busy) and not status["orders"] and busy[0]["ready"] == ready and busy[0]["delta"] == 0

        await until(quiet, f"no order is open and {ready} nodes are ready")
        reached = (await daemon.status())["tick"]

        async def later() -> bool:
            return bool((await daemon.status()).get("tick", 0) >= reached + 5)

        await until(later, "further ticks")
        assert await quiet(), "an order came after all was settled"

    async def close(self) -> None:
        """End every daemon."""
        for daemon in self._daemons:
            await daemon.reap()


@asynccontextmanager
async def bench(folder: Path, scenario: Scenario | None = None) -> AsyncIterator[Bench]:
    """A simulator and its target list; at the end nothing of it and of its daemons is left."""
    simulator = Simulator(scenario or scene(), SystemClock())
    await simulator.start()
    targets = folder / "targets.json"
    simulator.write_file_sd(targets)
    discovery = asyncio.create_task(publish_targets(simulator, targets, simulator.clock), name="targets")
    made = Bench(simulator, folder)
    try:
        yield made
    finally:
        await made.close()
        discovery.cancel()
        await asyncio.gather(discovery, return_exceptions=True)
        await simulator.stop()
