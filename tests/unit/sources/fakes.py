"""What the tests of the sources share: a clock that stands still, and small HTTP servers on loopback."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

from autoscaler.settings.sources import ScrapeConfig, StaticConfig
from autoscaler.sources.scrape import ScrapeSource

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


def group(*targets: str, region: str = REGION, **labels: str) -> StaticConfig:
    """Targets of one region."""
    return StaticConfig(targets=targets, labels={LABEL: region, **labels})


def job(*groups: StaticConfig, **settings: object) -> ScrapeConfig:
    """A scrape job called `edge`."""
    return ScrapeConfig.model_validate({"job_name": "edge", "static_configs": groups, **settings})


@asynccontextmanager
async def scraping(
    config: ScrapeConfig, *wanted: str, clock: StillClock | None = None, concurrency: int = 200
) -> AsyncIterator[ScrapeSource]:
    """A ScrapeSource that is closed at the end."""
    source = ScrapeSource(
        config,
        wanted=frozenset(wanted),
        region_label=LABEL,
        clock=clock or StillClock(),
        concurrency=concurrency,
        report=lambda _problem: None,
    )
    try:
        yield source
    finally:
        await source.close()
