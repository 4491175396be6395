"""Scraping: the targets of one job, each asked by itself.

A ScrapeConfig comes in, waves go out. A target that is slow, dead or broken costs nobody but itself: it has its own
deadline and its own status, and those that did not answer last time come last in the queue.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from autoscaler.model.reason import Reason
from autoscaler.model.signals import Sample, TargetStatus, Wave
from autoscaler.ports import Clock
from autoscaler.settings.sources import ScrapeConfig
from autoscaler.sources.discovery import Discovery
from autoscaler.sources.exposition import Exposed, Unparsable, parse
from autoscaler.sources.http import OK, Fetcher, FetchFailed
from autoscaler.sources.targets import Target

ACCEPT = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
"""OpenMetrics if there is a choice, as Prometheus asks."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Scraped:
    """What came of one target."""

    status: TargetStatus
    samples: tuple[Sample, ...] = ()


class ScrapeSource:
    """Implements ports.SampleSource for one scrape job.

    Only metrics in `wanted` (names as exposed) become samples. Their labels are the series' own and the target's, which
    win; a label of the series that they displace is kept as `exported_<name>`, as in Prometheus. At most `concurrency`
    targets are asked at a time, none after the interval is over. `report` (the log, if none is
    given) is told of targets that are left out.
    """

    def __init__(
        self,
        config: ScrapeConfig,
        *,
        wanted: frozenset[str],
        region_label: str,
        clock: Clock,
        concurrency: int = 200,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._config = config
        self._wanted = wanted
        self._clock = clock
        self._discovery = Discovery(config, region_label, report or _LOG.warning)
        self._fetcher = Fetcher(lookups=concurrency, reuse=config.scrape_interval * 2)
        self._turns = asyncio.Semaphore(concurrency)
        self._down: frozenset[str] = frozenset()
        self._headers = {
            "Accept": ACCEPT,
            "X-Prometheus-Scrape-Timeout-Seconds": f"{config.scrape_timeout:g}",
        }

    @property
    def name(self) -> str:
        """The job's name."""
        return self._config.job_name

    @property
    def interval(self) -> float:
        """Seconds between two passes."""
        return self._config.scrape_interval

    async def collect(self) -> Wave:
        """Scrape every target once; the wave lists each of them. Takes at most the interval, and some reading."""
        started = self._clock.monotonic()
        targets = await self._discovery.refresh()
        in_order = sorted(targets, key=lambda target: target.url in self._down)
        end = started + self._config.scrape_interval
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._in_turn(target, end), name=f"scrape {target.url}") for target in in_order]
        scraped = [task.result() for task in tasks]
        self._down = frozenset(one.status.target for one in scraped if not one.status.up)
        return Wave(
            source=self.name,
            at=self._clock.now(),
            took=self._clock.monotonic() - started,
            targets=tuple(one.status for one in scraped),
            samples=tuple(sample for one in scraped for sample in one.samples),
        )

    async def close(self) -> None:
        """Release connections."""
        await self._fetcher.close()

    async def _in_turn(self, target: Target, end: float) -> _Scraped:
        async with self._turns:
            within = min(self._config.scrape_timeout, end - self._clock.monotonic())
            if within <= 0:
                return _down(target, Reason.TIMED_OUT, "its turn did not come within the interval")
            return await self._scrape(target, within)

    async def _scrape(self, target: Target, within: float) -> _Scraped:
        at = self._clock.now()
        try:
            answer = await self._fetcher.fetch(
                target.url, within=within, body_limit=self._config.body_size_limit, headers=self._headers
            )
            if answer.status != OK:
                return _down(target, Reason.BAD_STATUS, answer.status_line)
            # Long pages take long to read: not on the loop, where everybody else's deadlines run.
            page = await asyncio.to_thread(parse, answer.body, answer.content_type, self._wanted)
        except FetchFailed as failed:
            return _down(target, failed.reason, failed.detail)
        except Unparsable as broken:
            return _down(target, Reason.UNPARSABLE, str(broken))
        status = TargetStatus(target.url, target.region, up=True, reason=Reason.UP)
        return _Scraped(status, tuple(_sample(target, exposed, at) for exposed in page))


def _down(target: Target, reason: Reason, detail: str) -> _Scraped:
    return _Scraped(TargetStatus(target.url, target.region, up=False, reason=reason, detail=detail))


def _sample(target: Target, exposed: Exposed, started: float) -> Sample:
    own = {(f"exported_{name}" if name in target.labels else name): value for name, value in exposed.labels.items()}
    return Sample(
        region=target.region,
        target=target.url,
        metric=exposed.metric,
        labels={**own, **target.labels},
        value=exposed.value,
        at=started if exposed.at is None else exposed.at,
    )
