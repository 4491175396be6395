"""One HTTP exchange with a deadline and a bound, and what every kind of failure is called.

A URL comes in; an answer goes out, or FetchFailed with a Reason. Redirects are not followed, proxies and cookies of the
environment are not used, and nothing that was sent (a token, a header) appears in an error.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import ContentEncodingError
from yarl import URL

from autoscaler import __version__
from autoscaler.model.errors import AutoscalerError
from autoscaler.model.reason import Reason

OK = 200
_ERROR_BODY = 64 * 1024
"""Bytes read of an answer that is no success: enough for its message."""
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


class Fetcher:
    """An HTTP client for one source. Opened by the first fetch; names are looked up in threads of its own.

    `lookups` bounds the threads, so that dead names delay neither each other nor anything else; `reuse` says whether
    connections are kept for the next pass.
    """

    def __init__(self, *, lookups: int, reuse: float) -> None:
        self._resolver = ThreadResolver(lookups)
        self._reuse = reuse
        self._session: aiohttp.ClientSession | None = None

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

        Any HTTP status is an answer. Raises FetchFailed: DNS_FAILED, CONNECTION_FAILED, TLS_FAILED, TIMED_OUT,
        TOO_LARGE, or UNPARSABLE if what comes is not HTTP or not the encoding that it claims.
        """
        session = self._open()
        try:
            async with (
                asyncio.timeout(within),
                session.request(
                    "GET" if form is None else "POST",
                    URL(url, encoded=True),
                    data=form,
                    headers=headers,
                    allow_redirects=False,
                ) as response,
            ):
                body = await _body(response, body_limit)
                return Answer(response.status, response.reason or "", response.headers.get("Content-Type", ""), body)
        except TimeoutError:
            raise FetchFailed(Reason.TIMED_OUT, f"no whole answer within {within:.3g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchFailed(_reason(error), str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
        await self._resolver.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = (
                aiohttp.TCPConnector(limit=0, resolver=self._resolver, keepalive_timeout=self._reuse)
                if self._reuse
                else aiohttp.TCPConnector(limit=0, resolver=self._resolver, force_close=True)
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None),  # fetch() has the only deadline
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"ens-autoscaler/{__version__}", "Accept-Encoding": "gzip"},
            )
        return self._session


class ThreadResolver(AbstractResolver):
    """Looks names up with the system's resolver, in its own threads: the loop's are few and others need them."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of a host. Raises OSError or UnicodeError if there is none."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        )
        return [
            ResolveResult(
                hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=socket.AI_NUMERICHOST
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Give the threads up; one in the middle of a lookup ends with it."""
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """At most `limit` bytes; what is longer is refused while it comes, or just cut if it is only an error's text."""
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if response.status != OK and size >= _ERROR_BODY:
            break
        if size > limit:
            raise FetchFailed(Reason.TOO_LARGE, f"the uncompressed body is larger than {limit} bytes")
    return b"".join(chunks)


def _reason(error: Exception) -> Reason:
    match error:
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch() | ssl.SSLError():
            return Reason.TLS_FAILED
        case aiohttp.ClientConnectorDNSError() | ValueError():  # a name that can not even be written for DNS
            return Reason.DNS_FAILED
        case aiohttp.ClientResponseError():
            return Reason.UNPARSABLE
        case aiohttp.ClientPayloadError() if isinstance(error.__cause__, ContentEncodingError):
            return Reason.UNPARSABLE
        case _ if isinstance(error.__cause__, ssl.SSLError):
            return Reason.TLS_FAILED
        case _:
            return Reason.CONNECTION_FAILED
