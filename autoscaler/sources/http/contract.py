"""What every HTTP client of the sources promises: a deadline, a bound, and a name for every failure.

A URL comes in; an answer goes out, or FetchFailed with a Reason. Proxies, cookies and .netrc of the environment are not
used, nothing that was sent (a token, a header) appears in an error, and no credential reaches another host.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from autoscaler.model.errors import AutoscalerError
from autoscaler.model.reason import Reason
from autoscaler.settings.http_client import HttpClientConfig

OK = 200
ERROR_BODY = 64 * 1024
"""Bytes kept of an answer that is no success: enough for its message."""
PLAIN = HttpClientConfig(follow_redirects=False)
"""No credentials, the system's trust, and a redirect is an answer."""
_DETAIL = 300
"""Characters kept of an error's text."""


class FetchFailed(AutoscalerError):
    """No usable answer. `reason` is the stable code, `detail` says more in at most 300 characters."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail[:_DETAIL]
        super().__init__(f"{reason}: {self.detail}")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `body` is uncompressed, and cut short if the status is no success."""

    status: int
    phrase: str
    content_type: str
    body: bytes

    @property
    def status_line(self) -> str:
        """For a human, e.g. `HTTP 503 Service Unavailable`."""
        return f"HTTP {self.status} {self.phrase}".rstrip()


class Fetcher(Protocol):
    """Asks servers. What it keeps open is released by `close`, which ends what is under way."""

    async def fetch(
        self,
        url: str,
        *,
        within: float,
        body_limit: int,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET, or POST if there is a form. `within` is seconds for everything, `body_limit` bytes uncompressed.

        Any HTTP status is an answer, but for a redirect that is followed. Raises FetchFailed:

        - CREDENTIALS_UNREADABLE: a file with credentials or certificates is missing, empty, malformed; nothing is sent
        - DNS_FAILED, CONNECTION_FAILED (refused, reset, ended early), TLS_FAILED, TIMED_OUT
        - TOO_LARGE: the uncompressed body is longer than the limit
        - UNPARSABLE: what comes is not HTTP, not the encoding that it claims, or its head has no end
        - REDIRECT_REFUSED (to another scheme, host or port), REDIRECT_LOOP (in a circle, or too many)
        """
        ...

    async def close(self) -> None:
        """Close every connection; what is under way fails."""
        ...


class Pending(Protocol):
    """A request under way."""

    def cancel(self) -> object:
        """Give it up: its connection is closed, and nobody is told of it."""
        ...


class PageFetcher(Fetcher, Protocol):
    """A fetcher that takes a wave of GETs without a task for each."""

    def start(
        self,
        url: str,
        *,
        within: float,
        body_limit: int,
        headers: Mapping[str, str],
        on_done: Callable[[Answer | FetchFailed], None],
    ) -> Pending:
        """Send a GET; `on_done` is told what `fetch` would give or raise: once, and never before this returns.

        Equal `headers` from wave to wave make the request that was built for the URL be used again.
        """
        ...
