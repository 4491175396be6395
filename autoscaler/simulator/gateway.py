"""The gateway in front of both APIs: reads a request, verifies its signature, and turns refusals into answers.

An operation is a function from a Call to a response; it may raise Refusal or CloseConnection. Operations know their
product's words only, and must not verify, count or format errors themselves.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from autoscaler.ports import Clock
from autoscaler.simulator.answers import CloseConnection, refusal_answer
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.clock import Timeline
from autoscaler.simulator.faults import Faults
from autoscaler.simulator.records import Refusal, Style
from autoscaler.simulator.signature import ReceivedRequest, SignatureVerifier

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Site:
    """All that the handlers share."""

    books: CloudBooks
    clock: Clock
    timeline: Timeline
    verifier: SignatureVerifier
    faults: Faults


@dataclass(frozen=True, slots=True)
class Call:
    """One verified call. `parts` are the variable parts of the path, decoded."""

    site: Site
    action: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    request_id: str

    @property
    def books(self) -> CloudBooks:
        """The vendor's books."""
        return self.site.books

    def now(self) -> float:
        """The simulated moment, Unix seconds."""
        return self.site.timeline.now()

    def shown(self, at: float) -> float:
        """A simulated moment as the caller's clock would show it."""
        return self.site.timeline.shown(at)


Operation = Callable[[Call], Awaitable[web.Response]]


def behind_gateway(site: Site, version: str, operations: Mapping[str, Operation]) -> Handler:
    """A handler for the operations of one path: `operations` maps x-acs-action to the function that answers it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        request_id = site.books.new_request_id()
        try:
            answer = await _call(site, request, request_id, version, operations)
        except Refusal as refusal:
            answer = refuse(site, refusal, request_id, request.host)
        except CloseConnection:
            return hang_up(request)
        answer.headers["x-acs-request-id"] = request_id
        return answer

    return handle


def refuse(site: Site, refusal: Refusal, request_id: str, host: str) -> web.Response:
    """Count a refusal and answer it."""
    site.books.refusals[refusal.code] += 1
    return refusal_answer(refusal, request_id, host)


def hang_up(request: web.Request) -> web.Response:
    """Close the connection; the response returned is for the server's own bookkeeping and reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _call(
    site: Site, request: web.Request, request_id: str, version: str, operations: Mapping[str, Operation]
) -> web.Response:
    received = await _received(request)
    site.verifier.verify(received, site.clock.now())
    if received.headers.get("x-acs-version") != version:
        raise Refusal("InvalidVersion", "Specified version does not exist.")
    action = received.headers.get("x-acs-action", "")
    if action not in operations:
        raise Refusal("InvalidAction.NotFound", "Specified action is not found on this path.", status=404)
    call = Call(site, action, dict(request.match_info), dict(received.query), received.body, request_id)
    return await operations[action](call)


async def _received(request: web.Request) -> ReceivedRequest:
    path, _, query = request.raw_path.partition("?")
    headers = {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers}
    return ReceivedRequest(request.method, path, query, headers, await request.read())


async def unknown_path(request: web.Request) -> web.StreamResponse:
    """What the gateway says to a path or method that no operation has."""
    site = request.app[SITE]
    refusal = Refusal("InvalidAction.NotFound", "Specified api is not found.", status=404)
    return refuse(site, refusal, site.books.new_request_id(), request.host)


SITE: web.AppKey[Site] = web.AppKey("site", Site)


def page_of(query: Mapping[str, str], number_key: str, size_key: str, style: Style) -> tuple[int, int]:
    """Page number (from 1) and size (1 to 100, 10 if not given).

    Raises:
        Refusal: InvalidParameter.{key}.
    """
    return _bounded(query, number_key, 1, 1_000_000, style), _bounded(query, size_key, 10, 100, style)


def _bounded(query: Mapping[str, str], key: str, default: int, most: int, style: Style) -> int:
    text = query.get(key, str(default))
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= most:
        return int(text)
    field = "".join(part[0].upper() + part[1:] for part in key.split("_"))
    raise Refusal(f"InvalidParameter.{field}", f"{key} must be from 1 to {most}.", style=style)


def refuse_unknown(query: Mapping[str, str], known: frozenset[str], style: Style) -> None:
    """Refuse a filter that is not simulated: to ignore it would answer another question. Raises Refusal."""
    unknown = sorted(query.keys() - known)
    if unknown:
        raise Refusal("InvalidParameter", f"Not simulated: {', '.join(unknown)}.", style=style)
