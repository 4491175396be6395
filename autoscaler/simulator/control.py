"""The pages that no cloud has: the edge nodes' metrics, and what an audit and a test need to see and to set.

Requests come in unsigned, JSON and metrics pages go out. Selling is not done here.
"""

from collections.abc import Callable

from aiohttp import web
from pydantic import Field, ValidationError

from autoscaler.simulator.answers import control_answer
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.edge import EdgeFleet, page
from autoscaler.simulator.faults import Fault
from autoscaler.simulator.gateway import Site, hang_up


class _FaultWanted(Fault):
    times: int = Field(default=1, ge=1, le=10_000, description="How many purchase calls meet it.")


class ControlRoom:
    """Handlers of /_simulator and /edge."""

    def __init__(self, site: Site, fleet: EdgeFleet) -> None:
        self._site = site
        self._fleet = fleet

    def add_routes(self, app: web.Application) -> None:
        """Serve them."""
        app.router.add_get("/edge/{region}/{instance}/metrics", self.node_metrics)
        app.router.add_get("/_simulator/targets", self.targets)
        app.router.add_get("/_simulator/books", self.books)
        app.router.add_post("/_simulator/faults", self.add_fault)

    async def node_metrics(self, request: web.Request) -> web.StreamResponse:
        """A node's page; no answer at all when its region is dark; 404 when there is no such node."""
        region, instance, now = request.match_info["region"], request.match_info["instance"], self._site.timeline.now()
        if self._site.books.is_dark(region, now):
            return hang_up(request)
        reading = self._fleet.reading(region, instance, now)
        if reading is None:
            return web.Response(status=404, text="no such node\n")
        body, content_type = page(reading, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def targets(self, request: web.Request) -> web.StreamResponse:
        """The target list for http_sd."""
        return control_answer(self._fleet.targets(request.host, self._site.timeline.now()))

    async def books(self, _request: web.Request) -> web.StreamResponse:
        """The audit."""
        return control_answer(audit(self._site.books, self._site.timeline.now(), self._site.timeline.shown))

    async def add_fault(self, request: web.Request) -> web.StreamResponse:
        """Queue a fault given as JSON: the fields of Fault, and `times`."""
        try:
            wanted = _FaultWanted.model_validate_json(await request.read())
        except ValidationError as error:
            return control_answer({"problems": [problem["msg"] for problem in error.errors()]}, status=400)
        self._site.faults.add(Fault(**wanted.model_dump(exclude={"times"})), wanted.times)
        return control_answer({"waiting": len(self._site.faults)})


def audit(books: CloudBooks, now: float, shown: Callable[[float], float]) -> dict[str, object]:
    """What was sold, what was refused, and how many nodes have joined by the simulated moment `now`.

    Nodes in the dark are among them: they run. Times in the answer are Unix seconds of the clock, turned by `shown`.
    """
    return {
        "sold": {region.region: books.sold(region.region) for region in books.scenario.regions},
        "sold_total": books.sold_total,
        "purchases": [
            {
                "region": purchase.region,
                "nodes": purchase.nodes,
                "at": shown(purchase.at),
                "request_id": purchase.request_id,
                "task_id": purchase.task_id,
                "instances": list(purchase.instances),
            }
            for purchase in books.purchases
        ],
        "refused": dict(books.refusals),
        "ready": {region.region: len(books.ready(region.region, now)) for region in books.scenario.regions},
    }
