"""What the tests of the sources share: a clock that stands still, and small servers on loopback."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from aiohttp.test_utils import TestServer

LABEL = "ens_region_id"
REGION = "cn-beijing-cmcc-2"
NOW = 1_700_000_000.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StillClock:
    """A Clock that moves only when it is told to."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> float:
        return NOW + self.elapsed

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds


@asynccontextmanager
async def serving(routes: Mapping[str, Handler]) -> AsyncIterator[TestServer]:
    """An HTTP server with these paths, any method."""
    app = web.Application()
    for path, handler in routes.items():
        app.router.add_route("*", path, handler)
    server = TestServer(app, host="127.0.0.1")
    async with server:
        yield server


def page(body: str | bytes, content_type: str = "text/plain; version=0.0.4") -> Handler:
    """Answers every request with this page."""

    async def handler(_request: web.Request) -> web.Response:
        content = body.encode() if isinstance(body, str) else body
        return web.Response(body=content, headers={"Content-Type": content_type})

    return handler


def address(server: TestServer) -> str:
    """The server's `host:port`."""
    return f"127.0.0.1:{server.port}"


def closed_port() -> int:
    """A port of loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Spoken:
    """A server that says what it is told to, byte by byte. `requests` holds the heads of what it was asked."""

    def __init__(self, talk: Talk) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0
        self._talk = talk
        self._talks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/metrics"

    @property
    def tls_url(self) -> str:
        return f"https://127.0.0.1:{self.port}/metrics"

    async def heard(self, reader: asyncio.StreamReader) -> bytes:
        """The next request. Raises IncompleteReadError if there is none."""
        request = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(request)
        return request

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side had enough, or the test
        finally:
            self._talks.discard(task)
            writer.close()

    async def hang_up(self) -> None:
        for task in list(self._talks):
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)


@asynccontextmanager
async def talking(
    talk: Callable[[Spoken, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Spoken]:
    """A server on loopback with which `talk` speaks on every connection."""
    spoken = Spoken(lambda reader, writer: talk(spoken, reader, writer))
    server = await asyncio.start_server(spoken.accept, "127.0.0.1", 0, ssl=tls)
    spoken.port = server.sockets[0].getsockname()[1]
    try:
        yield spoken
    finally:
        server.close()
        await spoken.hang_up()


@asynccontextmanager
async def refusing_tls(tls: ssl.SSLContext) -> AsyncIterator[int]:
    """A server that says in TLS why it refuses a client, which those of asyncio do not; gives its port."""

    def accept(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connected, _ = listening.accept()
                with tls.wrap_socket(connected, server_side=True, do_handshake_on_connect=False) as refused:
                    with suppress(ssl.SSLError):
                        refused.do_handshake()
                    socket.socket.shutdown(refused, socket.SHUT_WR)
                    while socket.socket.recv(refused, 1000):
                        pass  # hanging up with something unread would take back what was said

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=accept, args=(listening,))
        accepting.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            await asyncio.to_thread(accepting.join)


@asynccontextmanager
async def saying(*pieces: bytes, hang_up: bool = True, tls: ssl.SSLContext | None = None) -> AsyncIterator[Spoken]:
    """A server that answers every request with these pieces, and hangs up after the first if it is to."""

    async def talk(spoken: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await spoken.heard(reader)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if hang_up:
                return

    async with talking(talk, tls) as spoken:
        yield spoken
