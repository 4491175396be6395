"""Discovery: the targets of a scrape job, as its settings and its file_sd files name them now.

A ScrapeConfig comes in, targets go out; what is left out or broken is told to `report`, once for each change.
"""

import asyncio
from collections.abc import Callable
from itertools import chain

from autoscaler.settings.sources import ScrapeConfig
from autoscaler.sources.file_sd import FileGroups
from autoscaler.sources.targets import Target, Targets, build_targets


class Discovery:
    """Knows the targets of one job. Targets without the region label are none of ours and are reported."""

    def __init__(self, config: ScrapeConfig, region_label: str, report: Callable[[str], None]) -> None:
        self._config = config
        self._region_label = region_label
        self._report = report
        self._files = FileGroups(path for file_sd in config.file_sd_configs for path in file_sd.files)
        self._known: Targets | None = None
        self._problems: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong now: broken files first, then targets that are not scraped."""
        return self._problems

    async def refresh(self) -> tuple[Target, ...]:
        """The targets as of now; files are looked at in a thread, and only those that changed are read."""
        self._known = await asyncio.to_thread(self._look, self._known)
        problems = (*self._files.problems, *self._known.problems)
        for problem in problems:
            if problem not in self._problems:
                self._report(f"{self._config.job_name}: {problem}")
        self._problems = problems
        return self._known.targets

    def _look(self, known: Targets | None) -> Targets:
        if not self._files.refresh() and known is not None:
            return known
        return build_targets(chain(self._config.static_configs, self._files.groups), self._config, self._region_label)
