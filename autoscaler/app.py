"""The only place that joins ports to adapters: from what the operator wrote to a daemon that runs.

`Daemon` is the whole product without its command line; the demo and the tests run the same one.
"""

import asyncio
import random
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from prometheus_client import CollectorRegistry

from autoscaler import __version__
from autoscaler.clock import SystemClock
from autoscaler.cloud.build import alibaba_cloud
from autoscaler.engine import Engine, Parts, order_ids
from autoscaler.executor.executor import Executor
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.loop.status import StatusBoard
from autoscaler.model.decision import Decision
from autoscaler.model.errors import AddressUnusable
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order
from autoscaler.policy.decide import Policies
from autoscaler.ports import Clock, Cloud, Ledger, Observer, SampleSource
from autoscaler.settings.root import Loaded
from autoscaler.sources.alerts import AlertSource
from autoscaler.sources.build import alert_sources, promql_sources, scrape_sources
from autoscaler.telemetry.lag import measure_lag
from autoscaler.telemetry.logs import LogObserver
from autoscaler.telemetry.metrics import MetricsObserver
from autoscaler.telemetry.observers import Observers
from autoscaler.web.alerts import AlertPage
from autoscaler.web.server import WebServer
from autoscaler.web.sources import SourceBoard

_DRAIN_BEYOND_CALL = 5.0
"""Seconds that a shutdown waits longer than one call may take, so that the answer can be recorded."""


class Status:
    """What the web room may ask: the status board and the executor, seen together."""

    def __init__(self, board: StatusBoard, executor: Executor, clock: Clock) -> None:
        self._board = board
        self._executor = executor
        self._clock = clock

    def decisions(self) -> Sequence[Decision]:
        """The last decision of every region."""
        return self._board.decisions()

    def decision(self, region: RegionId) -> Decision | None:
        """The last decision of one region."""
        return self._board.decision(region)

    def open_orders(self) -> Sequence[Order]:
        """Orders that are not final."""
        return self._executor.open_orders()

    def readiness(self) -> Mapping[str, str | None]:
        """Each check with None when it is well, else why it is not."""
        return {**self._executor.readiness(), "decisions": None if self._board.tick else "nothing decided yet"}

    def heartbeat_age(self) -> float:
        """Seconds since the decider last ran."""
        return self._board.heartbeat_age(self._clock.monotonic())

    def tick(self) -> int:
        """The number of the last tick."""
        return self._board.tick


class Daemon:
    """The daemon. `observers` listen beside its own; `cloud` and `ledger` replace the real adapters in tests."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        clock: Clock | None = None,
        cloud: Cloud | None = None,
        ledger: Ledger | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._loaded = loaded
        self._clock = clock or SystemClock()
        self._cloud = cloud
        self._ledger = ledger
        self._registry = CollectorRegistry()
        self._metrics = MetricsObserver(self._registry, __version__)
        self._sources_seen = SourceBoard()
        self._observer = Observers([self._metrics, LogObserver(), self._sources_seen, *observers])
        self.ready = asyncio.Event()
        self.url = ""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then let the purchases under way be recorded and release everything.

        Raises LedgerUnusable when the ledger can not be opened.
        """
        settings, clock = self._loaded.settings, self._clock
        async with AsyncExitStack() as stack:
            ledger = self._ledger or await SqliteLedger.connect(settings.ledger.path)
            stack.push_async_callback(ledger.close)
            cloud = self._cloud or alibaba_cloud(settings.alibaba, self._loaded.password, clock)
            stack.push_async_callback(cloud.close)
            alerts = alert_sources(settings, clock)
            sources = [*self._asked_sources(), *alerts]
            for source in sources:
                stack.push_async_callback(source.close)
            dice = random.SystemRandom()
            engine = Engine(
                self._parts(sources),
                cloud=cloud,
                ledger=ledger,
                clock=clock,
                observer=self._observer,
                new_id=order_ids(clock, dice),
                dice=dice,
            )
            await engine.start()
            self._metrics.restore(engine.executor.book.all())
            await self._serve(stack, Status(engine.status, engine.executor, clock), alerts)
            try:
                await _until(stop, engine, measure_lag(self._metrics.loop, clock))
            finally:
                await engine.drain(settings.alibaba.timeout + _DRAIN_BEYOND_CALL)

    def _asked_sources(self) -> list[SampleSource]:
        settings, clock = self._loaded.settings, self._clock
        specs = [spec for policy in self._loaded.policies.values() for spec in policy.spec.signals]
        return [*scrape_sources(settings, specs, clock), *promql_sources(settings, specs, clock)]

    def _parts(self, sources: Sequence[SampleSource]) -> Parts:
        loaded, settings = self._loaded, self._loaded.settings
        policies = Policies(
            loaded.policies,
            settings.executor.capacity_max_age,
            loaded.offers,
            loaded.budgets,
            loaded.brakes,
            prices_from_api=settings.executor.price_from == "api",
        )
        return Parts(policies, loaded.clusters, settings.executor, settings.loop, sources, settings.ledger.retention)

    async def _serve(self, stack: AsyncExitStack, status: Status, alerts: Sequence[AlertSource]) -> None:
        web, receivers = self._loaded.settings.web, self._loaded.settings.alertmanager
        server = WebServer(
            status,
            self._metrics.page,
            host=web.host,
            port=web.port,
            version=__version__,
            sources=self._sources_seen,
            alerts=AlertPage(zip(receivers, alerts, strict=True), self._metrics.scarce) if receivers else None,
            tls=web.tls,
        )
        try:
            await server.start()
        except OSError as error:
            raise AddressUnusable(f"web: can not listen on {web.host}:{web.port}: {error.strerror}") from error
        stack.push_async_callback(server.stop)
        self.url = server.url
        self.ready.set()


async def _until(stop: asyncio.Event, engine: Engine, companion: Coroutine[Any, Any, None]) -> None:
    """Run the engine, and `companion` beside it, until `stop` is set. What the engine raises is raised here."""
    running = asyncio.create_task(engine.run(), name="engine")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    beside = asyncio.create_task(companion, name="event loop lag")
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (running, stopping, beside):
            task.cancel()
        results = await asyncio.gather(running, stopping, beside, return_exceptions=True)
    if isinstance(results[0], Exception):
        raise results[0]
