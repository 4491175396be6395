"""Scraping: the targets of one job, region by region, each region at its own moment of the interval.

A ScrapeConfig and a fetcher come in, waves go out: of every region whose targets have all answered or failed. A target
that is slow, dead or broken has its own deadline and its own status; it keeps nobody waiting but its own region.
"""

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import TargetStatus, Wave
from autoscaler.ports import Clock
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.asked import AskedTarget
from autoscaler.sources.discovery import Discovery
from autoscaler.sources.exposition import Pages
from autoscaler.sources.http import Answer, Fetcher, FetchFailed, PageFetcher
from autoscaler.sources.targets import Target
from autoscaler.sources.timetable import Timetable

GATHER = 0.02
"""Seconds that a region which is complete waits for others, to be one wave with them."""
LOOK = 5.0
"""Seconds between two looks at what the discovery says, as in Prometheus."""
AT_ONCE = 200
"""Targets that are scraped at once when they are first seen. More than so many new ones wait for their moments."""
LARGE = 512 * 1024
"""Bytes of a page from which on it is read in a thread."""
GROUP = 50
"""Requests that are started without a turn for whatever else the loop has to do."""
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pass:
    """One region's targets being asked; `left` of them have not answered yet. `started` is monotonic."""

    started: float
    asked: Sequence[AskedTarget]
    left: int
    statuses: list[TargetStatus] = field(default_factory=list)


