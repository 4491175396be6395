"""The page that Prometheus scrapes, made in slices: between two of them the event loop serves others.

What the library keeps (few series) is formatted by the library, what has a series for every region is joined from the
lines that `families` keeps. Both are taken at one moment, so no series is torn or told twice and all of them agree.
It must not know HTTP: who asks names one of the library's encoders, and the page is equal to what that would print.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Protocol, TypeVar

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from autoscaler.telemetry.families import Families, Family, Labelled

REGIONS_A_SLICE = 100
SAMPLES_A_SLICE = 300
LINES_A_SLICE = 5000
"""Each takes 1 to 2 ms of CPU: the loop is to be held for less than 10 ms, on slower machines too."""

_T = TypeVar("_T")

Encode = Callable[[Collector], bytes]
"""One of the library's `generate_latest`, or what its `choose_encoder` gives."""


class Backlog(Protocol):
    """What was told (of a region, mostly) and is not in its series yet: telling is cheap, a scrape writes."""

    def __len__(self) -> int:
        """How many regions wait."""
        ...

    def write(self, most: int) -> None:
        """Write at most so many of them, the longest waiting first."""
        ...


class Exposition:
    """The page over the few series of `scarce`, the many of `families`, and what still waits in `backlogs`.

    It is a Collector too: a registry that holds it shows the same series, slower and in one go.
    """

    def __init__(self, scarce: Collector, families: Families, backlogs: Sequence[Backlog]) -> None:
        self._scarce = scarce
        self._families = families
        self._backlogs = backlogs

    async def render(self, encode: Encode) -> bytes:
        """The whole page as `encode` would print it, without holding the event loop for more than a slice.

        The series are those of one moment, after what waited at the call was written. What is told during the call may
        be on the page or not.
        """
        for backlog in self._backlogs:
            for _ in range(0, len(backlog), REGIONS_A_SLICE):  # what comes meanwhile is for the next scrape
                backlog.write(REGIONS_A_SLICE)
                await asyncio.sleep(0)
        printer, scarce = _Printer(encode), list(self._scarce.collect())
        if printer.keeps_names:
            kept = printer.joined([(family, family.lines()) for family in self._families])
        else:
            kept = printer.respelt([(family, family.labelled()) for family in self._families])
        page: list[bytes] = []
        for piece in chain(printer.printed(scarce), kept):  # what they print is what there was before the first turn
            page.append(piece)
            await asyncio.sleep(0)
        return b"".join((*page, printer.end))

    def collect(self) -> Iterator[Metric]:
        """Every family as the library's classes, all that waits written before."""
        for backlog in self._backlogs:
            backlog.write(len(backlog))
        yield from self._scarce.collect()
        for family in self._families:
            yield family.metric(family.labelled())


class _Printer:
    """One of the library's encoders, asked for a page in pieces. `end` is what it closes a page with."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self.end = encode(_Only())
        self.keeps_names = b"a_b 0.0\n" in encode(_Only(_PROBE))

    def printed(self, metrics: Iterable[Metric]) -> Iterator[bytes]:
        """Families of the library: several small ones a piece, or a part of a large one."""
        pack: list[Metric] = []
        for metric in metrics:
            if sum(len(one.samples) for one in pack) + len(metric.samples) > SAMPLES_A_SLICE:
                yield self._text(*pack)
                pack = []
            if len(metric.samples) > SAMPLES_A_SLICE:
                yield from self._split(metric)
            else:
                pack.append(metric)
        yield self._text(*pack)

    def joined(self, kept: Iterable[tuple[Family, Sequence[str]]]) -> Iterator[bytes]:
        """Kept families: several small ones a piece, or a large one."""
        pack: list[bytes] = []
        packed = 0
        for family, lines in kept:
            pack += (self._text(family.metric()), "".join(lines).encode())
            packed += len(lines)
            if packed >= LINES_A_SLICE:
                yield b"".join(pack)
                pack, packed = [], 0
        yield b"".join(pack)

    def respelt(self, kept: Iterable[tuple[Family, Sequence[Labelled]]]) -> Iterator[bytes]:
        """Kept families when this encoder writes names in another way (`escaping=dots`), so that no line serves."""
        for family, shown in kept:
            head = self._text(family.metric())
            yield head
            for part in _slices(shown):
                yield self._text(family.metric(part)).removeprefix(head)

    def _split(self, metric: Metric) -> Iterator[bytes]:
        part = Metric(metric.name, metric.documentation, metric.type, metric.unit)
        head = self._text(part)
        yield head
        for samples in _slices(metric.samples):
            part.samples = list(samples)
            yield self._text(part).removeprefix(head)

    def _text(self, *metrics: Metric) -> bytes:
        return self._encode(_Only(*metrics)).removesuffix(self.end)


class _Only:
    """A Collector of these metrics."""

    def __init__(self, *metrics: Metric) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _slices(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (items[start : start + SAMPLES_A_SLICE] for start in range(0, len(items), SAMPLES_A_SLICE))


_PROBE = Metric("a_b", "How does the encoder spell this name?", "gauge")
_PROBE.add_sample("a_b", {}, 0.0)
