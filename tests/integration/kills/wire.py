"""A length of wire in front of a server: what is on its way arrives a little later, even if its sender has died.

Without it a purchase is over in a few milliseconds, and hardly any kill would fall into one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.integration.servers import free_port

DELAY = 0.01
"""Seconds that every piece takes, either way."""
_PIECE = 65_536


@asynccontextmanager
async def wire(host: str, port: int) -> AsyncIterator[int]:
    """Gives the port of loopback at whose other end `host`:`port` is."""
    under_way: set[asyncio.Task[None]] = set()

    def connected(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_join(near_in, near_out, host, port), name="wire")
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    near = free_port()
    server = await asyncio.start_server(connected, "127.0.0.1", near)
    try:
        yield near
    finally:
        server.close()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _join(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter, host: str, port: int) -> None:
    ends = [near_out]
    try:
        far_in, far_out = await asyncio.open_connection(host, port)
        ends.append(far_out)
        async with asyncio.TaskGroup() as group:
            group.create_task(_carry(near_in, far_out), name="wire: there")
            group.create_task(_carry(far_in, near_out), name="wire: back")
    finally:
        for end in ends:
            end.transport.abort()


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Until the source ends, or its connection is cut: then the target's is, too."""
    try:
        while piece := await source.read(_PIECE):
            await asyncio.sleep(DELAY)
            target.write(piece)
            await target.drain()
    except ConnectionError:
        target.transport.abort()
        return
    await asyncio.sleep(DELAY)
    with suppress(ConnectionError):
        target.close()
        await target.wait_closed()
