"""The pages: one coroutine per path, GET only.

A request and the view come in, a response goes out. No page changes anything or waits for anything.
"""

import math
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest

from autoscaler.model.names import RegionId
from autoscaler.policy.explain import explain
from autoscaler.web.sources import SourceBoard
from autoscaler.web.status import StatusView, status, strict_json


class Pages:
    """The pages over one view and one registry. `heartbeat_limit` is seconds."""

    def __init__(
        self,
        view: StatusView,
        sources: SourceBoard,
        registry: CollectorRegistry,
        version: str,
        heartbeat_limit: float,
    ) -> None:
        self._view = view
        self._sources = sources
        self._registry = registry
        self._version = version
        self._heartbeat_limit = heartbeat_limit

    def routes(self) -> list[web.RouteDef]:
        """Every path and its page."""
        return [
            web.get("/", self.root),
            web.get("/metrics", self.metrics),
            web.get("/healthz", self.healthz),
            web.get("/readyz", self.readyz),
            web.get("/api/v1/status", self.status),
            web.get("/api/v1/regions/{region}/explain", self.explain),
        ]

    async def root(self, _request: web.Request) -> web.Response:
        """Send whoever comes by to the status."""
        return web.Response(status=302, headers={"Location": "/api/v1/status"})

    async def metrics(self, request: web.Request) -> web.Response:
        """The registry, in the format that the scraper asks for (OpenMetrics or the Prometheus text format)."""
        try:
            encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        except (ValueError, TypeError):  # the library trips over a version like `one.two`
            encode, content_type = generate_latest, CONTENT_TYPE_PLAIN_0_0_4
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    async def healthz(self, _request: web.Request) -> web.Response:
        """Alive: the loop moves. A failing answer asks for a restart, so nothing outside of the process counts here."""
        age, limit = self._view.heartbeat_age(), self._heartbeat_limit
        if age < limit:
            return web.Response(text="ok\n")
        why = (
            f"its last heartbeat is {age:.1f} s old, the limit is {limit:g} s" if math.isfinite(age) else "no heartbeat"
        )
        return web.Response(status=503, text=f"the loop does not move: {why}\n")

    async def readyz(self, request: web.Request) -> web.Response:
        """Ready: every check is good. Failing answers, and all with `?verbose`, list the checks one a line."""
        checks = self._view.readiness() or {"checks": "none has reported yet"}
        ready = all(why is None for why in checks.values())
        text = "ok\n" if ready and "verbose" not in request.query else _lines(checks)
        return web.Response(status=200 if ready else 503, text=text)

    async def status(self, _request: web.Request) -> web.Response:
        """Regions, orders and sources as JSON."""
        return json_response(status(self._view, self._sources, self._version))

    async def explain(self, request: web.Request) -> web.Response:
        """Why a region's last decision is what it is: JSON, or plain text where the client prefers that."""
        region = RegionId(request.match_info["region"])
        decision = self._view.decision(region)
        if decision is None:
            return error_response(404, f"no decision for region {region!r}: unknown, or not decided yet")
        text = "\n".join(explain(decision))
        if prefers_text(request.headers.get("Accept", "")):
            return web.Response(text=text + "\n")
        return json_response({"region": region, "text": text})


def json_response(document: object, status: int = 200) -> web.Response:
    """A document as strict JSON."""
    return web.Response(status=status, text=strict_json(document) + "\n", content_type="application/json")


def error_response(status: int, message: str) -> web.Response:
    """An error, in the one shape that all of them have."""
    return json_response({"error": {"status": status, "message": message}}, status)


@web.middleware
async def errors_are_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into JSON; what is unforeseen is logged and not shown."""
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        response = error_response(refusal.status, refusal.reason)
        if "Allow" in refusal.headers:
            response.headers["Allow"] = refusal.headers["Allow"]
        return response
    except Exception:  # noqa: BLE001  # the last line before the network: the daemon outlives any page
        structlog.get_logger("autoscaler.web").error("a page failed", path=request.path, exc_info=True)
        return error_response(500, "Internal Server Error")


def prefers_text(accept: str) -> bool:
    """Whether an Accept header ranks `text/plain` above JSON; JSON wins a draw and everything unsaid.

    >>> prefers_text("text/plain"), prefers_text("*/*"), prefers_text("text/plain;q=0.5, application/json")
    (True, False, False)
    """
    ranks = dict(_ranked(part) for part in accept.lower().split(","))
    text = ranks.get("text/plain", ranks.get("text/*", 0.0))
    # A wildcard after a named type says "or whatever you have": it must not outrank the name.
    anything = 0.0 if text else ranks.get("*/*", 0.0)
    return text > ranks.get("application/json", ranks.get("application/*", anything))


def _ranked(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip() for piece in part.split(";"))
    quality = next((text.removeprefix("q=") for text in parameters if text.startswith("q=")), "1")
    try:
        return kind, float(quality)
    except ValueError:
        return kind, 0.0


def _lines(checks: Mapping[str, str | None]) -> str:
    return "".join(
        f"[+]{name} ok\n" if why is None else f"[-]{name}: {' '.join(why.split())}\n" for name, why in checks.items()
    )
