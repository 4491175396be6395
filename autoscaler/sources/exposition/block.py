"""All wanted lines of a page at once: a block of them comes in, what they say goes out, or None: "not sure".

Each line has a line end in front of it and begins with its metric's name and a brace or a blank. None is taken that the
strict path would not take, but for its key: whoever takes the keys finds out whether each of them names a series.
"""

from collections.abc import Sequence
from typing import NamedTuple

from autoscaler.sources.exposition.grammar import IS_OPENMETRICS_SERIES, Malformed, Sample, sample_of
from autoscaler.sources.exposition.numbers import milliseconds, numbers, seconds
from autoscaler.sources.exposition.refusal import MAX_LINE
from autoscaler.sources.exposition.shape import Shape, Span

_WITHOUT_TIME, _WITH_TIME = 2, 3
"""Tokens of a line."""


class Statement(NamedTuple):
    """What a page says of the wanted metrics: a key, a value and a time for each line, metric by metric.

    `spans` say which are of which metric; within one they are in the order of the page. `times` (Unix seconds) is
    None if no line says when.
    """

    spans: Sequence[Span]
    keys: tuple[bytes, ...]
    values: list[float]
    times: Sequence[float | None] | None


def statement_of(shape: Shape, block: bytes, *, openmetrics: bool) -> Statement | None:
    """What the lines say; None where only the strict path can tell."""
    if not shape.lines:
        return Statement((), (), [], None)
    # `split` takes these for blanks, and the formats do not.
    if b"\v" in block or b"\f" in block:
        return None
    if len(block) > MAX_LINE and max(map(len, block.split(b"\n"))) > MAX_LINE:
        return None
    whole = _by_tokens(shape.spans, block, shape.lines, openmetrics=openmetrics) if shape.splits else None
    return whole or _by_lines(shape, block, openmetrics=openmetrics)


def _by_tokens(spans: Sequence[Span], block: bytes, lines: int, *, openmetrics: bool) -> Statement | None:
    """All lines cut by one `split`: right where each is a key without blanks, a value and perhaps a time.

    Why nothing can shift: each of the n lines begins with a token that begins with a name, which is no number (names
    that are do not get here). If all tokens but every second (third) one are numbers, then the n beginnings are among
    the n that are left, so they are these, and every line has two (three) tokens.
    """
    tokens = block.split()
    stride, over = divmod(len(tokens), lines)
    if over or stride not in (_WITHOUT_TIME, _WITH_TIME):
        return None
    if openmetrics and (b"\t" in block or len(block) != sum(map(len, tokens)) + len(tokens)):
        return None  # more than one blank somewhere
    values = numbers(tokens[1::stride])
    if values is None:
        return None
    if stride == _WITHOUT_TIME:
        return Statement(spans, tuple(tokens[::stride]), values, None)
    times = (seconds if openmetrics else milliseconds)(tokens[2::stride])
    return None if times is None else Statement(spans, tuple(tokens[::stride]), values, times)


def _by_lines(shape: Shape, block: bytes, *, openmetrics: bool) -> Statement | None:
    """Line by line: where labels have blanks, only some lines have a time, or there are exemplars."""
    lines = block.split(b"\n")[1:]
    if openmetrics and b"#" in block:
        return _with_exemplars(shape.spans, lines)
    keys, rests = [], []
    for metric, start, stop in shape.spans:
        name = len(metric)
        for line in lines[start:stop]:
            cut = line.rfind(b"}") + 1 or name
            keys.append(line[:cut])
            rests.append(line[cut:])
    tokens = _spaced(keys, rests) if openmetrics else [rest.split() for rest in rests]
    if tokens is None or not set(map(len, tokens)) <= {_WITHOUT_TIME - 1, _WITH_TIME - 1}:
        return None
    values = numbers([of_line[0] for of_line in tokens])
    timed = (seconds if openmetrics else milliseconds)([of_line[1] for of_line in tokens if len(of_line) > 1])
    if values is None or timed is None:
        return None
    written = iter(timed)
    times = [next(written) if len(of_line) > 1 else None for of_line in tokens] if timed else None
    return Statement(shape.spans, tuple(keys), values, times)


def _spaced(keys: Sequence[bytes], rests: Sequence[bytes]) -> list[list[bytes]] | None:
    """Values and times where one space stands before each of them, and none in a key but between quotes."""
    if not all(rest.startswith(b" ") for rest in rests):
        return None
    if not all(IS_OPENMETRICS_SERIES(key) for key in keys if b" " in key or b"\t" in key):
        return None
    return [rest.split(b" ")[1:] for rest in rests]


def _with_exemplars(spans: Sequence[Span], lines: Sequence[bytes]) -> Statement | None:
    try:
        return stated(spans, [sample_of(line, openmetrics=True) for line in lines])
    except Malformed:
        return None


def stated(spans: Sequence[Span], samples: Sequence[Sample]) -> Statement:
    """The statement that consists of these samples, which stand metric by metric."""
    times = [sample.at for sample in samples]
    return Statement(
        spans,
        tuple(sample.key for sample in samples),
        [sample.value for sample in samples],
        times if any(time is not None for time in times) else None,
    )
