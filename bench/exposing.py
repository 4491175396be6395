"""Our own `/metrics` with 20,000 series, against the client library's page of the same series.

A round is what happens between two scrapes of a busy daemon: every region is decided anew, then the page is asked for.
Ours: the observer was told of the plan; the page is made as the web server makes it, with all that the plan changed.
The peer: Gauge children that are kept get the values that changed, then generate_latest; to find out which values those
are costs it nothing here. CPU time of one thread, rounds interleaved.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bench.ours import MetricsPage, busy_plan
from bench.rows import SPECS, Row
from bench.scraping import Run

REGIONS = 1000
_ROUNDS = 5

Values = Mapping[str, Mapping[tuple[tuple[str, str], ...], float]]
"""By metric and labels."""


def exposing(run: Run, regions: int = REGIONS) -> Iterable[Row]:
    """Both rows, whichever of them is wanted: they come of the same rounds."""
    if not run.wants("exposition", "exposition-block"):
        return
    ours, peer, block, series = asyncio.run(_rounds(regions))
    yield Row(SPECS["exposition"], ours, peer, "generate_latest", {"series": series})
    yield Row(SPECS["exposition-block"], block)


class GaugeChildren:
    """The peer: the series of a page as gauges of the client library, their children kept."""

    def __init__(self, page: bytes) -> None:
        self.registry = CollectorRegistry()
        self._children: dict[tuple[str, tuple[tuple[str, str], ...]], Gauge] = {}
        self._values: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
        for name, series in values_of(page).items():
            labels = [label for label, _ in next(iter(series))]
            family = Gauge(name, "The same as on our page.", labels, registry=self.registry)
            for key in series:
                self._children[name, key] = family.labels(*(text for _, text in key))
        self.take(page)()

    def take(self, page: bytes) -> Callable[[], None]:
        """What sets the values of a page that are not those of the one before."""
        new = {(name, key): value for name, series in values_of(page).items() for key, value in series.items()}
        changed = [(self._children[key], value) for key, value in new.items() if self._values.get(key) != value]
        self._values = new

        def set_them() -> None:
            for child, value in changed:
                child.set(value)

        return set_them


def values_of(page: bytes) -> Values:
    """The gauges of a page that there are of every region."""
    return {
        family.name: {tuple(sorted(one.labels.items())): one.value for one in family.samples}
        for family in text_string_to_metric_families(page.decode())
        if family.type == "gauge" and family.samples and "region" in family.samples[0].labels
    }


async def _rounds(regions: int) -> tuple[list[float], list[float], list[float], int]:
    page = MetricsPage()
    page.tell(busy_plan(regions, 0))
    first = await page.render()
    children, series = GaugeChildren(first), sum(map(len, values_of(first).values()))
    ours, peer, block = [], [], []
    for number in range(1, _ROUNDS + 1):
        page.tell(busy_plan(regions, number))
        started = time.thread_time()
        told = await page.render()
        ours.append((time.thread_time() - started) * 1e3)
        set_them = children.take(told)
        started = time.thread_time()
        set_them()
        generate_latest(children.registry)
        peer.append((time.thread_time() - started) * 1e3)
        page.tell(busy_plan(regions, number + _ROUNDS))
        block.append(await longest_hold(page.render()) * 1e3)
    return ours, peer, block, series


async def longest_hold(work: Awaitable[object]) -> float:
    """Seconds of CPU for which the loop did nothing but `work` at a time.

    CPU and not wall time: another process that takes the core away is no fault of the work.
    """
    task = asyncio.ensure_future(work)
    longest, before = 0.0, time.thread_time()
    while not task.done():
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, before = max(longest, now - before), now
    await task
    return longest
