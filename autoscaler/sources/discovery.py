"""Discovery: the targets of a scrape job, as its settings, its files and its endpoints name them now.

A ScrapeConfig comes in, targets go out; what is left out or broken is told to `report`, once for each change.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import chain

from autoscaler.ports import Clock
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.file_sd import FileGroups
from autoscaler.sources.http_sd import HttpGroups, ListFetcher
from autoscaler.sources.targets import Target, TargetBuilder, Targets


class Discovery:
    """Knows the targets of one job. Targets without the region label are none of ours and are reported.

    `endpoints` are fetchers, one for each of the job's http_sd_configs and in their order; they and the `clock` are
    needed only where there are any. Raises ValueError if they do not fit the job.
    """

    def __init__(
        self,
        config: ScrapeConfig,
        region_label: str,
        report: Callable[[str], None],
        *,
        endpoints: Sequence[ListFetcher] = (),
        clock: Clock | None = None,
    ) -> None:
        self._job = config.job_name
        self._static = config.static_configs
        self._report = report
        self._builder = TargetBuilder(config, region_label)
        self._files = FileGroups(path for file_sd in config.file_sd_configs for path in file_sd.files)
        self._endpoints = _endpoints(config, endpoints, clock)
        self._known: Targets | None = None
        self._problems: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong now: broken files first, then endpoints, then targets that are not scraped."""
        return self._problems

    @property
    def dropped(self) -> int:
        """Targets that relabelling drops."""
        return 0 if self._known is None else self._known.dropped

    async def refresh(self) -> tuple[Target, ...]:
        """The targets as of now; the same tuple while nothing has changed.

        Files are looked at in a thread, and only those that changed are read; endpoints are asked in the background,
        and their answer counts from the first refresh after it.
        """
        news = [endpoint.refresh() for endpoint in self._endpoints]
        self._known = await asyncio.to_thread(self._look, self._known if not any(news) else None)
        endpoints = (endpoint.problem for endpoint in self._endpoints if endpoint.problem)
        problems = (*self._files.problems, *endpoints, *self._known.problems)
        for problem in problems:
            if problem not in self._problems:
                self._report(f"{self._job}: {problem}")
        self._problems = problems
        return self._known.targets

    async def close(self) -> None:
        """Stop asking endpoints and close their fetchers."""
        for endpoint in self._endpoints:
            await endpoint.close()

    def _look(self, known: Targets | None) -> Targets:
        if not self._files.refresh() and known is not None:
            return known
        listed = (endpoint.groups for endpoint in self._endpoints)
        return self._builder.build(chain(self._static, self._files.groups, *listed))


def _endpoints(config: ScrapeConfig, fetchers: Sequence[ListFetcher], clock: Clock | None) -> tuple[HttpGroups, ...]:
    if not config.http_sd_configs:
        return ()
    if clock is None or len(fetchers) != len(config.http_sd_configs):
        raise ValueError(f"{config.job_name}: needs a clock and {len(config.http_sd_configs)} fetchers for http_sd")
    return tuple(HttpGroups(one, fetcher, clock) for one, fetcher in zip(config.http_sd_configs, fetchers, strict=True))
