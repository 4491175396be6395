"""A page as a whole: what a target answered comes in, a page that is worth reading goes out.

Judged here is what holds for both paths: the format, UTF-8, the first byte, the end, the number of lines and samples.
"""

import re
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from autoscaler.model.reason import Reason
from autoscaler.sources.exposition.refusal import MAX_LINES, Unparsable

TEXT = "text/plain"
OPENMETRICS = "application/openmetrics-text"
EOF = b"# EOF"

_STRIDE = 64 * 1024
_FIRST = re.compile(rb"[ \t\r\n]*([^ \t\r\n])")
_MAY_BEGIN = re.compile(rb"[a-zA-Z_:#{]").match
_SAMPLE_LINES = re.compile(rb"\n[ \t\r]*[^ \t\r\n#]")


class Page(NamedTuple):
    """A page in UTF-8. `text` has a line end in front of it, so that every line begins after one."""

    text: bytes
    openmetrics: bool


def framed(body: bytes | bytearray | memoryview, content_type: str, fallback: str | None = None) -> Page:
    """The page, if it is one. `fallback` is the media type to assume where the answer's is missing or unknown.

    Raises:
        Unparsable: the format is unknown, there is nothing on the page, or it is no whole page of text in UTF-8.
    """
    openmetrics = _media_type(content_type, fallback) == OPENMETRICS
    text = b"\n" + body
    if not text.startswith(b"\n#"):
        _refuse_other_beginnings(text)
    _refuse_binary(text)
    if openmetrics:
        if not text.endswith((b"\n# EOF\n", b"\n# EOF")):
            raise Unparsable("the page does not end with # EOF: it is cut short, or no OpenMetrics")
    elif not text.endswith(b"\n"):
        raise Unparsable("the last line does not end: the page is cut short")
    if len(text) > MAX_LINES:
        _refuse_many_lines(text)
    return Page(text, openmetrics)


def refuse_many_samples(page: Page, limit: int) -> None:
    """Raises Unparsable if the page has more samples than `limit`, wanted or not, as Prometheus counts them.

    Every line that is not blank and no comment counts as a sample, read or not.
    """
    if page.text.count(b"\n") <= limit:
        return
    if next(islice(_SAMPLE_LINES.finditer(page.text), limit, None), None) is not None:
        raise Unparsable(f"the page has more than {limit} samples (sample_limit)", Reason.SAMPLE_LIMIT)


@lru_cache(maxsize=64)
def _media_type(content_type: str, fallback: str | None) -> str:
    """As Prometheus 3 chooses: a page whose format nobody has named is not guessed at."""
    named = content_type.partition(";")[0].strip().lower()
    if named in (TEXT, OPENMETRICS):
        return named
    if fallback is None:
        known = f"write {TEXT} or {OPENMETRICS}, or set fallback_scrape_protocol"
        raise Unparsable(f"the page's Content-Type is {content_type[:80]!r}: {known}", Reason.UNKNOWN_FORMAT)
    return fallback


def _refuse_other_beginnings(text: bytes) -> None:
    first = _FIRST.match(text)
    if first is None:
        raise Unparsable("the page is empty", Reason.EMPTY_PAGE)
    if not _MAY_BEGIN(first[1]):
        raise Unparsable(f"the page begins with {first[1]!r}, which no page of metrics does")


def _refuse_binary(text: bytes) -> None:
    if b"\0" in text:
        raise Unparsable(f"byte {text.index(0) - 1} is a NUL")
    if text.isascii():
        return
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise Unparsable(f"byte {error.start - 1} is not UTF-8") from None


def _refuse_many_lines(text: bytes) -> None:
    lines = 0
    for start in range(0, len(text), _STRIDE):
        lines += text.count(b"\n", start, start + _STRIDE)
        if lines > MAX_LINES:
            raise Unparsable(f"the page has more than {MAX_LINES} lines", Reason.TOO_LARGE)
