"""The gateway in front of both APIs: reads a request, verifies its signature, and turns refusals into answers.

An operation is a function from a Call to a response; it may raise Refusal. Operations know their product's words only,
and must not verify, wait, count or format errors themselves: what befalls a call on its way is carried out here.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from autoscaler.ports import Clock
from autoscaler.simulator.answers import refusal_answer
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.broken import hang_up
from autoscaler.simulator.chaos import Chaos
from autoscaler.simulator.clock import Timeline
from autoscaler.simulator.faults import Faults, FirstOf, Misfortune
from autoscaler.simulator.mishaps import CloseConnection, Execution, befall
from autoscaler.simulator.records import Refusal, Style
from autoscaler.simulator.signature import ReceivedRequest, SignatureVerifier

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """All that the handlers share. `luck` is asked once per verified call."""

    def __init__(self, books: CloudBooks, clock: Clock, timeline: Timeline, verifier: SignatureVerifier) -> None:
        self.books = books
        self.clock = clock
        self.timeline = timeline
        self.verifier = verifier
        self.faults = Faults()
        self.chaos = Chaos()
        self.luck: Misfortune = FirstOf(self.faults, self.chaos)

    @property
    def skew(self) -> float:
        """Seconds by which the server's clock is ahead of the caller's."""
        return self.books.scenario.clock_skew


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
        """A simulated moment as the server's clock showed it to the caller."""
        return self.site.timeline.shown(at) + self.site.skew


Operation = Callable[[Call], web.Response]


@dataclass(frozen=True, slots=True)
class Product:
    """One of the two APIs: its version, how it writes errors, and what its actions are called here.

    Where both have an action of one name, `prefix` makes a difference for faults.
    """

    version: str
    style: Style
    shared: frozenset[str] = frozenset()
    prefix: str = ""

    def action(self, name: str) -> str:
        """The unique name of an action."""
        return f"{self.prefix}{name}" if name in self.shared else name

    def worded(self, refusal: Refusal) -> Refusal:
        """A refusal as this product writes it; what the gateway itself refuses is the same for all."""
        if refusal.style in ("gateway", self.style):
            return refusal
        return Refusal(refusal.code, refusal.message, refusal.status, self.style, refusal.headers)


def behind_gateway(site: Site, product: Product, operations: Mapping[str, Operation]) -> Handler:
    """A handler for the operations of one path: `operations` maps x-acs-action to the function that answers it."""

    async def handle(request: web.Request) -> web.StreamResponse:
        request_id = site.books.new_request_id()
        answer: web.StreamResponse
        try:
            received = await _received(request)
            answer = await _call(site, request, received, request_id, product, operations)
        except Refusal as refusal:
            answer = refuse(site, product.worded(refusal), request_id, request.host)
        except CloseConnection:
            return hang_up(request)
        answer.headers["x-acs-request-id"] = request_id
        return answer

    return handle


def refuse(site: Site, refusal: Refusal, request_id: str, host: str) -> web.Response:
    """Count a refusal that the caller is told, and answer it."""
    site.books.refusals[refusal.code] += 1
    return refusal_answer(refusal, request_id, host)


async def _call(
    site: Site,
    request: web.Request,
    received: ReceivedRequest,
    request_id: str,
    product: Product,
    operations: Mapping[str, Operation],
) -> web.StreamResponse:
    site.verifier.verify(received, site.clock.now() + site.skew)
    if received.headers.get("x-acs-version") != product.version:
        raise Refusal("InvalidVersion", "Specified version does not exist.")
    action = received.headers.get("x-acs-action", "")
    operation = operations.get(action)
    if operation is None:
        raise Refusal("InvalidAction.NotFound", "Specified action is not found on this path.", status=404)
    call = Call(site, action, dict(request.match_info), dict(received.query), received.body, request_id)
    name = product.action(action)
    fault = site.luck.take(name)
    if fault is None:
        return operation(call)
    site.books.faults[fault.kind] += 1
    return await befall(fault, _execution(call, name, product, operation, received, request.host))


def _execution(
    call: Call, name: str, product: Product, operation: Operation, received: ReceivedRequest, host: str
) -> Execution:
    site = call.site

    def told() -> web.Response:
        try:
            return operation(call)
        except Refusal as refusal:
            return refuse(site, product.worded(refusal), call.request_id, host)

    def unheard() -> None:
        try:
            operation(call)
        except Refusal as refusal:
            site.books.unheard[refusal.code] += 1

    def again() -> web.Response:
        try:
            site.verifier.verify(received, site.clock.now() + site.skew)
        except Refusal as refusal:
            return refuse(site, refusal, call.request_id, host)
        return told()

    return Execution(
        action=name,
        style=product.style,
        clock=site.clock,
        told=told,
        unheard=unheard,
        refuse=lambda refusal: refuse(site, refusal, call.request_id, host),
        error=lambda refusal: refusal_answer(refusal, call.request_id, host),
        again=again,
    )


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