class ScrapeSource:
    """Implements ports.SampleSource for one scrape job.

    Only metrics in `wanted` (names as exposed) are read. With metric_relabel_configs just the wanted series that these
    keep count against sample_limit and are judged by the label limits: what nobody wants is not relabelled, so that a
    page may have more series than Prometheus would take. Without them every sample of the page counts.

    `report` (the log, if none is given) is told of targets that are left out. `endpoints` are fetchers, one for each of
    the job's http_sd_configs. The source closes its fetchers.
    """

    def __init__(
        self,
        config: ScrapeConfig,
        *,
        wanted: frozenset[str],
        region_label: str,
        clock: Clock,
        fetcher: PageFetcher,
        endpoints: Sequence[Fetcher] = (),
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._fetcher = fetcher
        self._discovery = Discovery(config, region_label, report or _LOG.warning, endpoints=endpoints, clock=clock)
        self._pages = Pages(wanted, config)
        self._timetable = Timetable(config.job_name, config.scrape_interval)
        self._targets: tuple[Target, ...] = ()
        self._regions: dict[RegionId, tuple[AskedTarget, ...]] = {}
        self._passes: dict[RegionId, _Pass] = {}
        self._overdue: Sequence[RegionId] = ()
        self._ready: dict[RegionId, _Pass] = {}
        self._news = asyncio.Event()
        self._readings: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[tuple[Target, ...]] | None = None
        self._look_at = self._waved_at = -math.inf

    @property
    def name(self) -> str:
        """The job's name."""
        return self._config.job_name

    def pause(self) -> float:
        """None: `collect` itself waits, since several regions are under way at a time."""
        return 0.0

    async def collect(self) -> Wave:
        """Start the regions whose moment comes; give those that are complete as soon as there are any.

        After an interval without any it is an empty wave: the source lives, and knows no target.
        """
        await self._start_due()
        while not self._ready and (
            self._passes or self._looking or self._clock.monotonic() < self._waved_at + self._config.scrape_interval
        ):
            await self._wait()
            await self._start_due()
        if self._ready:
            await self._clock.sleep(GATHER)
        self._news.clear()
        ready, self._ready = self._ready, {}
        self._waved_at = now = self._clock.monotonic()
        return Wave(
            source=self.name,
            at=self._clock.now(),
            took=max((now - one.started for one in ready.values()), default=0.0),
            targets=tuple(status for one in ready.values() for status in one.statuses),
            regions=frozenset(ready),
        )

    async def close(self) -> None:
        """Give up what is under way and release connections."""
        await self._discovery.close()
        await self._fetcher.close()
        beside = [*self._readings, *([] if self._looking is None else [self._looking])]
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)

    async def _start_due(self) -> None:
        due = dict.fromkeys((*self._look(), *self._overdue, *self._timetable.due(self._clock.now())))
        # A pass may take a whole interval: the next one then begins when it ends, not an interval later.
        self._overdue = [region for region in due if region in self._passes]
        await self._start([region for region in due if region in self._regions and region not in self._passes])

    def _look(self) -> Sequence[RegionId]:
        """Look at the discovery beside the scrapes, which a file that is slow to read must not hold up.

        Gives the regions to be scraped at once. Raises what the look raised.
        """
        new: Sequence[RegionId] = ()
        if self._looking is not None and self._looking.done():
            looked, self._looking = self._looking, None
            new = self._take(looked.result())
        if self._looking is None and self._clock.monotonic() - self._look_at >= LOOK:
            self._look_at = self._clock.monotonic()
            self._looking = asyncio.create_task(self._discovery.refresh(), name=f"targets of {self.name}")
            self._looking.add_done_callback(lambda _: self._news.set())
        return new

    def _take(self, targets: tuple[Target, ...]) -> Sequence[RegionId]:
        """Take over what the discovery says; gives the regions to be scraped at once, since they are new and few."""
        if targets is self._targets:
            return ()
        known = {one.target.id: one for asked in self._regions.values() for one in asked}
        regions: dict[RegionId, list[AskedTarget]] = defaultdict(list)
        for target in targets:
            regions[target.region].append(self._asked(target, known.get(target.id)))
        former, self._regions = self._regions, {region: tuple(asked) for region, asked in regions.items()}
        self._targets = targets
        self._timetable.arrange({region: len(asked) for region, asked in self._regions.items()})
        for lost in former.keys() - self._regions.keys():
            self._passes.pop(lost, None)
            self._give(lost, _Pass(self._clock.monotonic(), (), 0))
        new = [region for region in self._regions if region not in former]
        return new if sum(len(self._regions[region]) for region in new) <= AT_ONCE else ()

    def _asked(self, target: Target, former: AskedTarget | None) -> AskedTarget:
        if former is not None and former.target == target:
            return former
        return AskedTarget(target, self._config, self._pages)

    async def _start(self, regions: Iterable[RegionId]) -> None:
        started = 0
        for region in regions:
            asked = self._regions[region]
            self._passes[region] = running = _Pass(self._clock.monotonic(), asked, len(asked))
            for one in asked:
                self._ask(one, running)
                started += 1
                if started % GROUP == 0:
                    await asyncio.sleep(0)

    def _ask(self, one: AskedTarget, running: _Pass) -> None:
        try:
            self._fetcher.start(
                one.target.url,
                within=one.target.timeout,
                body_limit=self._config.body_limit,
                headers=one.headers,
                on_done=partial(self._answered, one, running, self._clock.now()),
            )
        except Exception as error:  # noqa: BLE001  # a region whose pass never ends would never be asked again
            _LOG.exception("the request to %s met a fault of this program", one.target.url)
            self._told(running, one.down(Reason.CONNECTION_FAILED, f"{type(error).__name__}: {error}"))

    async def _wait(self) -> None:
        """Until a region is complete, the targets are known, or the next region's moment comes."""
        waits = (
            asyncio.create_task(self._news.wait(), name=f"news of {self.name}"),
            asyncio.create_task(self._clock.sleep(self._idle()), name=f"next slot of {self.name}"),
        )
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._news.clear()

    def _idle(self) -> float:
        moments = [math.inf if self._looking else self._look_at + LOOK]
        if not self._passes:
            moments.append(self._waved_at + self._config.scrape_interval)
        return max(0.0, min(min(moments) - self._clock.monotonic(), self._timetable.wait(self._clock.now())))

    def _answered(self, one: AskedTarget, running: _Pass, at: float, answer: Answer | FetchFailed) -> None:
        """Take an answer; a large page is read in a thread, so that nobody else's deadline runs meanwhile."""
        if isinstance(answer, FetchFailed) or len(answer.body) <= LARGE:
            self._told(running, one.status(answer, at))
            return
        reading = asyncio.create_task(self._read_aside(one, running, at, answer), name=f"read {one.target.url}")
        self._readings.add(reading)
        reading.add_done_callback(self._readings.discard)

    async def _read_aside(self, one: AskedTarget, running: _Pass, at: float, answer: Answer) -> None:
        self._told(running, await asyncio.to_thread(one.status, answer, at))

    def _told(self, running: _Pass, status: TargetStatus) -> None:
        running.statuses.append(status)
        running.left -= 1
        # The region may be gone meanwhile, or even be back and asked anew: then it is not for this pass to tell of it.
        if not running.left and self._passes.get(status.region) is running:
            del self._passes[status.region]
            self._end(status.region, running)

    def _end(self, region: RegionId, complete: _Pass) -> None:
        """Give what is complete, less the targets that left the region meanwhile: another one may count them now."""
        listed = self._regions[region]
        if listed is not complete.asked:
            urls = {one.target.url for one in listed}
            complete.statuses = [status for status in complete.statuses if status.target in urls]
        if complete.statuses:  # else it has other targets by now, which is not to have none
            self._give(region, complete)

    def _give(self, region: RegionId, complete: _Pass) -> None:
        self._ready[region] = complete
        self._news.set()
