"""Extraction alone: our page reader against prometheus_client's full parse, on pages that change, results compared.

CPU time of one thread, rounds interleaved. Both read the same bytes; the full parse then looks for the wanted samples.
Half of all values change from page to page. What 3 % new series, and for the large page another order, cost us on top
is told beside it: a full parse does not care.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from prometheus_client.parser import text_string_to_metric_families

from bench.ours import PageReader, page_readers
from bench.page_shapes import STILL, ksm_page, node_page
from bench.pages import MARK, Page
from bench.rows import SPECS, Row
from bench.scraping import Run

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
"""Values by metric and labels."""

_ROUNDS = 3
_OURS_PER_FULL_PARSE = 20


def extraction(run: Run) -> Iterable[Row]:
    """Both pages."""
    for name, page in (("extraction-node", node_page), ("extraction-ksm", ksm_page)):
        if run.wants(name):
            yield compare(name, page(STILL), page())


def compare(name: str, page: Page, churning: Page, rounds: int = _ROUNDS) -> Row:
    """The row of one page. Raises AssertionError if the two do not agree on every version of either."""
    bodies, changed = _agreed(name, page), _agreed(name, churning)
    reader, other = page_readers(page.wanted, 2)
    ours: list[float] = []
    churn: list[float] = []
    full: list[float] = []
    for _ in range(rounds):
        full.append(_us_per_page(lambda body: full_parse(body, page.wanted), bodies[:4]))
        ours.append(_us_per_page(lambda body: reader(body, 0.0), bodies * _OURS_PER_FULL_PARSE))
        churn.append(_us_per_page(lambda body: other(body, 0.0), changed * _OURS_PER_FULL_PARSE))
    more = {"page_bytes": len(bodies[0]), "ours_with_churn": round(median(churn), 1)}
    return Row(SPECS[name], ours, full, "prometheus_client", more)


def _agreed(name: str, page: Page) -> list[bytes]:
    """All versions of the page, once both have read each of them and agreed."""
    bodies = [page.body(version, MARK) for version in range(len(page.versions))]
    (reader,) = page_readers(page.wanted, 1)
    for number, body in enumerate(bodies):
        if _ours(reader, body) != full_parse(body, page.wanted):
            raise AssertionError(f"{name}: the two do not agree on version {number} of the page")
    return bodies


def full_parse(body: bytes, wanted: Sequence[str]) -> Samples:
    """The wanted samples by the Prometheus client library's parser."""
    names = frozenset(wanted)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
        if sample.name in names
    }


def _ours(reader: PageReader, body: bytes) -> Samples:
    columns = reader(body, 0.0)
    return {
        (metric, frozenset(labels.items())): value
        for metric, column in columns.items()
        for labels, value in zip(column.series, column.values, strict=True)
    }


def _us_per_page(read: Callable[[bytes], object], bodies: Sequence[bytes]) -> float:
    started = time.thread_time()
    for body in bodies:
        read(body)
    return (time.thread_time() - started) / len(bodies) * 1e6
