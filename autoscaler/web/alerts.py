"""Where Alertmanager posts its notifications: POST /api/v1/alerts/{receiver}, the one page that reads a body.

A request comes in; who sends it is proven before a byte of the body is read, and 200 goes out once the receiver's inbox
has taken the notification. What a notification means is the inbox's business. Answers follow Alertmanager's retries: it
sends again after 5xx, and gives up (and says so in its log and metrics) after 4xx.
"""

import asyncio
import hmac
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from autoscaler.settings.alertmanager import AlertReceiver, is_token
from autoscaler.web.pages import error_response, json_response

POSTS = "autoscaler_alert_posts_total"
"""Posts to the alert page by receiver (empty: none of that name) and outcome."""
READ_WITHIN = 10.0
"""Seconds for a whole body."""
AT_A_TIME = 4
"""Bodies that are read and taken at a time; the others wait."""


class AlertInbox(Protocol):
    """Takes what an Alertmanager posts to one receiver."""

    async def take(self, body: bytes) -> None:
        """Take a notification. Raises ValueError that says what is wrong with it."""
        ...


class _Refused(Exception):
    """The answer to a post that is not taken; `outcome` is its label in the metric."""

    def __init__(self, status: int, outcome: str, message: str) -> None:
        self.status = status
        self.outcome = outcome
        super().__init__(message)


class AlertPage:
    """The page over its receivers, each with its inbox. Counts posts in `registry`."""

    def __init__(self, inboxes: Iterable[tuple[AlertReceiver, AlertInbox]], registry: CollectorRegistry) -> None:
        self._inboxes: Mapping[str, tuple[AlertReceiver, AlertInbox]] = {one[0].name: one for one in inboxes}
        self._room = asyncio.Semaphore(AT_A_TIME)
        self._posts = Counter(
            POSTS,
            "Notifications posted by Alertmanager, by what came of them.",
            ("receiver", "outcome"),
            registry=registry,
        )
        for receiver in self._inboxes:
            self._posts.labels(receiver, "taken")

    def routes(self) -> list[web.RouteDef]:
        """The path and its page."""
        return [web.post("/api/v1/alerts/{receiver}", self.post)]

    async def post(self, request: web.Request) -> web.Response:
        """Take one notification: 200, or 400, 401, 404, 408, 413, 415, 503 with what is wrong."""
        name = request.match_info["receiver"]
        try:
            receiver, inbox = self._inbox(name)
            await _admit(receiver, request)
            async with self._room:
                await self._take(receiver, inbox, request)
        except _Refused as refused:
            self._posts.labels(name if name in self._inboxes else "", refused.outcome).inc()
            return _refusal(refused)
        self._posts.labels(name, "taken").inc()
        return json_response({"status": "taken"})

    def _inbox(self, name: str) -> tuple[AlertReceiver, AlertInbox]:
        if name not in self._inboxes:
            why = f"no alert receiver {name!r}: see `alertmanager` in autoscaler.yaml"
            raise _Refused(404, "unknown_receiver", why)
        return self._inboxes[name]

    @staticmethod
    async def _take(receiver: AlertReceiver, inbox: AlertInbox, request: web.Request) -> None:
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise _Refused(415, "malformed", "the body is compressed, which is not taken")
        try:
            async with asyncio.timeout(READ_WITHIN):
                body = await _body(request, receiver.body_size_limit)
        except TimeoutError:
            raise _Refused(408, "too_slow", f"the body did not come within {READ_WITHIN:g} s") from None
        except (web.RequestPayloadError, ConnectionError):
            raise _Refused(400, "malformed", "the body broke off") from None
        try:
            await inbox.take(body)
        except ValueError as error:
            raise _Refused(400, "malformed", str(error)) from None


async def _admit(receiver: AlertReceiver, request: web.Request) -> None:
    """Whether it is the receiver's Alertmanager that asks. Raises _Refused."""
    if not receiver.has_token:
        if not (request.transport and request.transport.get_extra_info("peercert")):
            raise _Refused(401, "unauthorized", "a client certificate is needed")
        return
    token = await asyncio.to_thread(_token, receiver)
    shown = request.headers.get("Authorization", "").encode(errors="surrogateescape")
    if not hmac.compare_digest(shown, b"Bearer " + token.encode()):
        raise _Refused(401, "unauthorized", "the receiver's bearer token is needed")


def _token(receiver: AlertReceiver) -> str:
    """Blocking: read anew each time, since tokens are rotated."""
    if receiver.bearer_token is not None:
        return receiver.bearer_token.get_secret_value()
    assert receiver.bearer_token_file is not None  # noqa: S101  # AlertReceiver.has_token
    try:
        token = receiver.bearer_token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        token, why = "", type(error).__name__
    else:
        why = "it holds no token"
    if not is_token(token):
        log = structlog.get_logger("autoscaler.web")
        log.error(
            "alerts are refused", receiver=receiver.name, bearer_token_file=str(receiver.bearer_token_file), why=why
        )
        raise _Refused(503, "token_unreadable", "the receiver's token can not be read; the daemon's log says why")
    return token


async def _body(request: web.Request, limit: int) -> bytes:
    """At most `limit` bytes; what is longer is refused before it is there."""
    chunks, size = [], request.content_length or 0
    if size <= limit:
        size = 0
        async for chunk in request.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                break
    if size > limit:
        raise _Refused(413, "too_large", f"a notification may have {limit} bytes; lower max_alerts in Alertmanager")
    return b"".join(chunks)


def _refusal(refused: _Refused) -> web.Response:
    response = error_response(refused.status, str(refused))
    if refused.outcome == "unauthorized":
        response.headers["WWW-Authenticate"] = "Bearer"
    response.force_close()  # what is left of the body is not waited for
    return response
