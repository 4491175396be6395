"""The fetcher for waves of scrapes: many targets, one kept connection each, read together.

Implements contract.PageFetcher with plain sockets, answer_reader.py and connection.py. What is odd (a redirect that is
followed, a head that is not strict HTTP/1.1, a POST) is left to the fetcher built on aiohttp. One target's fault stays
with it: nothing here waits for one target.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine, Mapping
from functools import cached_property
from typing import Any

from autoscaler.model.reason import Reason
from autoscaler.settings.http_client import HttpClientConfig
from autoscaler.sources.http.aiohttp_fetcher import AiohttpFetcher
from autoscaler.sources.http.answer_reader import Odd
from autoscaler.sources.http.connection import Connection
from autoscaler.sources.http.contract import PLAIN, Answer, FetchFailed
from autoscaler.sources.http.dial import dial
from autoscaler.sources.http.exchange import Exchange
from autoscaler.sources.http.identity import Identity
from autoscaler.sources.http.lines import ODD_FOR, Lines
from autoscaler.sources.http.reception import Came, Reception
from autoscaler.sources.http.redirects import REDIRECTS
from autoscaler.sources.http.resolver import ThreadResolver
from autoscaler.sources.http.timers import Sweep

DRAIN = 0.4
"""Seconds after sending at which the answers of a wave are read; an exporter has made its page by then."""
_LOG = logging.getLogger(__name__)


class WaveFetcher:
    """An HTTP client for one source of many targets.

    `lookups` bounds the threads that look names up; `reuse` is the seconds that an idle connection is kept (a minute
    at least, or 0 for none); `config` says credentials, TLS and redirects. Answers are read `drain` seconds after the
    requests, all together, or as they come if it is 0 or the time given is less than twice as long. Two requests for
    the same URL at the same time have a connection each, of which one is kept.
    """

    def __init__(self, *, lookups: int, reuse: float, drain: float = DRAIN, config: HttpClientConfig = PLAIN) -> None:
        self._other = AiohttpFetcher(lookups=lookups, reuse=reuse, config=config)
        self._resolver = ThreadResolver(lookups)
        self._identity = Identity(config)
        self._follows = config.follow_redirects
        self._drain = drain
        self._lines = Lines(reuse)
        self._under_way: set[Exchange] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unseen: list[Exchange] = []
        self._speaks_tls = False
        self._closed = False

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
        if form is not None:
            return await self._other.fetch(url, within=within, body_limit=body_limit, headers=headers, form=form)
        done: asyncio.Future[Answer | FetchFailed] = asyncio.get_running_loop().create_future()
        exchange = self.start(url, within=within, body_limit=body_limit, headers=headers, on_done=done.set_result)
        try:
            answer = await done
        except asyncio.CancelledError:
            exchange.cancel()
            raise
        if isinstance(answer, FetchFailed):
            raise answer
        return answer

    def start(
        self,
        url: str,
        *,
        within: float,
        body_limit: int,
        headers: Mapping[str, str],
        on_done: Callable[[Answer | FetchFailed], None],
    ) -> Exchange:
        """See contract.PageFetcher; needs a running loop."""
        now = self._loop.time()
        line = self._lines.line(url, now)
        exchange = Exchange(url, line, headers, within, now + within, body_limit, on_done, self._leave)
        line.busy = True
        self._under_way.add(exchange)
        self._sweep.watch(exchange.deadline)
        if self._closed:
            self._loop.call_soon(self._finish, exchange, FetchFailed(Reason.CONNECTION_FAILED, "the fetcher is closed"))
        elif line.odd_until > now:
            self._run(exchange, self._ask_other(exchange))
        elif self._identity.due(now, tls=line.origin.tls):
            self._await_look(exchange)
        else:
            self._send(exchange)
        return exchange

    async def close(self) -> None:
        """Close every connection; what is under way fails."""
        self._closed = True
        for exchange in list(self._under_way):
            self._finish(exchange, FetchFailed(Reason.CONNECTION_FAILED, "the fetcher is closed"))
        self._lines.close()
        self._sweep.close()
        self._reception.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._other.close()
        await self._identity.close()
        await self._resolver.close()

    # Made with the first request: a fetcher may be built before its loop runs.

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    @cached_property
    def _sweep(self) -> Sweep:
        return Sweep(self._loop, self._expire)

    @cached_property
    def _reception(self) -> Reception:
        return Reception(self._loop, self._drain, self._came)

    def _run(self, exchange: Exchange, coroutine: Coroutine[Any, Any, None]) -> None:
        exchange.task = task = self._loop.create_task(coroutine, name=f"fetch {exchange.url}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _await_look(self, exchange: Exchange) -> None:
        self._speaks_tls = self._speaks_tls or exchange.line.origin.tls
        self._unseen.append(exchange)
        if len(self._unseen) == 1:
            looking = self._loop.create_task(self._look(), name="look at credentials")
            self._tasks.add(looking)
            looking.add_done_callback(self._tasks.discard)

    async def _look(self) -> None:
        """One look for all requests that wait for it."""
        tls = None
        while tls is not self._speaks_tls:
            tls = self._speaks_tls
            await self._identity.look(tls=tls)
        unseen, self._unseen = self._unseen, []
        for exchange in unseen:
            if not exchange.done:
                self._send(exchange)

    async def _ask_other(self, exchange: Exchange) -> None:
        done: Answer | FetchFailed
        try:
            done = await self._other.fetch(
                exchange.url,
                within=exchange.deadline - self._loop.time(),
                body_limit=exchange.body_limit,
                headers=exchange.headers,
            )
        except FetchFailed as failed:
            done = exchange.late() if failed.reason is Reason.TIMED_OUT else failed
        self._finish(exchange, done)

    def _hand_over(self, exchange: Exchange) -> None:
        self._hang_up(exchange)
        exchange.line.odd_until = self._loop.time() + ODD_FOR
        self._run(exchange, self._ask_other(exchange))

    def _send(self, exchange: Exchange) -> None:
        line = exchange.line
        try:
            line.prepare(exchange.headers, self._identity.authorization())
            context = self._identity.context() if line.origin.tls else None
        except FetchFailed as failed:
            self._loop.call_soon(self._finish, exchange, failed)
            return
        connection = line.take()
        if connection is not None:
            idle = connection.context is context and connection.is_idle(self._reception.room)
            if idle and connection.send(line.request):
                exchange.kept = True
                self._reception.expect(exchange, connection)
                return
            connection.close()
        self._run(exchange, self._dial(exchange, context))

    async def _dial(self, exchange: Exchange, context: ssl.SSLContext | None) -> None:
        left = exchange.deadline - self._loop.time()
        server_name = self._identity.server_name
        try:
            connection = await dial(
                exchange.line.origin, left, resolver=self._resolver, context=context, server_name=server_name
            )
        except FetchFailed as failed:
            self._finish(exchange, failed)
            return
        if connection.send(exchange.line.request):
            self._reception.expect(exchange, connection)
        else:
            connection.close()
            self._hand_over(exchange)

    def _came(self, exchange: Exchange, connection: Connection, came: Came) -> None:
        redirected = isinstance(came, Answer) and self._follows and came.status in REDIRECTS
        if redirected or isinstance(came, Odd):
            self._hand_over(exchange)
        elif isinstance(came, Answer):
            self._finish(exchange, came, keep=connection.reader.reusable and not connection.ended)
        elif isinstance(came, FetchFailed):
            self._finish(exchange, came)
        elif exchange.kept and not connection.reader.begun:
            # A kept connection may have died while it idled: then a GET is safe to send again, once.
            exchange.kept = False
            self._hang_up(exchange)
            self._run(exchange, self._dial(exchange, connection.context))
        else:
            reason = Reason.TLS_FAILED if isinstance(came, ssl.SSLError) else Reason.CONNECTION_FAILED
            self._finish(exchange, FetchFailed(reason, came.strerror or str(came)))

    def _finish(self, exchange: Exchange, done: Answer | FetchFailed, *, keep: bool = False) -> None:
        if exchange.done:
            return
        if keep and exchange.line.reuse:
            exchange.line.connection = self._reception.release(exchange)
        self._leave(exchange)
        try:
            exchange.on_done(done)
        except Exception:  # noqa: BLE001  # what trips over one answer must not keep the others of its wave from being read
            _LOG.exception("answer of %s", exchange.url)

    def _leave(self, exchange: Exchange) -> None:
        if exchange.done:
            return
        exchange.done = True
        self._hang_up(exchange)
        self._under_way.discard(exchange)
        exchange.line.busy = False
        exchange.line.idle_since = self._loop.time()
        if exchange.task is not None and exchange.task is not asyncio.current_task():
            exchange.task.cancel()

    def _hang_up(self, exchange: Exchange) -> None:
        connection = self._reception.release(exchange)
        if connection is not None:
            connection.close()

    def _expire(self, now: float) -> float | None:
        for exchange in [one for one in self._under_way if one.deadline <= now]:
            if not exchange.polled:  # what waits in the kernel came in time
                self._reception.read(exchange)
            self._finish(exchange, exchange.late())
        return min((one.deadline for one in self._under_way), default=None)
