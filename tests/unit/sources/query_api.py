"""A query API that says what a test wrote, and sources that ask it."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import TargetStatus, Wave
from autoscaler.ports import Clock
from autoscaler.settings.promql_server import PrometheusServer
from autoscaler.sources.promql import PromqlNeed, PromqlSource
from tests.unit.sources.fakes import LABEL, NOW, Handler, StillClock, address, serving

A, B, C = RegionId("cn-a"), RegionId("cn-b"), RegionId("cn-c")
WHOLE = RegionId("")
QUERY = f"sum by ({LABEL}) (load)"
PATH = "/api/v1/query"


def series(value: object, region: str | None = A, **labels: str) -> dict[str, object]:
    """One element of a vector."""
    own = {} if region is None else {LABEL: region}
    return {"metric": {**own, **labels}, "value": [NOW, value]}


def vector(*elements: object, **more: object) -> Handler:
    """Answers with these elements."""
    return answer({"status": "success", "data": {"resultType": "vector", "result": elements}, **more})


def result(kind: str, value: object) -> Handler:
    """Answers with a result of another type."""
    return answer({"status": "success", "data": {"resultType": kind, "result": value}})


def answer(body: object, status: int = 200) -> Handler:
    """Answers with this JSON."""

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=json.dumps(body), content_type="application/json")

    return handler


def told(wave: Wave) -> dict[str, float | tuple[float, ...]]:
    """What the wave says of each region: a value, or several."""
    found: dict[str, float | tuple[float, ...]] = {}
    for status in wave.targets:
        for column in status.columns.values():
            found[status.region] = column.values[0] if len(column.values) == 1 else tuple(column.values)
    return found


def wholes(wave: Wave) -> list[TargetStatus]:
    """What the wave says of each query as a whole."""
    return [status for status in wave.targets if status.region == WHOLE]


def up(query: str = QUERY, detail: str = "") -> TargetStatus:
    """What is said of a query that was answered."""
    return TargetStatus(query, WHOLE, up=True, reason=Reason.UP, detail=detail)


@asynccontextmanager
async def asking(
    servers: TestServer | Sequence[TestServer],
    *needs: PromqlNeed,
    clock: Clock | None = None,
    reported: list[str] | None = None,
    **settings: Any,
) -> AsyncIterator[PromqlSource]:
    """A source over one server, or several with `urls`."""
    where: Mapping[str, object] = (
        {"url": f"http://{address(servers)}"}
        if isinstance(servers, TestServer)
        else {"urls": [f"http://{address(one)}" for one in servers]}
    )
    source = PromqlSource(
        PrometheusServer.model_validate({"name": "prom", **where, **settings}),
        needs or [PromqlNeed(QUERY, 60)],
        region_label=LABEL,
        clock=clock or StillClock(),
        report=([] if reported is None else reported).append,
    )
    try:
        yield source
    finally:
        await source.close()


async def collected(*handlers: Handler, **settings: Any) -> Wave:
    """One pass over servers that answer so."""
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving({PATH: handler})) for handler in handlers]
        source = await stack.enter_async_context(asking(servers if len(servers) > 1 else servers[0], **settings))
        return await source.collect()
