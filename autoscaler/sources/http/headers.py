"""Request headers: what is sent where the caller has nothing else to say, and what can not be sent at all. Pure."""

from collections.abc import Iterable

from autoscaler import __version__
from autoscaler.model.reason import Reason
from autoscaler.sources.http.contract import FetchFailed

DEFAULT_HEADERS = {"User-Agent": f"ens-autoscaler/{__version__}", "Accept-Encoding": "gzip"}
_ENDS = frozenset("\r\n\0")


def check_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Raises FetchFailed (UNPARSABLE) if a name or a value would be read as the beginning of another header."""
    for name, value in headers:
        if not name.isascii() or not name.isprintable() or not _ENDS.isdisjoint(name + value):
            raise FetchFailed(Reason.UNPARSABLE, f"the header {name[:40]!r} has a character that can not be sent")
