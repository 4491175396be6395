"""What we read from a page is what a real Prometheus stored of it, and where it refuses a page we refuse it too.

Pages are served by a thread, each to a target of its own. `DIFFERENCES` says where the two part, and why; beyond that,
Prometheus judges the lines of metrics that nobody wants, and stores no sample of another day.
"""

import json
import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

import pytest

from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.exposition import Pages, Unparsable
from tests.fuzz.exporter import WANTED, Exporter, broken
from tests.fuzz.exposition import NOW, OPENMETRICS, TEXT, rows_of
from tests.integration.servers import RealServer, free_port, prometheus

STARTED = int(time.time()) - 60
"""Unix seconds that pages may state."""
OLDEST, NEWEST = STARTED - 240, STARTED + 240
"""What a query of five minutes finds, and Prometheus stores in any case."""
WANTED_LINE = re.compile(rb"(?:%b)(?![a-zA-Z0-9_:])" % b"|".join(re.escape(name.encode()) for name in WANTED)).match
Read = dict[tuple[str, frozenset[tuple[str, str]]], tuple[str, float]]
"""Value as `repr` and Unix seconds by metric and labels. NOW: the page does not say when."""


@dataclass(frozen=True)
class Page:
    """What a target answers."""

    content_type: str
    body: bytes

    def __str__(self) -> str:
        return f"{'openmetrics' if self.content_type == OPENMETRICS else 'text'} {self.body[:400]!r}"


def text(body: str) -> Page:
    return Page(TEXT, body.encode())


def openmetrics(body: str) -> Page:
    return Page(OPENMETRICS, body.encode() + b"# EOF\n")


TAKEN = [
    text('# HELP m x\n# TYPE m gauge\nm 1\nm{a="b"} NaN\n\nm{a="c",} +Inf\nx 1\nm { a = "d" , b="e" } -1.5e-3 \n'),
    text(f'm{{a="q\\"b\\\\n\\n}}{{,="}} 1 {STARTED}500\nm{{a="名"}}2\nm{{a="b c",b=""}}\t3\t{STARTED}001\t\n'),
    text(
        'h_bucket{le="0.5"} 1\nh_bucket{le="+Inf"} 2\nh_sum 0.25\nh_count 2\nm{a="\\q"} 1\nm{a="x\ry"} 0x1p\n'.replace(
            "0x1p", "1"
        )
    ),
    text("m_total 1\nmm 2\nm_other 3\nm 4\nm_total_ 5\nm{} 6\n".replace("m{} 6\n", "")),
    text("# EOF\nm 1\n"),
    openmetrics(
        f'# TYPE m counter\nm_total 17 {STARTED}.25 # {{t="0#1"}} 0.67 {STARTED}.5\nm_total{{a="b"}} 3 # {{}} 1\n'
    ),
    openmetrics(
        f'# TYPE h histogram\nh_bucket{{le="1.0"}} 3 # {{t="}}"}} 0.6\nh_bucket{{le="+Inf"}} 4\nh_sum 5.5 {STARTED}\n'
    ),
    openmetrics('m{a="b c",le="\\"\\n\\\\"} 1e3\nm nan\n'),
    Page(OPENMETRICS, b"m 1\n# EOF"),
]
REFUSED = [
    *map(
        text,
        [
            *(
                "m\n",
                "m \n",
                "m{}\n",
                "m 1 2 3\n",
                "m 1 1.5\n",
                "m one\n",
                "m 1_0\n",
                "m 0x10\n",
                "m +nan\n",
                "m 1e999\n",
            ),
            *('m{a="b} 1\n', "m{a=b} 1\n", 'm{,a="b"} 1\n', 'm{1a="b"} 1\n', "m}1\n"),
            *('m{a="b"} 1 # {t="x"} 0.3\n', "m 1 99999999999999999999\n", "m\v1\n", "m 1\f\n", "m 1\vx\n", "m 1 +5\n"),
            *("<!doctype html><html></html>\n", '{"status": "ok"}\n', "[]\n", "\ufeffm 1\n", "mé 1\n", "m \uff11\n"),
        ],
    ),
    *map(
        openmetrics,
        [
            *(
                "m  1\n",
                " m 1\n",
                "m\t1\n",
                "m 1 \n",
                "m 1  5\n",
                'm{a="b"}2\n',
                'm {a="b"} 1\n',
                'm{a="b", c="d"} 1\n',
            ),
            *("m 1\r\n", "m 1 NaN\n", "m 1 #\n", "m_total 1 # {} x\n", "m_total 1 #{} 1\n", "# EOF\nm 1\n", "m 1_0\n"),
        ],
    ),
    Page(OPENMETRICS, b"m 1\n"),
    Page(OPENMETRICS, b"m 1\n# EO"),
    Page(TEXT, b'm{a="\xff"} 1\n'),
]
DIFFERENCES = [
    # We refuse what they take.
    (text(""), False, "an empty page states nothing; it is no sign of life"),
    (Page(TEXT, b"m 1"), False, "m 12 may have been cut to this"),
    (text(f"m 1 {STARTED}000\nm 1 {STARTED}000\n"), False, "a series that stands twice, even if it says the same"),
    (text("m 1\nm 2\n"), False, "they keep the first of the two and count the other as dropped"),
    (text("m 1\n# \0\n"), False, "no text has a NUL"),
    (text('m-1\nm{a="b"} 1\n'), False, "the value begins where the name ends, by luck"),
    (text('m{a="b" c="d"} 1\n'), False, "labels are separated by commas"),
    # We take what they refuse.
    (text("m 1\r\n"), True, "CRLF line ends come with Windows"),
    (text("  m 1\n"), True, "the documentation has it that leading blanks are ignored"),
    (text("x one\nm 1\n"), True, "nobody wants x"),
    (text("# TYPE m nonsense\nm 1\n"), True, "metadata is not read"),
    (openmetrics("m 1\n\nmm 1\n"), True, "an empty line says nothing"),
    (openmetrics('m 1 # {t="x"} 1\n'), True, "exemplars are not read, so that it does not matter where they stand"),
    (openmetrics('m{a="b",} 1\n'), True, "a comma that ends a list is harmless"),
    # Prometheus 3 reads these, too.
    (text('{"my.metric",a="b"} 1\n'), True, "2.x knows no names in quotes"),
    (text('m{"a.b"="c"} 1\n'), True, "2.x knows no names in quotes"),
]


