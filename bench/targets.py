"""The targets: one process that answers on every loopback address as a Go exporter would.

A TargetsSpec comes in as a JSON file; `/<page>/<client>` is served, and `client` is counted. Lines on stdin are
commands (see `control`): `begin` starts the measurement, `counts` prints what was counted since. It knows no client.
"""

import asyncio
import random
import socket
import ssl
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isal import igzip

from bench.control import command_loop, raise_open_files, read_spec
from bench.page_shapes import STILL, ksm_page, node_page
from bench.pages import Page, chunked
from bench.visits import Visits

_BACKLOG = 4096
_PER_BLOCK = 250


@dataclass(frozen=True, slots=True)
class TargetsSpec:
    """Ports (0: none), the seconds between two scrapes, and the seconds that an answer is delayed at least and at most.

    Addresses are `127.2.x.y`; see `address`.
    """

    port: int
    interval: float
    delay: tuple[float, float] = (0.004, 0.054)
    tls_port: int = 0
    certificate: str = ""
    key: str = ""

    def as_json(self) -> dict[str, Any]:
        """What `main` reads."""
        return asdict(self)


def address(target: int) -> str:
    """The loopback address of a target, from 0 on.

    >>> address(0), address(1000)
    ('127.2.0.1', '127.2.4.1')
    """
    return f"127.2.{target // _PER_BLOCK}.{target % _PER_BLOCK + 1}"


def target_at(host: str) -> int:
    """The number of the target with this address."""
    _, _, block, place = host.split(".")
    return int(block) * _PER_BLOCK + int(place) - 1


PAGES: dict[str, Callable[[], Page]] = {
    "node": node_page,
    "node-wanted": lambda: node_page(STILL, only_wanted=True),
    "ksm": ksm_page,
    "ksm-gzip": ksm_page,
}


def answer(kind: str, version: int, target: int) -> bytes:
    """The whole HTTP answer of one target. Raises KeyError if there is no such page."""
    body = PAGES[kind]().body(version, b"~%06d" % target)
    if not kind.endswith("-gzip"):
        return chunked(body)
    return chunked(igzip.compress(body, compresslevel=1), gzipped=True)


class _Connection(asyncio.Protocol):
    """One kept connection. Requests have no body and are answered in their order."""

    def __init__(self, spec: TargetsSpec, visits: dict[str, Visits], dice: random.Random) -> None:
        self._spec = spec
        self._visits = visits
        self._dice = dice
        self._heard = b""
        self._transport: asyncio.Transport | None = None
        self._target = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # TCP
        self._transport = transport
        self._target = target_at(transport.get_extra_info("sockname")[0])
        # A page is written whole: no pause, no resume, as with the large socket buffers of a real exporter's host.
        transport.set_write_buffer_limits(high=1 << 24)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's name
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._heard += data
        loop = asyncio.get_running_loop()
        while b"\r\n\r\n" in self._heard:
            head, self._heard = self._heard.split(b"\r\n\r\n", 1)
            path = head.split(b" ", 2)[1].partition(b"?")[0].decode()
            _, kind, client = path.split("/")
            version = self._visits[client].asked(self._target, loop.time())
            loop.call_later(self._dice.uniform(*self._spec.delay), self._answer, kind, client, version)

    def _answer(self, kind: str, client: str, version: int) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(answer(kind, version, self._target))
        self._visits[client].answered()


def _listening(port: int) -> socket.socket:
    """One socket for all of 127.0.0.0/8; bound to the loopback device, so that no other host can reach it."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    listening.bind(("0.0.0.0", port))  # noqa: S104  # the device is lo
    listening.listen(_BACKLOG)
    return listening


async def _serve(spec: TargetsSpec) -> None:
    loop = asyncio.get_running_loop()
    dice = random.Random(7)  # noqa: S311  # delays need no secret
    visits: dict[str, Visits] = defaultdict(lambda: Visits(spec.interval))
    await loop.create_server(lambda: _Connection(spec, visits, dice), sock=_listening(spec.port), backlog=_BACKLOG)
    if spec.tls_port:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(spec.certificate, spec.key)
        sock = _listening(spec.tls_port)
        await loop.create_server(lambda: _Connection(spec, visits, dice), sock=sock, ssl=context, backlog=_BACKLOG)

    def begin() -> dict[str, Any]:
        for one in visits.values():
            one.begin(loop.time())
        return {}

    def counts() -> dict[str, Any]:
        now = loop.time()
        return {
            client: {"answers": one.answers, "targets": len(one.last), "missed": one.missed_by(now)}
            for client, one in visits.items()
        }

    await command_loop({"begin": begin, "counts": counts})


if __name__ == "__main__":
    raise_open_files()
    asyncio.run(_serve(read_spec(TargetsSpec, Path(sys.argv[1]))))
