"""Pages of metrics, good and bad, by both paths."""

import doctest
import math
from types import ModuleType
from typing import Any

import pytest

from autoscaler.model.reason import Reason
from autoscaler.model.signals import Column
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.exposition import PageMemory, Pages, Unparsable, grammar, numbers

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OM = "application/openmetrics-text; version=1.0.0; charset=utf-8"
NOW = 1_800_000_000.0
Row = tuple[dict[str, str], float, float]


def target(*wanted: str, **config: Any) -> PageMemory:
    return Pages(frozenset(wanted or ("m",)), ScrapeConfig(job_name="edge", **config)).target()


def rows(column: Column) -> list[Row]:
    times = column.at if not isinstance(column.at, float | int) else [column.at] * len(column.values)
    return [(dict(one), value, at) for one, value, at in zip(column.series, column.values, times, strict=True)]


def read(body: bytes, content_type: str = TEXT, *wanted: str, **config: Any) -> dict[str, list[Row]]:
    """By the strict path, and by the fast one as a target's first and second page: all alike."""
    memory = target(*wanted, **config)
    pages = (
        target(*wanted, **config).read_strictly(body, content_type, NOW),
        memory.read(body, content_type, NOW),
        memory.read(bytearray(body), content_type, NOW),
        memory.read(memoryview(body), content_type, NOW),
    )
    strict, *others = [{metric: rows(column) for metric, column in page.items()} for page in pages]
    assert all(repr(other) == repr(strict) for other in others)  # NaN equals NaN here
    return strict


def refusal(body: bytes, content_type: str = TEXT, *wanted: str, **config: Any) -> Unparsable:
    """Both paths refuse it in the same words, also from a target that has stated something before."""
    with pytest.raises(Unparsable) as strict:
        target(*wanted, **config).read_strictly(body, content_type, NOW)
    memory = target(*wanted, **config)
    for _ in range(2):
        with pytest.raises(Unparsable) as fast:
            memory.read(body, content_type, NOW)
        assert (str(fast.value), fast.value.reason) == (str(strict.value), strict.value.reason)
        memory.read(b'm{a="b"} 1\n', TEXT, NOW)
    return strict.value


def one(line: str, content_type: str = TEXT, metric: str = "m") -> Row:
    body = line + ("\n# EOF\n" if content_type == OM else "\n")
    ((found,),) = read(body.encode(), content_type, metric).values()
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("m 1", ({}, 1.0, NOW)),
        ("  m\t 1 ", ({}, 1.0, NOW)),
        ("m\t1", ({}, 1.0, NOW)),
        ("m{} 1", ({}, 1.0, NOW)),
        ('m{a="b"}2', ({"a": "b"}, 2.0, NOW)),
        ('m { a = "b" , c="d", } -1.5e-3', ({"a": "b", "c": "d"}, -0.0015, NOW)),
        ('m{a="b c",d="e"} 1', ({"a": "b c", "d": "e"}, 1.0, NOW)),
        ('m{a="b c"} 1 1700000000500', ({"a": "b c"}, 1.0, 1_700_000_000.5)),
        ('m{a="",b="c"} 1', ({"b": "c"}, 1.0, NOW)),
        ("m 1 1700000000500", ({}, 1.0, 1_700_000_000.5)),
        ("m 1 -500", ({}, 1.0, -0.5)),
        ("m 1 " + "0" * 30 + "1500", ({}, 1.0, 1.5)),
        ("m +Inf", ({}, math.inf, NOW)),
        ("m -inf", ({}, -math.inf, NOW)),
        ("m Infinity", ({}, math.inf, NOW)),
        ("m 1e-999", ({}, 0.0, NOW)),
        (r'm{a="q\"b\\n\n}{,="} 1', ({"a": 'q"b\\n\n}{,='}, 1.0, NOW)),
        (r'm{a="\q"} 1', ({"a": r"\q"}, 1.0, NOW)),
        ('m{a="b=c"} 1', ({"a": "b=c"}, 1.0, NOW)),
        ('m{a="名"} 1', ({"a": "名"}, 1.0, NOW)),
        ('m{a="\v\f"} 1', ({"a": "\v\f"}, 1.0, NOW)),
        ('m{a="x\ry"} 1', ({"a": "x\ry"}, 1.0, NOW)),
        ("m 1\r", ({}, 1.0, NOW)),
        ('{"m"} 1', ({}, 1.0, NOW)),
        ('{"m",a="b"} 1', ({"a": "b"}, 1.0, NOW)),
        (' { "m" , "host.name"="b" , } 1 5000', ({"host.name": "b"}, 1.0, 5.0)),
        ('m{"a.b"="c",d="e"} 1', ({"a.b": "c", "d": "e"}, 1.0, NOW)),
        (r'm{"a\"="="b"} 1', ({'a"=': "b"}, 1.0, NOW)),
        ('m{"a="="b="} 1', ({"a=": "b="}, 1.0, NOW)),
    ],
)
def test_a_line_of_text_is_read_as_it_is_written(line: str, expected: Row) -> None:
    assert one(line) == expected


