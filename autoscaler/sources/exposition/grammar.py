"""One line of a wanted metric, judged in full: bytes come in, its series, value and time go out.

Sources: Prometheus documentation, "Exposition formats"; OpenMetrics 1.0; for names in quotes
prometheus/proposals 2023-08-21 (UTF-8). In text, blanks may stand around all parts of a line; in OpenMetrics there is
one space where there has to be one. A finite number must fit a float, and a time what Prometheus can store.
"""

import re
from collections.abc import Sequence
from sys import intern
from typing import NamedTuple

from autoscaler.model.reason import Reason
from autoscaler.sources.exposition.numbers import FINITE, NUMBER, milliseconds, overflowed, seconds
from autoscaler.sources.exposition.refusal import MAX_LABELS, Unparsable

NAME = rb"[a-zA-Z_:][a-zA-Z0-9_:]*"
_QUOTED = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_QUOTED_NAME = rb'(?!"")' + _QUOTED
_LABEL_NAME = rb"(?:[a-zA-Z_][a-zA-Z0-9_]*|" + _QUOTED_NAME + rb")"


def _labels(gap: bytes) -> bytes:
    return rb"\{" + gap + rb"(?:" + _LABEL_NAME + gap + rb"=" + gap + _QUOTED + _more(gap) + rb"|\})"


def _more(gap: bytes) -> bytes:
    # Nowhere may two gaps meet: a line of blanks would take the square of its length to refuse.
    label = _LABEL_NAME + gap + rb"=" + gap + _QUOTED
    return rb"(?:" + gap + rb"," + gap + label + rb")*(?:" + gap + rb",)?" + gap + rb"\}"


def _series(gap: bytes) -> bytes:
    named_outside = NAME + rb"(?:" + gap + _labels(gap) + rb")?"
    return rb"(?P<series>" + named_outside + rb"|\{" + gap + _QUOTED_NAME + _more(gap) + rb")"


_BLANKS, _NO_BLANKS = rb"[ \t]*", rb""
# Text: a blank before the value, unless a brace has ended the series.
_TEXT_LINE = re.compile(
    _series(_BLANKS) + rb"(?:(?<=\})|[ \t])[ \t]*(?P<value>" + NUMBER + rb")(?:[ \t]+(?P<at>-?[0-9]+))?"
)
_EXEMPLAR = rb" # " + _labels(_NO_BLANKS) + rb" " + NUMBER + rb"(?: " + FINITE + rb")?"
_OPENMETRICS_LINE = re.compile(
    _series(_NO_BLANKS) + rb" (?P<value>" + NUMBER + rb")(?: (?P<at>" + FINITE + rb"))?(?:" + _EXEMPLAR + rb")?"
)
_IS_SERIES = re.compile(_series(_BLANKS)).fullmatch
IS_OPENMETRICS_SERIES = re.compile(_series(_NO_BLANKS)).fullmatch
IS_NAME = re.compile(NAME).fullmatch
_OUTER_NAME = re.compile(NAME).match
_INNER_NAME = re.compile(rb"\{[ \t]*(" + _QUOTED + rb")").match
_PAIRS = re.compile(rb"(" + _LABEL_NAME + rb")[ \t]*=[ \t]*(" + _QUOTED + rb")").findall
_ESCAPE = re.compile(r'\\([\\n"])')
_SHOWN = 80
"""Bytes of a line that an error shows."""


class Sample(NamedTuple):
    """One line: the bytes that name its series, its value, and Unix seconds if it says when."""

    key: bytes
    value: float
    at: float | None


class Malformed(Unparsable):
    """The line, or the bytes that should name a series, are not as the format has them."""


def sample_of(line: bytes, *, openmetrics: bool) -> Sample:
    """What a line says. `line` has no line end, and in text no blanks around it.

    Raises:
        Malformed: it is no sample, or its numbers do not fit.

    >>> sample_of(b'up{zone="a"} 1 1700000000500', openmetrics=False)
    Sample(key=b'up{zone="a"}', value=1.0, at=1700000000.5)
    """
    match = (_OPENMETRICS_LINE if openmetrics else _TEXT_LINE).fullmatch(line)
    if match is None:
        raise Malformed(f"is malformed: {shown(line)}")
    value, at = float(match["value"]), match["at"]
    if overflowed(match["value"], value):
        raise Malformed(f"has a value beyond what a float holds: {shown(line)}")
    if at is None:
        return Sample(match["series"], value, None)
    instants = (seconds if openmetrics else milliseconds)([at])
    if instants is None:
        raise Malformed(f"has a time beyond all times: {shown(line)}")
    return Sample(match["series"], value, instants[0])


def name_of(key: bytes) -> str:
    """The metric that a well-formed series belongs to."""
    outer = _OUTER_NAME(key)
    if outer is not None:
        return outer[0].decode()
    inner = _INNER_NAME(key)
    return "" if inner is None else _unquoted(inner[1])


def labels_of(key: bytes) -> dict[str, str]:
    """The labels of a series, without its name. A label that is empty is no label, as in Prometheus.

    Raises:
        Malformed: the bytes do not name a series, or state its name or a label twice.
        Unparsable: it has more labels than a series may have.

    >>> labels_of(b'up{zone="a", "host.name"="b", rack=""}')
    {'zone': 'a', 'host.name': 'b'}
    """
    if _IS_SERIES(key) is None:
        raise Malformed(f"names no series: {shown(key)}")
    pairs = _pairs(key)
    if len(pairs) > MAX_LABELS:
        raise Unparsable(f"has {len(pairs)} labels, more than {MAX_LABELS}: {shown(key)}", Reason.LABEL_LIMIT)
    labels = {intern(name): intern(value) for name, value in pairs}
    if len(labels) != len(pairs) or "__name__" in labels:
        raise Malformed(f"states its name or a label twice: {shown(key)}")
    return {name: value for name, value in labels.items() if value} if "" in labels.values() else labels


def _pairs(key: bytes) -> Sequence[tuple[str, str]]:
    """Names and values of labels; `key` is well-formed. Where nothing but values is in quotes, a split cuts them."""
    if not key.endswith(b"}"):
        return ()
    if b"\\" in key:
        return _any_pairs(key)
    pieces = key[key.find(b"{") + 1 : -1].decode().split('"')
    names = [piece.strip(", \t=") for piece in pieces[:-1:2]]
    return list(zip(names, pieces[1::2], strict=True)) if all(names) else _any_pairs(key)


def _any_pairs(key: bytes) -> Sequence[tuple[str, str]]:
    """The same where a name is in quotes, or anything holds a backslash."""
    inner = _INNER_NAME(key)
    written = _PAIRS(key[key.find(b"{") if inner is None else inner.end() :])
    return [(_unquoted(name), _unquoted(value)) for name, value in written]


def shown(line: bytes) -> str:
    """The beginning of a line, fit for an error."""
    return ascii(line[:_SHOWN].decode(errors="replace"))


def _unquoted(written: bytes) -> str:
    text = written.decode()
    if not text.startswith('"'):
        return text
    inner = text[1:-1]
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], inner) if "\\" in inner else inner