def generated(rounds: int) -> Iterator[Page]:
    """Whole pages of an exporter, and single lines of wanted metrics, some of them broken."""
    for number in range(rounds):
        dice = random.Random(f"stored {number}")  # noqa: S311  # a page needs no secret
        exporter = Exporter(dice)
        content_type, end = (OPENMETRICS, b"# EOF\n") if exporter.openmetrics else (TEXT, b"")
        at = str(STARTED) if exporter.openmetrics else f"{STARTED}500"
        body = exporter.page().replace(b"1700000000500", at.encode())
        if number % 4 == 0:
            yield Page(content_type, body)
            continue
        lines = [line for line in body.split(b"\n") if WANTED_LINE(line)]
        for line in dice.sample(lines, min(2, len(lines))):
            odd = broken(line, dice) if dice.randrange(2) else line
            if b"\n" not in odd and WANTED_LINE(odd):
                yield Page(content_type, odd + b"\n" + end)


GENERATED = list(generated(200))
PAGES = [*TAKEN, *REFUSED, *(page for page, _, _ in DIFFERENCES), *GENERATED]


@dataclass(frozen=True)
class Stored:
    """What Prometheus made of the pages, by their place in PAGES."""

    up: Mapping[int, bool]
    series: Mapping[int, Read]
    errors: Mapping[int, str]


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = PAGES[int(self.path.rpartition("/")[2])]
        self.send_response(200)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        self.wfile.write(page.body)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # every target connects at about the same time