def test_nan_is_passed_on_and_not_judged() -> None:
    assert math.isnan(one("m NaN")[1])


def test_names_are_matched_as_exposed_whatever_the_type_line_says() -> None:
    body = b"# TYPE plain counter\nplain 1\n# TYPE m_total counter\nm_total 2\n# TYPE h histogram\n"
    body += b'h_bucket{le="+Inf"} 3\nh_sum 4\nh_count 5\n'
    names = ("plain", "plain_total", "m", "m_total", "h", "h_bucket", "h_count")
    assert {metric: [row[1] for row in found] for metric, found in read(body, TEXT, *names).items()} == {
        "plain": [1.0],
        "m_total": [2.0],
        "h_bucket": [3.0],
        "h_count": [5.0],
    }


def test_names_that_begin_alike_are_told_apart() -> None:
    body = b"a 1\nab 2\nabc 3\nabcd 4\n_a 5\na:b 6\na_ 7\n"
    found = read(body, TEXT, "a", "ab", "abcd")
    assert {metric: of_metric[0][1] for metric, of_metric in found.items()} == {"a": 1.0, "ab": 2.0, "abcd": 4.0}


@pytest.mark.parametrize("name", ["nan", "Inf", "INFINITY", "e5", "_", ":", "E"])
def test_a_metric_may_have_a_number_for_a_name(name: str) -> None:
    body = f'{name}{{a="b"}} {name if name.lower() in ("nan", "inf", "infinity") else 3}\n{name} 2 1000\n'
    assert [row[0] for row in read(body.encode(), TEXT, name)[name]] == [{"a": "b"}, {}]
    refusal(f'{name}{{a="b"}}\n{name} x 2\n'.encode(), TEXT, name)


def test_a_metric_with_a_name_of_any_letters_is_found_in_quotes() -> None:
    body = '{"my.metric",zone="a"} 1\nmy 2\nmy.metric 3\n{"名",a="b"} 4\n'.encode()
    assert read(body, TEXT, "my.metric", "名") == {
        "my.metric": [({"zone": "a"}, 1.0, NOW)],
        "名": [({"a": "b"}, 4.0, NOW)],
    }


def test_lines_of_a_metric_are_found_wherever_they_stand() -> None:
    body = b'm{a="1"} 1\nx 1\nm{a="2"} 2\n# TYPE y gauge\ny 1\nm 3\nm_x 1\nm{a="3"} 4 1000\n'
    assert read(body)["m"] == [({"a": "1"}, 1.0, NOW), ({"a": "2"}, 2.0, NOW), ({}, 3.0, NOW), ({"a": "3"}, 4.0, 1.0)]


def test_a_metric_that_is_not_on_the_page_is_absent() -> None:
    assert read(b"a 1\n# HELP m 5\n# m 6\n", TEXT, "m", "a") == {"a": [({}, 1.0, NOW)]}
    assert read(b"# HELP m no samples\n# TYPE m gauge\n") == {}
    assert read(b"# EOF\n", OM) == {}


def test_lines_that_nobody_wants_are_not_judged() -> None:
    assert list(
        read(b'x one\nx{ 1\nm 1\n1x 1\n=\nx 1\nx 1\nm\xc3\xa9trique{a="b"} 1\n'.replace(b"m\xc3", b"\xc3"))
    ) == ["m"]


def test_openmetrics_times_are_seconds_and_exemplars_are_no_times() -> None:
    assert one("m_total 3 1700000000.25", OM, "m_total")[2] == 1_700_000_000.25
    with_exemplar = 'm_bucket{le="1"} 3 # {trace_id="0#1"} 0.67 1600000000.5'
    assert one(with_exemplar, OM, "m_bucket") == ({"le": "1"}, 3.0, NOW)
    assert one("m_total 3 1700000000 # {} 1", OM, "m_total")[2] == 1_700_000_000.0
    assert one('m{a="#"} 3 17', OM) == ({"a": "#"}, 3.0, 17.0)
    assert one('m{a="b c",d="e  f"} 3 17', OM) == ({"a": "b c", "d": "e  f"}, 3.0, 17.0)
    assert one('{"m",a="b c"} 3', OM) == ({"a": "b c"}, 3.0, NOW)


