"""What is kept of a target between two waves: its request as bytes, and its connection.

A URL and headers come in, a Line goes out. Nothing here sends.
"""

import math
from collections.abc import Mapping

from yarl import URL

from autoscaler.sources.http.connection import Connection
from autoscaler.sources.http.dial import Origin
from autoscaler.sources.http.headers import DEFAULT_HEADERS, check_headers

_FORGET = 60.0
"""Least seconds after which a target that is asked no more is forgotten."""
ODD_FOR = 600.0
"""Seconds that a target whose answer was odd is asked through the other fetcher, without trying this one first."""


class Line:
    """Of one target. `odd_until` and `idle_since` are the loop's time; `reuse`: its connection is kept."""

    __slots__ = (
        "_authorization",
        "_headers",
        "_url",
        "busy",
        "connection",
        "idle_since",
        "odd_until",
        "origin",
        "request",
        "reuse",
    )

    def __init__(self, url: str, *, now: float, reuse: bool) -> None:
        self._url = _plain(url)
        self.reuse = reuse
        self._headers: Mapping[str, str] | None = None
        self._authorization: str | None = None
        self.request = b""
        self.origin = Origin(self._url.raw_host or "", self._url.port or 0, self._url.scheme == "https")
        self.connection: Connection | None = None
        self.busy = False
        self.idle_since = now
        self.odd_until = -math.inf if self._url else math.inf

    def prepare(self, headers: Mapping[str, str], authorization: str | None) -> None:
        """Build the request, unless it is the one of last time. Raises FetchFailed (UNPARSABLE)."""
        if headers != self._headers or authorization != self._authorization:
            self.request = self._written(headers, authorization)
            self._headers, self._authorization = dict(headers), authorization

    def drop(self) -> None:
        """Close the connection, if there is one."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def take(self) -> Connection | None:
        """The connection of an earlier wave, now the caller's."""
        connection, self.connection = self.connection, None
        return connection

    def _written(self, headers: Mapping[str, str], authorization: str | None) -> bytes:
        """The request (RFC 9112, section 3); what the caller says of a header is said last, and once."""
        fields = {name.lower(): (name, value) for name, value in DEFAULT_HEADERS.items()}
        if authorization is not None:
            fields["authorization"] = ("Authorization", authorization)
        if not self.reuse:
            fields["connection"] = ("Connection", "close")
        fields["host"] = ("Host", self._url.host_port_subcomponent or "")
        fields.update((name.lower(), (name, value)) for name, value in headers.items())
        check_headers(fields.values())
        lines = [f"GET {self._url.raw_path_qs} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.values())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Lines:
    """All targets of a fetcher. An idle connection is kept for `reuse` seconds, 0 for not at all."""

    def __init__(self, reuse: float) -> None:
        self._reuse = reuse
        self._forget = max(reuse, _FORGET)
        self._known: dict[str, Line] = {}
        self._look_at = -math.inf

    def line(self, url: str, now: float) -> Line:
        """The target's line; another one, for once, while it is busy."""
        if now >= self._look_at:
            self._look_at = now + self._forget / 4
            self._drop_idle(now)
        line = self._known.get(url)
        if line is None:
            line = self._known[url] = Line(url, now=now, reuse=bool(self._reuse))
        return Line(url, now=now, reuse=False) if line.busy else line

    def close(self) -> None:
        """Close every connection."""
        for line in self._known.values():
            line.drop()

    def _drop_idle(self, now: float) -> None:
        for url, line in list(self._known.items()):
            if not line.busy and now - line.idle_since >= self._forget:
                line.drop()
                del self._known[url]


def _plain(url: str) -> URL:
    """The URL if it needs nothing of what makes names and URLs difficult, else the empty one."""
    try:
        plain = URL(url, encoded=True).with_fragment(None)
        easy = url.isascii() and url.isprintable() and " " not in url and "@" not in plain.raw_authority
        return plain if easy and plain.scheme in {"http", "https"} and plain.raw_host and plain.port else URL()
    except ValueError:
        return URL()
