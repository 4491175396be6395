"""The vendor: the simulator's own application, asked without sockets. It belongs to the world and never dies."""

import asyncio
import itertools
from collections.abc import Mapping
from enum import Enum
from types import SimpleNamespace
from typing import Any, Literal, cast

from aiohttp import web
from aiohttp.http import HttpVersion11, RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from autoscaler.cloud.transport import Answer
from autoscaler.ports import Clock
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.broken import CutAnswer, DripAnswer, NoAnswer
from autoscaler.simulator.scenario import Scenario
from autoscaler.simulator.server import Simulator
from autoscaler.simulator.signature import ReceivedRequest, SignatureVerifier

_CHECKED_READS = 16


class Broken(Enum):
    """An answer that did not get through."""

    CLOSED = "closed"
    CUT = "cut"


Answered = Answer | Literal[Broken.CLOSED, Broken.CUT]


class _Connection:
    """What the gateway may do to the connection: close it."""

    def abort(self) -> None:
        """Told by the type of the response, too."""

    def is_closing(self) -> bool:
        return False


class _Request(web.Request):
    """A request whose body is there already."""

    body: bytes = b""

    async def read(self) -> bytes:
        return self.body


_Request.ATTRS = web.Request.ATTRS | frozenset({"body"})


class Vendor:
    """The simulated cloud, by its HTTP application."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self.simulator = Simulator(scenario, clock)
        _verify_less(self.simulator._site.verifier)
        self._application = self.simulator.application()
        self._application.freeze()

    @property
    def books(self) -> CloudBooks:
        """What was really sold."""
        return self.simulator.books

    async def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """The answer to a request, or how it failed to get through."""
        response = await self._application._handle(_request(method, url, headers, body))
        assert isinstance(response, web.Response)
        if isinstance(response, NoAnswer):
            return Broken.CLOSED
        if isinstance(response, CutAnswer):
            return Broken.CUT
        if isinstance(response, DripAnswer):
            await asyncio.sleep(response.seconds)
        held = response.body
        return Answer(response.status, response.headers, held if isinstance(held, bytes) else b"")


def _verify_less(verifier: SignatureVerifier) -> None:
    """Of the reads one in some has its signature checked, as every purchase has: all are signed by the same lines."""
    whole, asked = verifier.verify, itertools.count(1)

    def verify(request: ReceivedRequest, now: float) -> None:
        if not request.headers.get("x-acs-action", "").startswith("Describe") or next(asked) % _CHECKED_READS == 0:
            whole(request, now)

    verifier.verify = verify  # type: ignore[method-assign]


def _request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> _Request:
    where = URL(url, encoded=True)
    received = CIMultiDict(headers)
    received.setdefault("Host", where.host_port_subcomponent or "")
    raw = tuple((name.encode(), value.encode()) for name, value in received.items())
    path = URL(where.raw_path_qs, encoded=True)
    message = RawRequestMessage(
        method, str(path), HttpVersion11, CIMultiDictProxy(received), raw, False, None, False, False, path
    )
    protocol = SimpleNamespace(transport=_Connection(), peername=None, sockname=None, ssl_context=None)
    absent = cast("Any", None)
    request = _Request(message, absent, cast("Any", protocol), absent, absent, asyncio.get_running_loop())
    request.body = body
    return request
