"""Pages that want to hurt: each meets a limit, has a reason, and costs little."""

import re
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from autoscaler.model.reason import Reason
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.exposition import PageMemory, Pages, Unparsable
from autoscaler.sources.exposition.refusal import MAX_LABELS, MAX_LINE, MAX_LINES, MAX_WANTED

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OM = "application/openmetrics-text; version=1.0.0; charset=utf-8"
BLANKS = " " * (MAX_LINE // 3)
MIB = 1024 * 1024
QUICK = 3.0
"""Seconds on a busy machine. What is bounded takes a fraction of one, what is quadratic half a minute and more."""


def target(labels: dict[str, str] | None = None, **config: Any) -> PageMemory:
    return Pages(frozenset(("m",)), ScrapeConfig(job_name="edge", **config)).target(labels)


def refused(memory: PageMemory, body: bytes, content_type: str = TEXT) -> Unparsable:
    """Both paths, each within its time."""
    found = []
    for path in (memory.read, memory.read_strictly):
        began = time.process_time()
        with pytest.raises(Unparsable) as error:
            path(body, content_type, 0.0)
        assert time.process_time() - began < QUICK
        found.append(error.value)
    assert (str(found[0]), found[0].reason) == (str(found[1]), found[1].reason)
    return found[0]


@pytest.mark.parametrize(
    "line",
    [
        f"m{BLANKS}x",
        f"m{{{BLANKS}x",
        f'm{{a="b"{BLANKS}x',
        f'm{{a="b"{BLANKS},{BLANKS}x',
        f'm{{a{BLANKS}={BLANKS}"b"x',
        f'm{{a="b"}}{BLANKS}x',
        f"m 1{BLANKS}x",
        f"m 1 2{BLANKS}x",
        f'm 1 # {{a="b"{BLANKS}x',
        f'{{"m"{BLANKS},{BLANKS}x',
        f"{{{BLANKS}x",
        "m{" + 'a = "b" , ' * 6_000 + "x",
        'm{a="' + r"\\" * 30_000,
        "m " + "1" * 60_000 + "x",
        "m 1 " + "1" * 60_000,
        "m" * 60_000 + "{",
    ],
    ids=range(16),
)
@pytest.mark.parametrize("content_type", [TEXT, OM])
def test_a_line_made_to_be_slow_is_refused_fast(line: str, content_type: str) -> None:
    body = (line + "\nm x\n# EOF\n").encode()
    assert refused(target(), body, content_type).reason is Reason.UNPARSABLE


@pytest.mark.parametrize(
    "line",
    [b"m" + b" " * 10 * MIB + b"1", b'm{a="' + b"x" * 10 * MIB + b'"} 1', b"m 1" + b"0" * 10 * MIB, b"{" * 10 * MIB],
    ids=range(4),
)
def test_a_wanted_line_of_ten_megabytes_is_refused(line: bytes) -> None:
    error = refused(target(), b"x 1\n" + line + b"\n")
    assert error.reason is Reason.TOO_LARGE
    assert f"line 2 is longer than {MAX_LINE} bytes" in str(error)
    assert len(str(error)) < 200


def test_the_longest_line_is_taken_and_one_byte_more_is_not() -> None:
    longest = b'm{a="' + b"x" * (MAX_LINE - 9) + b'"} 1'
    memory = target()
    assert list(memory.read(longest + b"\n", TEXT, 0.0)) == ["m"]
    assert refused(memory, longest.replace(b"} 1", b"}  1") + b"\n").reason is Reason.TOO_LARGE
    short = b'm{a="1"} 1\nm{a="2"} 1\n'
    assert refused(memory, short.replace(b"} 1\n", b"}" + b" " * MAX_LINE + b"1\n", 1)).reason is Reason.TOO_LARGE


def test_an_unwanted_line_of_ten_megabytes_is_passed_over() -> None:
    began = time.process_time()
    assert list(target().read(b"mm{" + b"x" * 10 * MIB + b"\nm 1\n", TEXT, 0.0)) == ["m"]
    assert time.process_time() - began < QUICK


@pytest.mark.parametrize("labels", [MAX_LABELS + 1, 5_000])
def test_a_series_of_very_many_labels_is_refused(labels: int) -> None:
    body = "m{" + ",".join(f'l{number}="x"' for number in range(labels)) + "} 1\n"
    error = refused(target(), body.encode())
    assert error.reason is Reason.LABEL_LIMIT
    assert f"has {labels} labels, more than {MAX_LABELS}" in str(error)


def test_a_series_of_many_labels_is_taken() -> None:
    body = "m{" + ",".join(f'l{number}="x"' for number in range(MAX_LABELS)) + "} 1\n"
    assert len(target().read(body.encode(), TEXT, 0.0)["m"].series[0]) == MAX_LABELS


@pytest.mark.parametrize("line", [b"", b"\t", b"x", b"#", b"# EOF", b"mm", b"m:"])
def test_a_page_of_very_many_lines_is_refused(line: bytes) -> None:
    error = refused(target(), (line + b"\n") * (MAX_LINES + 1) + b"x\n")
    assert error.reason is Reason.TOO_LARGE
    assert f"more than {MAX_LINES} lines" in str(error)


@pytest.mark.parametrize("make", [lambda number: f'm{{a="{number}"}} 1\n', lambda number: f'{{"x",a="{number}"}} 1\n'])
def test_very_many_wanted_lines_are_refused(make: Callable[[int], str]) -> None:
    memory = target()
    body = "".join(map(make, range(MAX_WANTED + 1))).encode()
    assert refused(memory, body).reason is Reason.SAMPLE_LIMIT
    memory.read(body[: body.rfind(b"\n", 0, -1) + 1], TEXT, 0.0)


@pytest.mark.parametrize(
    "body",
    [
        b"\n{" * 2 * MIB + b"\n",
        b"m 1\n" * MIB,
        b"\n " * 2 * MIB + b"\n",
        b"# EOF\n" * MIB,
        b"m\n" * 2 * MIB,
        b"m 1" + b"\0" * 8 * MIB,
    ],
    ids=range(6),
)
@pytest.mark.parametrize("content_type", [TEXT, OM])
def test_no_page_takes_much_more_memory_than_its_size(body: bytes, content_type: str) -> None:
    memory = target()
    tracemalloc.start()
    try:
        with pytest.raises(Unparsable):
            memory.read(body, content_type, 0.0)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < len(body) + 64 * MIB


def test_a_sample_limit_counts_all_samples_of_the_page() -> None:
    body = b"# HELP m 1\n# TYPE m gauge\n\n \t\n  # c\nm 1\nx 1\n  y 2\n"
    assert list(target(sample_limit=3).read(body, TEXT, 0.0)) == ["m"]
    error = refused(target(sample_limit=2), body)
    assert error.reason is Reason.SAMPLE_LIMIT
    assert "more than 2 samples" in str(error)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"label_limit": 3}, r"has 4 labels, more than 3 \(label_limit\)"),
        ({"label_name_length_limit": 10}, r"label name of 11 bytes, more than 10 \(label_name_length_limit\)"),
        ({"label_value_length_limit": 5}, r"label value of 6 bytes, more than 5 \(label_value_length_limit\)"),
    ],
)
def test_a_job_s_label_limits_count_the_name_and_the_target_s_labels(config: dict[str, int], says: str) -> None:
    body = 'm{zone="名名",eleven_char="1"} 1\n'.encode()
    (key, limit), labels = *config.items(), {"job": "edge"}
    memory = target(labels, **config)
    memory.read(b"m 1\n", TEXT, 0.0)
    error = refused(memory, body)
    assert error.reason is Reason.LABEL_LIMIT
    assert re.search(says, str(error))
    assert list(target(labels, **{key: limit + 1}).read(body, TEXT, 0.0)) == ["m"]


def test_labels_of_the_same_name_count_once_where_the_page_s_win() -> None:
    body, labels = b'm{zone="a"} 1\n', {"zone": "b"}
    assert list(target(labels, label_limit=2, honor_labels=True).read(body, TEXT, 0.0)) == ["m"]
    assert refused(target(labels, label_limit=2), body).reason is Reason.LABEL_LIMIT


def test_limits_of_a_job_that_relabels_are_left_to_the_relabelling() -> None:
    rule = {"action": "labeldrop", "regex": "zone"}
    memory = target(label_limit=1, sample_limit=1, metric_relabel_configs=[rule])
    assert list(memory.read(b'm{zone="a"} 1\nx 1\n', TEXT, 0.0)) == ["m"]
