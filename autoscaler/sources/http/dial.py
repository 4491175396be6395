"""A new connection to a target: its name looked up, TCP connected, TLS shaken.

An origin comes in; a Connection goes out, or FetchFailed. The deadline is the caller's: it cancels.
"""

import asyncio
import ipaddress
import socket
import ssl
from typing import Any, NamedTuple

from autoscaler.model.reason import Reason
from autoscaler.sources.http.connection import Connection, TlsConnection
from autoscaler.sources.http.contract import FetchFailed
from autoscaler.sources.http.resolver import ThreadResolver

_FLIGHT = 16 * 1024
"""Bytes read at a time in a handshake."""


class Origin(NamedTuple):
    """Whom to connect to. `host` is ASCII, without brackets."""

    host: str
    port: int
    tls: bool


class _Address(NamedTuple):
    family: int
    address: tuple[Any, ...]


async def dial(
    origin: Origin, within: float, *, resolver: ThreadResolver, context: ssl.SSLContext | None, server_name: str | None
) -> Connection:
    """Connect; `within` seconds are shared among the addresses of a name, so that a dead one leaves time for the next.

    `context` is for TLS; the server must prove `server_name`, or else the origin's host. Raises FetchFailed:
    DNS_FAILED, CONNECTION_FAILED, TLS_FAILED.
    """
    connected = await _connected(await _addresses(origin, resolver), within)
    try:
        if context is None:
            return Connection(connected)
        return await _shaken(connected, context, server_name or origin.host)
    except BaseException:
        connected.close()
        raise


async def _addresses(origin: Origin, resolver: ThreadResolver) -> list[_Address]:
    try:
        literal = ipaddress.ip_address(origin.host)
    except ValueError:
        pass
    else:
        if literal.version == 4:
            return [_Address(socket.AF_INET, (origin.host, origin.port))]
        return [_Address(socket.AF_INET6, (origin.host, origin.port, 0, 0))]
    try:
        found = await resolver.resolve(origin.host, origin.port)
    except (OSError, UnicodeError) as error:
        raise FetchFailed(Reason.DNS_FAILED, f"{origin.host}: {error}") from None
    if not found:
        raise FetchFailed(Reason.DNS_FAILED, f"{origin.host}: the name has no address")
    return [_Address(one["family"], (one["host"], one["port"])) for one in found]


async def _connected(addresses: list[_Address], within: float) -> socket.socket:
    share = within / len(addresses)
    failed: OSError | None = None
    for one in addresses:
        try:
            async with asyncio.timeout(share if len(addresses) > 1 else None):
                return await _connect(one)
        except OSError as error:  # TimeoutError is one
            failed = error
    address = ", ".join(str(one.address[0]) for one in addresses)
    text = (failed.strerror if failed is not None else None) or str(failed) or "no answer"
    raise FetchFailed(Reason.CONNECTION_FAILED, f"{address} port {addresses[0].address[1]}: {text}")


async def _connect(to: _Address) -> socket.socket:
    connecting = socket.socket(to.family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connecting, to.address)
    except BaseException:
        connecting.close()
        raise
    return connecting


async def _shaken(connected: socket.socket, context: ssl.SSLContext, server_name: str) -> TlsConnection:
    loop = asyncio.get_running_loop()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        tls = context.wrap_bio(incoming, outgoing, server_hostname=server_name)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await loop.sock_sendall(connected, outgoing.read())
                flight = await loop.sock_recv(connected, _FLIGHT)
                if not flight:
                    raise ConnectionResetError("it hung up in the middle of the TLS handshake") from None
                incoming.write(flight)
        await loop.sock_sendall(connected, outgoing.read())
    except (ssl.SSLError, ValueError) as error:  # ValueError: a server name that can not be one
        await _tell(loop, connected, outgoing)
        raise FetchFailed(Reason.TLS_FAILED, str(error)) from None
    except OSError as error:
        raise FetchFailed(Reason.CONNECTION_FAILED, f"TLS handshake: {error.strerror or error}") from None
    return TlsConnection(connected, tls, incoming, outgoing)


async def _tell(loop: asyncio.AbstractEventLoop, connected: socket.socket, outgoing: ssl.MemoryBIO) -> None:
    """Send the alert that says why; whether it arrives does not matter."""
    try:
        await loop.sock_sendall(connected, outgoing.read())
    except OSError:
        return
