"""The pages: one coroutine per path, GET only.

A request and the view come in, a response goes out. No page changes anything or waits for anything but its turn.
"""

import math
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from autoscaler.model.names import RegionId
from autoscaler.policy.explain import explain
from autoscaler.web.accept import prefers_text
from autoscaler.web.metrics import MetricsPage, metrics_response
from autoscaler.web.sources import SourceBoard
from autoscaler.web.status import StatusView, status, strict_json


class Pages:
    """The pages over one view and the metrics. `heartbeat_limit` is seconds."""

    def __init__(
        self,
        view: StatusView,
        sources: SourceBoard,
        metrics: MetricsPage,
        version: str,
        heartbeat_limit: float,
    ) -> None:
        self._view = view
        self._sources = sources
        self._metrics = metrics
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
        """The metrics, in the format and encoding that the scraper asks for."""
        return await metrics_response(self._metrics, request)

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


def _lines(checks: Mapping[str, str | None]) -> str:
    return "".join(
        f"[+]{name} ok\n" if why is None else f"[-]{name}: {' '.join(why.split())}\n" for name, why in checks.items()
    )
