"""The simulator as one HTTP server: cloud, edge and control pages on one port.

A scenario, a clock and a speed come in. It listens on the loopback address unless told otherwise, and it must not be
reachable by strangers: its control pages ask for no key.
"""

import os
import socket
from pathlib import Path

from aiohttp import web

from autoscaler.ports import Clock
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.clock import Timeline
from autoscaler.simulator.control import ControlRoom
from autoscaler.simulator.cs_api import add_cs_routes
from autoscaler.simulator.edge import EdgeFleet, write_file_sd
from autoscaler.simulator.ens_api import add_ens_routes
from autoscaler.simulator.gateway import SITE, Site, unknown_path
from autoscaler.simulator.scenario import Scenario
from autoscaler.simulator.signature import SignatureVerifier

_FIRST_PORT, _PORTS = 18_000, 14_000
_GRACE = 0.1


class Simulator:
    """A simulated cloud and edge. Simulated time starts when the object is made and runs `speed` times as fast.

    `books`, `faults` and `chaos` may be used in process while the server runs. Stopping and starting again keeps the
    books: the vendor does not forget a sale.
    """

    def __init__(self, scenario: Scenario, clock: Clock, speed: float = 1.0) -> None:
        self.scenario = scenario
        self.clock = clock
        self.timeline = Timeline(clock, speed)
        self.books = CloudBooks(scenario, self.timeline.start)
        self.fleet = EdgeFleet(self.books)
        verifier = SignatureVerifier(scenario.access_key_id, scenario.access_key_secret)
        self._site = Site(self.books, clock, self.timeline, verifier)
        self.faults = self._site.faults
        self.chaos = self._site.chaos
        self._runner: web.AppRunner | None = None
        self._address = ""

    @property
    def address(self) -> str:
        """`host:port`: what the vendor's SDK calls an endpoint. Raises RuntimeError before `start`."""
        if not self._address:
            raise RuntimeError("the simulator is not started")
        return self._address

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end. Raises RuntimeError before `start`."""
        return f"http://{self.address}"

    def now(self) -> float:
        """The simulated moment, Unix seconds."""
        return self.timeline.now()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen. Port 0 takes a free one below the ports that the system hands out by itself. Raises OSError."""
        runner = web.AppRunner(self.application(), access_log=None, handle_signals=False, shutdown_timeout=_GRACE)
        await runner.setup()
        try:
            listening = _listen(host, port)
            await web.SockSite(runner, listening).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._address = f"{host}:{listening.getsockname()[1]}"

    async def stop(self) -> None:
        """Close every connection; calls that are held are dropped after a moment."""
        runner, self._runner, self._address = self._runner, None, ""
        if runner is not None:
            await runner.cleanup()

    def targets(self) -> list[dict[str, object]]:
        """The present target list, as GET /_simulator/targets answers it."""
        return self.fleet.targets(self.address, self.now())

    def write_file_sd(self, path: Path, now: float | None = None) -> None:
        """Write the target list of the simulated moment `now` for a file_sd discovery. Raises OSError."""
        write_file_sd(path, self.fleet.targets(self.address, self.now() if now is None else now))

    def application(self) -> web.Application:
        """The handlers of all pages, without a server. All that waits in them waits for the simulator's clock."""
        app = web.Application()
        app[SITE] = self._site
        add_cs_routes(app, self._site)
        add_ens_routes(app, self._site)
        ControlRoom(self._site, self.fleet).add_routes(app)
        app.router.add_route("*", "/{path:.*}", unknown_path)
        return app


def _listen(host: str, port: int) -> socket.socket:
    if port:
        return socket.create_server((host, port))
    first = os.getpid() % _PORTS
    for offset in range(_PORTS):
        try:
            return socket.create_server((host, _FIRST_PORT + (first + offset) % _PORTS))
        except OSError:
            continue
    raise OSError(f"no free port from {_FIRST_PORT} to {_FIRST_PORT + _PORTS - 1} on {host}")
