"""Where answers arrive: requests that are out, and their connections.

An exchange comes in when its request was sent; what comes of it goes out through `came`: an answer, or what was raised.
All buffers are shared for the moment of a read, so that a slow target holds only what it has sent.
"""

import asyncio
import logging
from collections.abc import Callable

from autoscaler.model.reason import Reason
from autoscaler.sources.http.answer_reader import Odd
from autoscaler.sources.http.connection import Connection, Room
from autoscaler.sources.http.contract import Answer, FetchFailed
from autoscaler.sources.http.exchange import Exchange
from autoscaler.sources.http.timers import Drain

Came = Answer | FetchFailed | Odd | OSError
_ROOM = 256 * 1024
"""Bytes read from a socket at a time: a page of an exporter, and no more than a processor's cache holds."""
_LOG = logging.getLogger(__name__)


class Reception:
    """Of one fetcher. Answers are read `drain` seconds after their requests, or as they come if it is 0."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, drain: float, came: Callable[[Exchange, Connection, Came], None]
    ) -> None:
        self._loop = loop
        self._after = drain
        self._came = came
        self._drain: Drain[Exchange] = Drain(loop, drain, self.read)
        self.room = Room(_ROOM)

    def expect(self, exchange: Exchange, connection: Connection) -> None:
        """The request is out on this connection. Who has not the time for two ticks is not made to wait for one."""
        exchange.connection = connection
        connection.reader.expect(exchange.body_limit)
        if self._after and exchange.deadline - self._loop.time() > 2 * self._after:
            self._drain.add(exchange)
        else:
            self._poll(exchange, connection)

    def read(self, exchange: Exchange) -> None:
        """Take what is there. A page that is not whole yet is read as it comes from then on."""
        connection = exchange.connection
        if connection is None:
            return
        try:
            came: Came | None = connection.answer(self.room)
        except (FetchFailed, Odd, OSError) as raised:
            came = raised
        except Exception as error:  # noqa: BLE001  # else no deadline after this one would be kept any more
            _LOG.exception("answer of %s", exchange.url)
            came = FetchFailed(Reason.UNPARSABLE, f"it met a fault of this program: {type(error).__name__}")
        if came is None:
            self._poll(exchange, connection)
        else:
            self._came(exchange, connection, came)

    def release(self, exchange: Exchange) -> Connection | None:
        """The exchange's connection, which is waited for no more."""
        connection, exchange.connection = exchange.connection, None
        if connection is not None and exchange.polled:
            exchange.polled = False
            self._loop.remove_reader(connection.fileno)
        return connection

    def close(self) -> None:
        """Read no more at the ticks."""
        self._drain.close()

    def _poll(self, exchange: Exchange, connection: Connection) -> None:
        if not exchange.polled:
            exchange.polled = True
            self._loop.add_reader(connection.fileno, self.read, exchange)
