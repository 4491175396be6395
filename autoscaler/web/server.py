"""The HTTP server: a socket, the pages, and what every answer has in common.

`WebServer` is started and stopped by whoever owns it. It serves GET (and with it HEAD), takes no bodies worth
speaking of but at the alert page, and does not say what it is made of. It must not hold state of its own.
"""

import errno
import os
import socket
from collections.abc import Iterator

from aiohttp import web

from autoscaler.settings.web_tls import TlsServer
from autoscaler.web.alerts import AlertPage
from autoscaler.web.metrics import MetricsPage
from autoscaler.web.pages import Pages, errors_are_json
from autoscaler.web.sources import SourceBoard
from autoscaler.web.status import StatusView
from autoscaler.web.tls import server_context

FREE_PORTS = range(20000, 32768)
"""Where a free port is looked for: ports above this belong to outgoing connections on most machines."""

LARGEST_BODY = 1024
"""Bytes. No page reads a body but that of alerts, which has its own limit."""

LINGERING_SECONDS = 1.0
"""How long a client that was refused may go on sending, so that it reads why."""

SHUTDOWN_SECONDS = 2.0
"""How long a stop waits for requests that are being answered."""


class WebServer:
    """The daemon's own HTTP server.

    `port` 0 takes a free port below 32768; `heartbeat_limit` is the age in seconds at which the loop counts as stuck;
    `sources` listens beside the other observers, and without it the status lists no sources; `alerts` is served
    if given; with `tls` it is HTTPS that is spoken.
    """

    def __init__(
        self,
        status: StatusView,
        metrics: MetricsPage,
        *,
        host: str,
        port: int,
        version: str,
        heartbeat_limit: float = 30.0,
        sources: SourceBoard | None = None,
        alerts: AlertPage | None = None,
        tls: TlsServer | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._pages = Pages(status, sources or SourceBoard(), metrics, version, heartbeat_limit)
        self._alerts = alerts
        self._tls = tls
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where a client on this machine finds the server, without a slash at the end. Known after `start`."""
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104  # not bound, compared
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://[{host}]:{self._port}" if ":" in host else f"{scheme}://{host}:{self._port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address is in use, not ours, or not allowed.
            ConfigurationRefused: a file of `tls` can not be used.
        """
        context = None if self._tls is None else server_context(self._tls)
        listener = _listen(self._host, self._port)
        self._port = int(listener.getsockname()[1])
        app = web.Application(middlewares=[errors_are_json], client_max_size=LARGEST_BODY)
        app.add_routes(self._pages.routes())
        if self._alerts is not None:
            app.add_routes(self._alerts.routes())
        app.on_response_prepare.append(_common_headers)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=SHUTDOWN_SECONDS,
            lingering_time=LINGERING_SECONDS,
            auto_decompress=False,  # no page takes a compressed body, so none can be a bomb
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listener, ssl_context=context).start()

    async def stop(self) -> None:
        """Stop listening and close what is open. Without effect if not started, or twice."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


async def _common_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop("Server", None)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket: binding and holding it is the only way to know that a port is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if port:
        return socket.create_server((host, port), family=family)
    for candidate in _candidates():
        try:
            return socket.create_server((host, candidate), family=family)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"no free port found on {host} below {FREE_PORTS.stop}")


def _candidates() -> Iterator[int]:
    """A hundred ports, begun at a place of this process's own, so that several do not race for the same ones."""
    for step in range(100):
        yield FREE_PORTS[(os.getpid() * 101 + step) % len(FREE_PORTS)]
