"""The fetcher built on aiohttp: the default, and the one for anything odd.

Implements contract.PageFetcher. Redirects are followed by redirects.py and bodies inflated by inflate.py, so that both
fetchers do the same; the deadline of `fetch` is the only one.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import aiohttp
from yarl import URL

from autoscaler.model.reason import Reason
from autoscaler.settings.http_client import HttpClientConfig
from autoscaler.sources.http.contract import ERROR_BODY, OK, PLAIN, Answer, FetchFailed
from autoscaler.sources.http.headers import DEFAULT_HEADERS, check_headers
from autoscaler.sources.http.identity import Identity
from autoscaler.sources.http.inflate import decoded, too_large, wire_limit
from autoscaler.sources.http.redirects import REDIRECTS, SAME_METHOD, next_hop
from autoscaler.sources.http.resolver import ThreadResolver


class _Asked(aiohttp.ClientRequest):
    """A request that takes no bytes for its answer that came before it was sent."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        # aiohttp keeps what comes on an idle connection and reads the next answer from it: one that is late by a wave.
        if conn.protocol is not None and conn.protocol.should_close:
            raise aiohttp.ServerDisconnectedError("it sent something before it was asked")
        return await super().send(conn)


class AiohttpFetcher:
    """An HTTP client for one source. Opened by the first fetch; names are looked up in threads of its own.

    `lookups` bounds the threads, so that dead names delay neither each other nor anything else; `reuse` is the seconds
    that an idle connection is kept for the next pass, 0 for not at all. `config` says credentials, TLS and redirects.
    """

    def __init__(self, *, lookups: int, reuse: float, config: HttpClientConfig = PLAIN) -> None:
        self._resolver = ThreadResolver(lookups)
        self._reuse = reuse
        self._identity = Identity(config)
        self._follows = config.follow_redirects
        self._session: aiohttp.ClientSession | None = None
        self._started: set[asyncio.Task[None]] = set()

    async def fetch(
        self,
        url: str,
        *,
        within: float,
        body_limit: int,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """See contract.Fetcher."""
        check_headers(headers.items())
        try:
            address = URL(url, encoded=True)
            async with asyncio.timeout(within):
                await self._identity.look(tls=address.scheme == "https")
                return await self._follow(address, body_limit, self._identity.authorized(headers), form)
        except TimeoutError:
            raise FetchFailed(Reason.TIMED_OUT, f"no whole answer within {within:.3g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchFailed(_reason(error), str(error) or type(error).__name__) from error

    def start(
        self,
        url: str,
        *,
        within: float,
        body_limit: int,
        headers: Mapping[str, str],
        on_done: Callable[[Answer | FetchFailed], None],
    ) -> asyncio.Task[None]:
        """See contract.PageFetcher; here with a task for each."""

        async def ask() -> None:
            try:
                done: Answer | FetchFailed = await self.fetch(
                    url, within=within, body_limit=body_limit, headers=headers
                )
            except FetchFailed as failed:
                done = failed
            on_done(done)

        task = asyncio.create_task(ask(), name=f"fetch {url}")
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        return task

    async def close(self) -> None:
        """Close every connection; what was started is cancelled."""
        for task in self._started:
            task.cancel()
        await asyncio.gather(*self._started, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        await self._identity.close()
        await self._resolver.close()

    async def _follow(
        self, url: URL, body_limit: int, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> Answer:
        seen = [url]
        while True:
            answer, location = await self._exchange(seen[-1], body_limit, headers, form)
            again = answer.status in (REDIRECTS if form is None else SAME_METHOD)
            if not (self._follows and again and location):
                return answer
            seen.append(next_hop(seen, location))

    async def _exchange(
        self, url: URL, body_limit: int, headers: Mapping[str, str], form: Mapping[str, str] | None
    ) -> tuple[Answer, str | None]:
        async with self._open().request(
            "GET" if form is None else "POST",
            url,
            data=form,
            headers=headers,
            allow_redirects=False,
            ssl=self._identity.context() if url.scheme == "https" else True,
            server_hostname=self._identity.server_name if url.scheme == "https" else None,
        ) as response:
            with _ending(response):
                body = await _body(response, body_limit)
            content_type = response.headers.get("Content-Type", "")
            answer = Answer(response.status, _ascii(response.reason or ""), _ascii(content_type), body)
            return answer, response.headers.get("Location")

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
                headers=DEFAULT_HEADERS,
                auto_decompress=False,
                request_class=_Asked,
            )
        return self._session


@contextmanager
def _ending(response: aiohttp.ClientResponse) -> Iterator[None]:
    """See to it that a body ends with its connection: after a fault in its framing aiohttp waits for more of it."""
    connection, content = response.connection, response.content
    protocol = None if connection is None else connection.protocol
    closed = None if protocol is None else protocol.closed
    if protocol is None or closed is None:
        yield
        return

    def end(_closed: asyncio.Future[None]) -> None:
        if not content.is_eof() and content.exception() is None:
            content.set_exception(FetchFailed(Reason.UNPARSABLE, f"the body is broken: {protocol.exception()}"))

    closed.add_done_callback(end)
    try:
        yield
    finally:
        closed.remove_done_callback(end)


def _ascii(text: str) -> str:
    """What was sent, without the lone surrogates that aiohttp makes of odd bytes: no log and no page can hold them."""
    return text.encode("utf-8", "surrogateescape").decode("ascii", "replace")


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The uncompressed body; what is longer is refused while it comes, or just cut if it is only an error's text."""
    transfer = ", ".join(response.headers.getall("Transfer-Encoding", ())).strip().lower()
    if transfer not in {"", "chunked"}:
        raise FetchFailed(Reason.UNPARSABLE, f"Transfer-Encoding {transfer[:40]!r} is unknown; chunked or none is not")
    coding = ", ".join(response.headers.getall("Content-Encoding", ())).strip().lower()
    chunks, size, longest = [], 0, wire_limit(coding, limit)
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if response.status != OK and size >= ERROR_BODY:
            break
        if size > longest:
            raise too_large(limit)
    return decoded(b"".join(chunks), coding, limit, response.status)


def _reason(error: Exception) -> Reason:
    match error:
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch() | ssl.SSLError():
            return Reason.TLS_FAILED
        case aiohttp.ClientConnectorDNSError() | ValueError():  # a name that can not even be written for DNS
            return Reason.DNS_FAILED
        case aiohttp.ClientResponseError():
            return Reason.UNPARSABLE
        case _ if isinstance(error.__cause__, ssl.SSLError):
            return Reason.TLS_FAILED
        case _:
            return Reason.CONNECTION_FAILED
