"""The strict path: a page comes in, the samples of the wanted metrics go out, judged line by line.

It has no memory and assumes nothing: neither metadata nor an order of lines. It is the meaning of a page; the fast path
must agree with it. It must not read what nobody wants.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from autoscaler.model.reason import Reason
from autoscaler.sources.exposition.block import Statement, stated
from autoscaler.sources.exposition.framing import EOF, Page
from autoscaler.sources.exposition.grammar import NAME, Sample, labels_of, name_of, sample_of, shown
from autoscaler.sources.exposition.refusal import MAX_LINE, MAX_WANTED, Unparsable
from autoscaler.sources.exposition.shape import Span

_BEGINNING = re.compile(rb"[ \t\r]*(?:(" + NAME + rb")|(\{))").match
_CHUNK = 512 * 1024


class _Family:
    """The lines of one metric, as they stand on the page."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._seen: set[frozenset[tuple[str, str]]] = set()

    def add(self, sample: Sample) -> None:
        """Raises Unparsable if the series stands there already, or is malformed."""
        labels = frozenset(labels_of(sample.key).items())
        if labels in self._seen:
            raise Unparsable(f"states a series a second time: {shown(sample.key)}", Reason.SERIES_TWICE)
        self._seen.add(labels)
        self.samples.append(sample)


def read_strictly(page: Page, wanted: AbstractSet[str]) -> Statement:
    """What the page says of the wanted metrics.

    Raises:
        Unparsable: a line of a wanted metric is malformed or too long, there are too many of them, one states a
            series a second time, or an OpenMetrics page goes on after `# EOF`.
    """
    families: dict[str, _Family] = defaultdict(_Family)
    left = MAX_WANTED
    for number, line in enumerate(_lines(page)):
        beginning = _BEGINNING(line)
        if beginning is None or (beginning[1] is not None and beginning[1].decode() not in wanted):
            continue
        left -= 1
        if left < 0:
            raise Unparsable(f"more than {MAX_WANTED} lines of the page are wanted", Reason.SAMPLE_LIMIT)
        try:
            sample = _judged(line, openmetrics=page.openmetrics)
            metric = name_of(sample.key)
            if metric in wanted:
                families[metric].add(sample)
        except Unparsable as refused:
            raise Unparsable(f"line {number} {refused}", refused.reason) from None
    return stated(_spans(families), [sample for family in families.values() for sample in family.samples])


def _spans(families: Mapping[str, _Family]) -> Sequence[Span]:
    spans, start = [], 0
    for metric, family in families.items():
        spans.append(Span(metric, start, start + len(family.samples)))
        start += len(family.samples)
    return spans


def _judged(line: bytes, *, openmetrics: bool) -> Sample:
    if len(line) > MAX_LINE:
        raise Unparsable(f"is longer than {MAX_LINE} bytes: {shown(line)}", Reason.TOO_LARGE)
    return sample_of(line if openmetrics else line.strip(b" \t\r"), openmetrics=openmetrics)


def _lines(page: Page) -> Iterator[bytes]:
    """The lines without their ends, a part of the page at a time; the first one is the empty one in front."""
    text, start, ended = page.text, 0, False
    while start < len(text):
        stop = text.find(b"\n", start + _CHUNK)
        stop = len(text) if stop < 0 else stop
        for line in text[start:stop].split(b"\n"):
            if ended and line:
                raise Unparsable("the page goes on after # EOF")
            ended = ended or (page.openmetrics and line == EOF)
            yield line
        start = stop + 1
