"""The pages that no cloud has: the edge nodes' metrics, and what an audit and a test need to see and to set.

Requests come in unsigned, JSON and metrics pages go out. What a person does by hand is done in the books.
"""

from typing import TypeVar

from aiohttp import web
from pydantic import Field, ValidationError

from autoscaler.settings.base import Strict
from autoscaler.simulator.answers import control_answer
from autoscaler.simulator.audit import audit
from autoscaler.simulator.broken import hang_up
from autoscaler.simulator.chaos import ChaosRates
from autoscaler.simulator.edge import EdgeFleet, page
from autoscaler.simulator.faults import Fault
from autoscaler.simulator.gateway import Site
from autoscaler.simulator.records import Refusal
from autoscaler.simulator.script import PurchaseScript
from autoscaler.simulator.trouble import SeededTrouble, TroubleRates

_MANY = 10_000
Wanted = TypeVar("Wanted", bound=Strict)


class _FaultWanted(Fault):
    times: int = Field(default=1, ge=1, le=_MANY, description="How many calls meet it.")


class _ChaosWanted(ChaosRates):
    seed: int = Field(default=0, description="What the faults follow from.")


class _TroubleWanted(TroubleRates):
    seed: int = Field(default=0, description="What the scripts follow from.")


class _ScriptWanted(PurchaseScript):
    times: int = Field(default=1, ge=1, le=_MANY, description="How many purchases follow it.")


class _HandWanted(Strict):
    """What a person does at the console."""

    region: str = Field(min_length=1, description="The ENS region to buy in.")
    nodes: int = Field(ge=1, le=_MANY, description="How many machines.")
    instance_type: str | None = Field(default=None, description="The scenario's if left out.")
    pool: str = Field(default="", description="Node pool to buy into, if any.")
    joins: bool = Field(default=True, description="Whether they become nodes; else no task tells of them.")


class _RemovalWanted(Strict):
    instance: str = Field(min_length=1, description="The instance whose node a person takes out of its cluster.")


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
        app.router.add_post("/_simulator/chaos", self.set_chaos)
        app.router.add_post("/_simulator/scripts", self.add_script)
        app.router.add_post("/_simulator/trouble", self.set_trouble)
        app.router.add_post("/_simulator/hand", self.buy_by_hand)
        app.router.add_post("/_simulator/removals", self.remove_by_hand)

    async def node_metrics(self, request: web.Request) -> web.StreamResponse:
        """A node's page; no answer at all when its region is dark; 404 when there is no such node."""
        region, instance, now = request.match_info["region"], request.match_info["instance"], self._now()
        if self._site.books.is_dark(region, now):
            return hang_up(request)
        reading = self._fleet.reading(region, instance, now)
        if reading is None:
            return web.Response(status=404, text="no such node\n")
        body, content_type = page(reading, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def targets(self, request: web.Request) -> web.StreamResponse:
        """The target list for http_sd."""
        return control_answer(self._fleet.targets(request.host, self._now()))

    async def books(self, _request: web.Request) -> web.StreamResponse:
        """The audit."""
        return control_answer(audit(self._site.books, self._now(), self._site.timeline.shown))

    async def add_fault(self, request: web.Request) -> web.StreamResponse:
        """Queue a fault given as JSON: the fields of Fault, and `times`."""
        wanted = _read(_FaultWanted, await request.read())
        self._site.faults.add(Fault(**wanted.model_dump(exclude={"times"})), wanted.times)
        return control_answer({"waiting": len(self._site.faults)})

    async def set_chaos(self, request: web.Request) -> web.StreamResponse:
        """Begin with faults by a seed, given as JSON: `seed` and the fields of ChaosRates; `{}` ends them."""
        wanted = _read(_ChaosWanted, await request.read())
        self._site.chaos.set(wanted.seed, ChaosRates(**wanted.model_dump(exclude={"seed"})))
        return control_answer({"seed": wanted.seed})

    async def add_script(self, request: web.Request) -> web.StreamResponse:
        """Queue a script for coming purchases, given as JSON: the fields of PurchaseScript, and `times`."""
        wanted = _read(_ScriptWanted, await request.read())
        self._site.books.scripts.add(PurchaseScript(**wanted.model_dump(exclude={"times"})), wanted.times)
        return control_answer({"waiting": len(self._site.books.scripts)})

    async def set_trouble(self, request: web.Request) -> web.StreamResponse:
        """Scripts by a seed for purchases that no listed one takes: `seed` and the fields of TroubleRates."""
        wanted = _read(_TroubleWanted, await request.read())
        rates = TroubleRates(**wanted.model_dump(exclude={"seed"}))
        self._site.books.scripts.improvise = SeededTrouble(wanted.seed, rates)
        return control_answer({"seed": wanted.seed})

    async def buy_by_hand(self, request: web.Request) -> web.StreamResponse:
        """A person buys: `region`, `nodes`, and at will `instance_type`, `pool` and `joins`."""
        wanted = _read(_HandWanted, await request.read())
        books, now = self._site.books, self._now()
        try:
            task = books.buy_by_hand(
                wanted.region, wanted.nodes, now, wanted.instance_type, pool=wanted.pool, joins=wanted.joins
            )
        except Refusal as refusal:
            return control_answer({"problems": [str(refusal)]}, status=400)
        return control_answer({"task_id": task.id, "instances": list(task.instances)})

    async def remove_by_hand(self, request: web.Request) -> web.StreamResponse:
        """A person takes the node of `instance` out of its cluster."""
        wanted = _read(_RemovalWanted, await request.read())
        try:
            gone = self._site.books.remove_by_hand(wanted.instance, self._now())
        except Refusal as refusal:
            return control_answer({"problems": [str(refusal)]}, status=400)
        return control_answer({"removed": gone.id})

    def _now(self) -> float:
        return self._site.timeline.now()


def _read(kind: type[Wanted], content: bytes) -> Wanted:
    """What a control page is told. Raises web.HTTPBadRequest with every problem."""
    try:
        return kind.model_validate_json(content or b"{}")
    except ValidationError as error:
        places = [".".join(map(str, problem["loc"])) for problem in error.errors()]
        told = [f"{place}: {problem['msg']}" for place, problem in zip(places, error.errors(), strict=True)]
        answer = control_answer({"problems": told})
        raise web.HTTPBadRequest(text=answer.text, content_type="application/json") from None
