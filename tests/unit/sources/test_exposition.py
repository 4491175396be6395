"""Pages of metrics, good and bad."""

import math
import time

import pytest

from autoscaler.sources.exposition import Exposed, Unparsable, parse

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OM = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def one(line: str, content_type: str = TEXT, metric: str = "m") -> Exposed:
    body = line + ("\n# EOF\n" if content_type == OM else "\n")
    (found,) = parse(body.encode(), content_type, {metric})
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("m 1", Exposed("m", {}, 1.0, None)),
        ("  m\t 1 ", Exposed("m", {}, 1.0, None)),
        ("m{} 1", Exposed("m", {}, 1.0, None)),
        ('m{a="b"}2', Exposed("m", {"a": "b"}, 2.0, None)),
        ('m { a = "b" , c="d", } -1.5e-3', Exposed("m", {"a": "b", "c": "d"}, -0.0015, None)),
        ("m 1 1700000000500", Exposed("m", {}, 1.0, 1_700_000_000.5)),
        ("m 1 -500", Exposed("m", {}, 1.0, -0.5)),
        ("m +Inf", Exposed("m", {}, math.inf, None)),
        ("m -Inf", Exposed("m", {}, -math.inf, None)),
        (r'm{a="q\"b\\n\n}{,="} 1', Exposed("m", {"a": 'q"b\\n\n}{,='}, 1.0, None)),
        ('m{a="名"} 1', Exposed("m", {"a": "名"}, 1.0, None)),
        ("m 1\r", Exposed("m", {}, 1.0, None)),
    ],
)
def test_a_line_of_text_is_read_as_it_is_written(line: str, expected: Exposed) -> None:
    assert one(line) == expected


def test_nan_is_passed_on_and_not_judged() -> None:
    assert math.isnan(one("m NaN").value)


def test_names_are_matched_as_exposed_whatever_the_type_line_says() -> None:
    body = b"# TYPE plain counter\nplain 1\n# TYPE m_total counter\nm_total 2\n# TYPE h histogram\n"
    body += b'h_bucket{le="+Inf"} 3\nh_sum 4\nh_count 5\n'
    names = {"plain", "plain_total", "m", "m_total", "h", "h_bucket", "h_count"}
    assert [(found.metric, found.value) for found in parse(body, TEXT, names)] == [
        ("plain", 1.0),
        ("m_total", 2.0),
        ("h_bucket", 3.0),
        ("h_count", 5.0),
    ]


def test_only_wanted_metrics_are_given() -> None:
    assert parse(b"a 1\nb 2\n", TEXT, {"b"}) == [Exposed("b", {}, 2.0, None)]


@pytest.mark.parametrize("body", [b"", b"\n\n", b"# HELP m no samples\n# TYPE m gauge\n", b"# EOF\n"])
def test_an_empty_page_of_text_has_no_samples(body: bytes) -> None:
    assert parse(body, TEXT, {"m"}) == []


def test_openmetrics_times_are_seconds_and_exemplars_are_no_times() -> None:
    assert one("m_total 3 1700000000.25", OM, "m_total").at == 1_700_000_000.25
    with_exemplar = 'm_bucket{le="1"} 3 # {trace_id="0#1"} 0.67 1600000000.5'
    assert one(with_exemplar, OM, "m_bucket") == Exposed("m_bucket", {"le": "1"}, 3.0, None)
    assert one("m_total 3 1700000000 # {} 1", OM, "m_total").at == 1_700_000_000.0


def test_an_openmetrics_page_of_a_go_program_is_read() -> None:
    body = b"# TYPE a_bytes gauge\na_bytes 1\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total 2.0\n# EOF\n"
    assert [found.value for found in parse(body, OM, {"a_bytes", "a_bytes_total"})] == [1.0, 2.0]


@pytest.mark.parametrize("body", [b"", b"m 1\n", b"m 1\n# EO", b"# EOF\nm 1\n", b"# EOF\nm 1\n# EOF\n", b"\n# EOF\n"])
def test_an_openmetrics_page_that_is_not_whole_is_refused(body: bytes) -> None:
    with pytest.raises(Unparsable):
        parse(body, OM, {"m"})


@pytest.mark.parametrize(
    "body",
    [
        b"m\n",
        b"m \n",
        b"nan\n",
        b"m 1 2 3\n",
        b"m 1 1.5\n",
        b"m one\n",
        b"m 1_000\n",
        b"m 0x10\n",
        "m \uff11\n".encode(),
        b'm{a="b} 1\n',
        b"m{a=b} 1\n",
        b'm{a="b" c="d"} 1\n',
        b'm{a="b"',
        b'm{,a="b"} 1\n',
        b'm{a="b",a="c"} 1\n',
        b'm{__name__="n"} 1\n',
        b'm{1a="b"} 1\n',
        b"1m 1\n",
        b'm{le="1"} 5 # {trace="x"} 0.3\n',
        b"<!doctype html><html></html>\n",
        b'{"status": "ok"}\n',
        b"\x1f\x8b\x08\x00\n",
        b'm{a="\xff"} 1\n',
        b"fine 1\nother is broken\nm 1\n",
    ],
)
def test_a_malformed_page_is_refused_whole(body: bytes) -> None:
    with pytest.raises(Unparsable):
        parse(body, TEXT, {"m"})


BLANKS = " " * 100_000


@pytest.mark.parametrize(
    "line",
    [
        f"m{BLANKS}x",
        f"m{{{BLANKS}x",
        f'm{{a="b"{BLANKS}x',
        f'm{{a="b"{BLANKS},{BLANKS}x',
        f'm{{a="b"}}{BLANKS}x',
        f"m 1{BLANKS}x",
        f'm 1 # {{a="b"{BLANKS}x',
        "m{" + 'a = "b" , ' * 20_000 + "x",
        'm{a="' + r"\\" * 100_000,
        "m " + "1" * 100_000 + "x",
    ],
    ids=range(10),
)
@pytest.mark.parametrize("content_type", [TEXT, OM])
def test_a_page_made_to_be_slow_is_refused_fast(line: str, content_type: str) -> None:
    began = time.process_time()
    with pytest.raises(Unparsable):
        one(line, content_type)
    assert time.process_time() - began < 2.0  # milliseconds; a quadratic reading takes half a minute


@pytest.mark.parametrize(("body", "content_type"), [(b"m 1\nm 1\n", TEXT), (b"m 1 1\nm 1 2\n# EOF\n", OM)])
def test_a_series_that_stands_twice_is_not_counted_twice(body: bytes, content_type: str) -> None:
    with pytest.raises(Unparsable, match="twice"):
        parse(body, content_type, {"m"})


def test_the_error_names_the_line() -> None:
    with pytest.raises(Unparsable, match="line 2 is malformed: 'm x'"):
        parse(b"m 1\nm x\n", TEXT, set())


def test_the_documented_example_holds() -> None:
    assert parse(b'up{zone="a"} 1 1700000000500', "text/plain", {"up"}) == [
        Exposed("up", {"zone": "a"}, 1.0, 1_700_000_000.5)
    ]
