"""Sending: one HTTP request, at most once, under one deadline.

A method, a URL, signed headers and a body come in, the whole answer goes out. It tells two failures apart, because
money hangs on it: what never left this machine (Unavailable) and what may have been executed (OutcomeUnknown). It
follows no redirect, reads no proxy variable, keeps no cookie and resends no purchase.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from autoscaler.model.errors import CloudError, OutcomeUnknown, Unavailable

MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer that are read at most, after decompression."""
FAILURES = (aiohttp.ClientError, OSError, TimeoutError)
_CONNECTIONS = 100
_NEVER_SENT: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "NameNotResolved"),
    (aiohttp.ClientConnectorCertificateError, "CertificateRefused"),
    (aiohttp.ClientSSLError, "TlsFailed"),
    (TimeoutError, "ConnectTimeout"),
)
_MAYBE_DONE: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "Timeout"),
    (aiohttp.ServerDisconnectedError, "Disconnected"),
    (aiohttp.ClientPayloadError, "AnswerBroken"),
    (aiohttp.ClientResponseError, "AnswerBroken"),
)


class AnswerTooLarge(aiohttp.ClientError):
    """The answer is longer than MAX_BODY."""


class ConnectionBroke(aiohttp.ClientError):
    """The connection broke under a purchase. The library itself sends a PUT again where it sees `original`."""

    def __init__(self, original: aiohttp.ClientError) -> None:
        self.original = original
        super().__init__(str(original))


@dataclass(slots=True)
class Progress:
    """How far one call came. `sent` is set before the first byte is handed to the socket, and never taken back."""

    sent: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `headers` compare without case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Connections to both products. Opened at the first call, inside the running loop.

    Reads share kept-alive connections. A purchase gets a connection of its own: a kept-alive one may be closed by the
    server in the moment in which it is taken, and that could not be told from a lost answer.
    """

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver
        self._kept: aiohttp.ClientSession | None = None
        self._single: aiohttp.ClientSession | None = None
        self._closed = False

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, progress: Progress, *, purchase: bool
    ) -> Answer:
        """Send a request and read its answer. The caller sets the deadline.

        Raises one of FAILURES as it comes from the socket: `classify` names it.
        """
        if self._closed:
            raise aiohttp.ClientConnectionError("the client is closed")
        async with self._session(purchase).request(
            method,
            URL(url, encoded=True),
            headers=headers,
            data=body or None,
            allow_redirects=False,
            trace_request_ctx=progress,
        ) as response:
            return Answer(response.status, response.headers, await _read(response))

    async def close(self) -> None:
        """Close all connections; nothing can be sent afterwards."""
        self._closed = True
        for session in (self._kept, self._single):
            if session is not None:
                await session.close()

    def _session(self, purchase: bool) -> aiohttp.ClientSession:
        if purchase:
            self._single = self._single or self._open(force_close=True)
            return self._single
        self._kept = self._kept or self._open(force_close=False)
        return self._kept

    def _open(self, *, force_close: bool) -> aiohttp.ClientSession:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_mark_sent)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, force_close=force_close, resolver=self._resolver),
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            trace_configs=[trace],
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            # The signature covers the content type, so the library must not add one where there is no body.
            skip_auto_headers=("Content-Type",),
            middlewares=(_send_once,) if force_close else (),
        )


def classify(action: str, error: BaseException, progress: Progress) -> CloudError:
    """The CloudError for a failure of the transport. Its text is the library's, which names hosts and no headers."""
    if isinstance(error, ConnectionBroke):
        error = error.original
    table = _MAYBE_DONE if progress.sent else _NEVER_SENT
    word = next((word for kind, word in table if isinstance(error, kind)), "")
    text = (str(error) or type(error).__name__)[:300]
    if not progress.sent:
        return Unavailable(action, word or "NotConnected", text)
    if isinstance(error, AnswerTooLarge):
        word = "AnswerTooLarge"
    return OutcomeUnknown(action, word or "ConnectionLost", text)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            response.close()
            raise AnswerTooLarge(f"the answer is longer than {MAX_BODY} bytes")
    return bytes(body)


async def _send_once(
    request: aiohttp.ClientRequest, handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionBroke(error) from None


async def _mark_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    # Called when a connection is there and before the first byte goes into it: too early is safe, too late is not.
    context.trace_request_ctx.sent = True