@contextmanager
def exporter_of_all_pages() -> Iterator[str]:
    """Its address; /N is the Nth page."""
    server = _Server(("127.0.0.1", free_port()), _Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def query(server: RealServer, promql: str) -> list[Any]:
    answer: Any = json.loads(server.get(f"/api/v1/query?query={quote(promql)}") or "{}")
    found: list[Any] = answer["data"]["result"]
    return found


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with exporter_of_all_pages() as address:
        groups = [
            {"targets": [address], "labels": {"page": str(number), "__metrics_path__": f"/{number}"}}
            for number in range(len(PAGES))
        ]
        job = {"job_name": "pages", "scrape_interval": "8s", "scrape_timeout": "8s", "static_configs": groups}
        with prometheus(tmp_path_factory.mktemp("stored"), {"scrape_configs": [job]}) as server:
            yield what_is_stored(server, verdicts(server))


def verdicts(server: RealServer) -> Mapping[int, str]:
    """What Prometheus said of each page once it was read in time: "" or the error. A busy machine may take a while."""
    said: dict[int, str] = {}
    end = time.monotonic() + 90
    while len(said) < len(PAGES):
        missing = f"{len(PAGES) - len(said)} pages are not scraped in time: {list(errors_of(server).items())[:3]}"
        assert time.monotonic() < end, missing
        # The pages are served by this very process: asking all the time would keep it from that.
        time.sleep(0.5)
        said.update((page, error) for page, error in errors_of(server).items() if not is_late(error))
    return said


def is_late(error: str) -> bool:
    """Whether the page was not read at all, for want of time or of a connection."""
    return error.startswith("Get ") or any(word in error for word in ("deadline", "reset by peer", "unexpected EOF"))


def what_is_stored(server: RealServer, errors: Mapping[int, str]) -> Stored:
    up = {int(row["metric"]["page"]): row["value"][1] == "1" for row in query(server, "max_over_time(up[5m])")}
    series: dict[int, Read] = defaultdict(dict)
    for row in query(server, '{page=~".+"}[5m]'):
        labels = {name: value for name, value in row["metric"].items() if name not in ("instance", "job")}
        number, metric = int(labels.pop("page")), labels.pop("__name__")
        at, value = row["values"][-1]
        if metric in WANTED:
            series[number][metric, frozenset(labels.items())] = repr(float(value)), at
    return Stored(up, series, errors)


def errors_of(server: RealServer) -> Mapping[int, str]:
    """The last error, or "", of each page that was scraped already."""
    targets: Any = server.get_json("/api/v1/targets?state=active")
    scraped = (one for one in targets["data"]["activeTargets"] if not one["lastScrape"].startswith("0001-"))
    return {int(one["labels"]["page"]): one["lastError"] for one in scraped}


def ours(page: Page) -> Read | str:
    """What we read, or why we refuse it."""
    memory = Pages(WANTED, ScrapeConfig(job_name="pages")).target()
    try:
        columns = memory.read(page.body, page.content_type, NOW)
    except Unparsable as refused:
        return str(refused)
    rows: list[tuple[str, Any]] = [(metric, row) for metric, column in columns.items() for row in rows_of(column)]
    return {(metric, frozenset(labels)): (value, at) for metric, (labels, value, at) in rows}


def compare(page: Page, read: Read, kept: Read) -> None:
    """The same series, the same values, and the time of the page where it gives one."""
    recent = {series: row for series, row in read.items() if row[1] == NOW or OLDEST < row[1] < NEWEST}
    assert {series: value for series, (value, _) in kept.items()} == {
        series: value for series, (value, _) in recent.items()
    }, page
    for series, (_, at) in recent.items():
        assert at == NOW or abs(kept[series][1] - at) < 0.001, page


def place(page: Page) -> int:
    return PAGES.index(page)


@pytest.mark.parametrize("page", TAKEN, ids=range(len(TAKEN)))
def test_what_is_read_of_a_page_is_what_prometheus_stored_of_it(stored: Stored, page: Page) -> None:
    number, read = place(page), ours(page)
    assert stored.up[number], stored.errors[number]
    assert isinstance(read, dict), read
    assert read
    compare(page, read, stored.series[number])


@pytest.mark.parametrize("page", REFUSED, ids=range(len(REFUSED)))
def test_a_page_that_prometheus_refuses_for_a_wanted_line_is_refused(stored: Stored, page: Page) -> None:
    assert not stored.up[place(page)]
    assert isinstance(ours(page), str)


@pytest.mark.parametrize(("page", "taken", "why"), DIFFERENCES, ids=[why for _, _, why in DIFFERENCES])
def test_where_the_two_part_is_known(stored: Stored, page: Page, taken: bool, why: str) -> None:
    assert isinstance(ours(page), dict) is taken, why
    if "2.x" not in why:
        assert stored.up[place(page)] is not taken, why


def test_generated_pages_and_lines_are_stored_as_they_are_read(stored: Stored) -> None:
    equal = refused = 0
    for page in GENERATED:
        number, read = place(page), ours(page)
        if isinstance(read, dict) and stored.up[number]:
            compare(page, read, stored.series[number])
            equal += 1
        elif isinstance(read, str) and stored.up[number]:
            assert known_strictness(page, read), (page, read)
        elif isinstance(read, dict):
            assert known_patience(page, stored.errors[number]), (page, stored.errors[number])
        else:
            refused += 1
    assert equal > 50
    assert refused > 20


def known_strictness(page: Page, why: str) -> bool:
    """Whether the page has one of the faults that only we refuse."""
    no_comma, no_blank = rb'"[ \t]*[a-zA-Z_][a-zA-Z0-9_]*[ \t]*=', rb"(?m)^[a-zA-Z0-9_:]+[^a-zA-Z0-9_:{ \t]"
    known = "a second time" in why or "or a label twice" in why or "a NUL" in why
    return known or re.search(no_comma, page.body) is not None or re.search(no_blank, page.body) is not None


def known_patience(page: Page, error: str) -> bool:
    """Whether the page has one of the features that only we take, or lines that nobody wants."""
    lines = page.body.removesuffix(b"# EOF\n").removesuffix(b"\n").split(b"\n")
    line = lines[0]
    if len(lines) > 1 or not WANTED_LINE(line):
        return True
    return line.endswith(b"\r") or "exemplars" in error or re.search(rb'[{,] *"', line) is not None or b",}" in line
