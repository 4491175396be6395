"""Pages of metrics: bytes come in, the samples of the wanted metrics go out. Pure.

Both text formats are read line by line: Prometheus text 0.0.4 (documentation, "Exposition formats") and OpenMetrics
1.0. Metadata lines say nothing that is needed here, so they are passed over; every other line of the page must be
well-formed, wanted or not, for a page that is broken in one place is not to be trusted in another. Parsers that build
whole families rename counters without `_total` and refuse OpenMetrics pages of Go programs over metadata; hence none.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from autoscaler.model.errors import AutoscalerError

OPENMETRICS = "application/openmetrics-text"

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*[ \t]*=[ \t]*"[^"\\]*(?:\\.[^"\\]*)*"'
_LABELS = rf"\{{[ \t]*(?:{_LABEL}(?:[ \t]*,[ \t]*{_LABEL})*(?:[ \t]*,)?[ \t]*)?\}}"
# Nowhere may two runs of blanks meet: a page of them would take the square of its length to refuse.
_FINITE = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_NUMBER = rf"(?:{_FINITE}|[-+]?(?i:inf(?:inity)?)|(?i:nan))"
_SERIES = rf"(?P<name>{_NAME})(?:[ \t]*(?P<labels>{_LABELS})[ \t]*|[ \t]+)(?P<value>{_NUMBER})"
_EXEMPLAR = rf"[ \t]+#[ \t]+{_LABELS}[ \t]+{_NUMBER}(?:[ \t]+{_FINITE})?"

_TEXT_LINE = re.compile(rf"{_SERIES}(?:[ \t]+(?P<at>-?[0-9]+))?")
_OPENMETRICS_LINE = re.compile(rf"{_SERIES}(?:[ \t]+(?P<at>{_FINITE}))?(?:{_EXEMPLAR})?")
_LABEL_PARTS = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"([^"\\]*(?:\\.[^"\\]*)*)"')
_ESCAPE = re.compile(r'\\([\\n"])')
_MILLISECONDS = 1000.0


class Unparsable(AutoscalerError):
    """The page is no page of metrics; the message says where."""


class Exposed(NamedTuple):
    """One sample as it stands on the page. `at` is Unix seconds, None where the page gives no time."""

    metric: str
    labels: Mapping[str, str]
    value: float
    at: float | None


def parse(body: bytes, content_type: str, wanted: AbstractSet[str]) -> list[Exposed]:
    """The samples whose names, as exposed, are wanted. An empty page of text has none; OpenMetrics must say `# EOF`.

    Raises:
        Unparsable: the page is not UTF-8, has a malformed line, ends too early or states a wanted series twice.

    >>> parse(b'up{zone="a"} 1 1700000000500', "text/plain", {"up"})
    [Exposed(metric='up', labels={'zone': 'a'}, value=1.0, at=1700000000.5)]
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Unparsable(f"byte {error.start} is not UTF-8") from None
    lines = text.split("\n")
    openmetrics = content_type.partition(";")[0].strip().lower() == OPENMETRICS
    if openmetrics:
        _cut_at_eof(lines)
    shape, per_second = (_OPENMETRICS_LINE, 1.0) if openmetrics else (_TEXT_LINE, _MILLISECONDS)
    found = []
    for number, raw in enumerate(lines, 1):
        line = raw.strip(" \t\r")
        if line.startswith("#") or (not line and not openmetrics):
            continue
        match = shape.fullmatch(line)
        if match is None:
            raise Unparsable(f"line {number} is malformed: {line[:80]!r}")
        if match["name"] in wanted:
            at = None if match["at"] is None else float(match["at"]) / per_second
            found.append(Exposed(match["name"], _labels(match["labels"], number), float(match["value"]), at))
    _refuse_duplicates(found)
    return found


def _cut_at_eof(lines: list[str]) -> None:
    """Take `# EOF`, which only a whole page has, off the end."""
    if lines[-1] == "":
        lines.pop()
    if not lines or lines.pop().rstrip("\r") != "# EOF":
        raise Unparsable("the page does not end with # EOF")
    if "# EOF" in lines:
        raise Unparsable("the page goes on after # EOF")


def _labels(block: str | None, line: int) -> dict[str, str]:
    pairs = _LABEL_PARTS.findall(block or "")
    labels = {name: _unescaped(value) for name, value in pairs}
    if len(labels) != len(pairs) or "__name__" in labels:
        raise Unparsable(f"line {line} states its name or a label twice")
    return labels


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], value) if "\\" in value else value


def _refuse_duplicates(samples: list[Exposed]) -> None:
    """A series that stands twice would be counted twice."""
    seen = set()
    for sample in samples:
        series = (sample.metric, frozenset(sample.labels.items()))
        if series in seen:
            raise Unparsable(f"a series of {sample.metric} stands on the page twice")
        seen.add(series)