def test_an_openmetrics_page_of_a_go_program_is_read() -> None:
    body = b"# TYPE a_bytes gauge\na_bytes 1\n# TYPE a_bytes counter\n# UNIT a_bytes bytes\na_bytes_total 2.0\n# EOF\n"
    assert [found[0][1] for found in read(body, OM, "a_bytes", "a_bytes_total").values()] == [1.0, 2.0]


def test_timestamps_that_are_not_honoured_are_judged_and_not_used() -> None:
    assert read(b"m 1 1000\n", honor_timestamps=False)["m"] == [({}, 1.0, NOW)]
    refusal(b"m 1 1.5\n", honor_timestamps=False)


@pytest.mark.parametrize("body", [b"", b"\n\n", b" \t\r\n"])
@pytest.mark.parametrize("content_type", [TEXT, OM])
def test_an_empty_page_has_its_own_reason(body: bytes, content_type: str) -> None:
    assert refusal(body, content_type).reason is Reason.EMPTY_PAGE


@pytest.mark.parametrize(
    "body",
    [
        b"m 1\n",
        b"m 1\n# EO",
        b"# EOF\nm 1\n",
        b"# EOF\nm 1\n# EOF\n",
        b"m 1\n# EOF\n\n",
        b"m 1 # EOF\n",
        b"m 1\n# EOF\n# EOF\n",
    ],
)
def test_an_openmetrics_page_that_is_not_whole_is_refused(body: bytes) -> None:
    assert refusal(body, OM).reason is Reason.UNPARSABLE


def test_the_end_of_an_openmetrics_page_needs_no_line_end() -> None:
    assert list(read(b"m 1\n# EOFx\n# EOF", OM)) == ["m"]
    assert list(read(b"# EOF\nm 1\n# EOF\nx 1\n", TEXT)) == ["m"]


@pytest.mark.parametrize(
    "body",
    [
        b"m\n",
        b"m \n",
        b"m\t\n",
        b"m{}\n",
        b"m}1\n",
        b"m-1\n",
        b'm"x" 1\n',
        b"m 1 2 3\n",
        b"m 1 1.5\n",
        b"m 1 +5\n",
        b"m 1 1-5\n",
        b"m 1 -\n",
        b"m 1 99999999999999999999\n",
        b"m 1 " + b"9" * 5000 + b"\n",
        b"m one\n",
        b"m 1_000\n",
        b"m 0x10\n",
        b"m +nan\n",
        b"m infinit\n",
        b"m 1e999\n",
        b"m -1e999\nm{} nan\n",
        b"m 1e\n",
        b"m .\n",
        b"m e5\n",
        b"m 1\v\n",
        b"m\v1\n",
        b"m\f1\n",
        b"m 1\f2\n",
        b"m\xa01\n".replace(b"\xa0", "\u00a0".encode()),
        "m \uff11\n".encode(),
        "mé 1\n".encode(),
        b'm{a="b} 1\n',
        b"m{a=b} 1\n",
        b'm{a="b" c="d"} 1\n',
        b'm{a="b"\n} 1\n',
        b'm{,a="b"} 1\n',
        b'm{a="b",a="c"} 1\n',
        b'm{a="b",a=""} 1\n',
        b'm{__name__="n"} 1\n',
        b'm{"__name__"="n"} 1\n',
        b'm{"a"="b",a="c"} 1\n',
        b'm{""="b"} 1\n',
        b'm{"n"} 1\n',
        b'{a="b"} 1\n',
        b'{""} 1\n',
        b'{"m"="n"} 1\n',
        b'{"m"}1 2 3\n',
        b"{} 1\n",
        b'{"x"} one\n',
        b'm{1a="b"} 1\n',
        b'm{le="1"} 5 # {trace="x"} 0.3\n',
        b"m{a}\n1\nm{b} 2\n",
        b'm{a="1"}\nm{a="2"} m{a="3"} 2\n',
        b"<!doctype html><html></html>\n",
        b'{"status": "ok"}\n',
        b"[]\n",
        b"\x1f\x8b\x08\x00\n",
        b"\xef\xbb\xbfm 1\n",
        b'x{a="\xff"} 1\n',
        b"m 1\nx\x001\n",
        b"m 1",
        b"m 1\nx 2",
        b"fine 1\nm is broken\nm 1\n",
    ],
)
def test_a_malformed_page_is_refused_whole(body: bytes) -> None:
    assert refusal(body, TEXT).reason is Reason.UNPARSABLE


@pytest.mark.parametrize(
    "line",
    [
        *(b"m 1\r", b"m NaN NaN", b"m 1 +Inf", b"m 1 1e999", b"m 1 #", b"m 1 # {} x", b"m 1 # {}1", b"m 1 # {} 1 NaN"),
        *(b"m  1", b" m 1", b"\tm 1", b"m\t1", b"m 1 ", b"m 1  5", b"m 1\t5", b"m 1 5 ", b'm{a="b"}2', b'm{a="b"}  2'),
        *(b'm {a="b"} 1', b'm{ a="b"} 1', b'm{a="b" } 1', b'm{a="b", c="d"} 1', b'm{a= "b"} 1', b'm{a="b c", c="d"} 1'),
        *(b'm 1 #{a="b"} 1', b'm 1 # {a="b", c="d"} 1', b'm 1 # {a="b"} 1 ', b'{"m", a="b"} 1', b' {"m"} 1'),
    ],
)
def test_a_malformed_openmetrics_line_is_refused(line: bytes) -> None:
    assert refusal(line + b"\n# EOF\n", OM).reason is Reason.UNPARSABLE


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"m 1\nm 1\n", TEXT),
        (b"m 1 1\nm 1 2\n# EOF\n", OM),
        (b'm{a="b"} 1\nx 1\nm{a="b",} 2\n', TEXT),
        (b'm{a="b",c="d"} 1\nm{c="d",a="b"} 1\n', TEXT),
        (b'm 1\nm{a=""} 1\n', TEXT),
        (b'm 1\n{"m"} 1\n', TEXT),
        (b'm{a="b"} 1\nm{"a"="b"} 1\n', TEXT),
        (b'm{a="b"} 1\n{"m",a="b"} 1\n', TEXT),
        (b'm{a="\\q"} 1\nm{a="\\\\q"} 1\n', TEXT),
    ],
)
def test_a_series_that_stands_twice_is_not_counted_twice(body: bytes, content_type: str) -> None:
    refused = refusal(body, content_type)
    assert refused.reason is Reason.SERIES_TWICE
    assert "second time" in str(refused)


@pytest.mark.parametrize(
    "content_type", ["", "text/html", "application/json", "text", "application/vnd.google.protobuf"]
)
def test_a_page_of_a_format_that_nobody_named_is_not_guessed_at(content_type: str) -> None:
    refused = refusal(b"m 1\n", content_type)
    assert refused.reason is Reason.UNKNOWN_FORMAT
    assert "fallback_scrape_protocol" in str(refused)
    assert read(b"m 1\n", content_type, fallback_scrape_protocol="PrometheusText0.0.4")["m"] == [({}, 1.0, NOW)]
    as_openmetrics = read(b"m 1 5\n# EOF\n", content_type, fallback_scrape_protocol="OpenMetricsText1.0.0")
    assert as_openmetrics["m"] == [({}, 1.0, 5.0)]


@pytest.mark.parametrize("content_type", ["text/plain", "TEXT/Plain;charset=iso-8859-1", " text/plain ; version=1.0.0"])
def test_the_bytes_and_not_the_parameters_say_what_a_page_of_text_is(content_type: str) -> None:
    assert list(read(b"m 1\n", content_type)) == ["m"]


def test_the_error_names_the_line_and_shows_its_beginning() -> None:
    refused = refusal(b"x\n\n# c\nm x" + b"y" * 500 + b"\n")
    assert str(refused).startswith("line 4 is malformed: 'm xyyy")
    assert len(str(refused)) < 200
    assert str(refusal(b"x 1\nm \x1b[31m\xe2\x80\xae\n")) == r"line 2 is malformed: 'm \x1b[31m\u202e'"


@pytest.fixture(params=["text", "openmetrics"])
def format_of(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    return (TEXT, b"") if request.param == "text" else (OM, b"# EOF\n")


def test_a_page_that_has_no_metadata_and_begins_with_a_sample_is_read(format_of: tuple[str, bytes]) -> None:
    content_type, end = format_of
    assert list(read(b"m 1\nx 1\n" + end, content_type)) == ["m"]


@pytest.mark.parametrize("module", [grammar, numbers])
def test_the_documented_examples_hold(module: ModuleType) -> None:
    outcome = doctest.testmod(module)
    assert (outcome.failed, outcome.attempted > 0) == (0, True)
