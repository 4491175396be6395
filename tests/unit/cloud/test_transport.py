"""What a broken wire means: only what never left this machine may be sent again."""

import asyncio
import socket
import ssl
import struct
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from autoscaler.cloud import transport
from autoscaler.cloud.transport import Progress, classify
from autoscaler.model.errors import CloudError, OutcomeUnknown, Rejected, Throttled, Unavailable
from autoscaler.model.operation import Delta, Operation, Quantity
from tests.unit.cloud.servers import (
    OPERATION,
    PASSWORD,
    PURCHASES,
    SECRET,
    TOKEN,
    NoNames,
    answer,
    client_of,
    raw_server,
)

RECEIPT = b'{"task_id":"T-1","request_id":"R-1"}'


async def buy(
    url: str, deadline: float = 2.0, what: tuple[Operation, Quantity] = (OPERATION, Delta(1)), **more: NoNames
) -> CloudError:
    """The error of a purchase."""
    async with client_of(url, deadline, **more) as cloud:
        with pytest.raises(CloudError) as caught:
            await cloud.purchase(*what)
    return caught.value


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    with_linger_of_zero = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, with_linger_of_zero)
    writer.transport.abort()


async def break_off(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()


async def talk_nonsense(writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x15\x03\x01 nonsense\r\n\r\n")
    await writer.drain()
    writer.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def stay_silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.5)


@pytest.mark.parametrize(
    ("reply", "deadline", "word"),
    [
        (hang_up, 2.0, "Disconnected"),
        (reset, 2.0, "ConnectionLost"),
        (break_off, 2.0, "AnswerBroken"),
        (talk_nonsense, 2.0, "AnswerBroken"),
        (drip, 0.05, "Timeout"),
        (stay_silent, 0.05, "Timeout"),
    ],
)
@pytest.mark.parametrize("what", PURCHASES)
async def test_a_lost_answer_is_in_doubt_and_is_never_resent(
    what: tuple[Operation, Quantity], reply: object, deadline: float, word: str
) -> None:
    async with raw_server(reply) as server:  # type: ignore[arg-type]  # every one of them is a reply
        error = await buy(server.url, deadline, what)
    assert type(error) is OutcomeUnknown
    assert error.code == word
    assert len(server.requests) == 1
    assert server.connections == 1


async def test_a_purchase_never_rides_on_a_used_connection() -> None:
    async with raw_server(answer(200, RECEIPT)) as server, client_of(server.url) as cloud:
        await cloud.purchase(OPERATION, Delta(1))
        await cloud.purchase(OPERATION, Delta(1))
        assert server.connections == 2


async def test_reads_share_a_connection() -> None:
    async with raw_server(answer(200, b'{"nodes":[]}')) as server, client_of(server.url) as cloud:
        await cloud.nodes(OPERATION.cluster)
        await cloud.nodes(OPERATION.cluster)
        assert (server.connections, len(server.requests)) == (1, 2)


@pytest.mark.parametrize("what", PURCHASES)
async def test_a_refused_connection_never_left(what: tuple[Operation, Quantity]) -> None:
    async with raw_server(hang_up) as server:
        url = server.url
    error = await buy(url, what=what)
    assert (type(error), error.code) == (Unavailable, "NotConnected")


async def test_a_name_that_does_not_resolve_never_left() -> None:
    error = await buy("http://cs.example", resolver=NoNames())
    assert (type(error), error.code) == (Unavailable, "NameNotResolved")


async def test_tls_to_a_plain_port_never_left() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        error = await buy(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert (type(error), error.code) == (Unavailable, "TlsFailed")


async def test_a_handshake_that_never_ends_never_left() -> None:
    async with raw_server(stay_silent) as server:
        error = await buy(server.url.replace("http", "https"), deadline=0.05)
    assert (type(error), error.code) == (Unavailable, "ConnectTimeout")
    assert server.requests == []


async def test_a_connection_that_is_never_made_never_left(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_args: object, **_kwargs: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
    error = await buy("http://127.0.0.1:9", deadline=0.05)
    assert (type(error), error.code) == (Unavailable, "ConnectTimeout")


def test_a_refused_certificate_has_a_word_of_its_own() -> None:
    key = SimpleNamespace(host="cs.example", port=443, is_ssl=True, ssl=True)
    refused = aiohttp.ClientConnectorCertificateError(cast("Any", key), ssl.SSLCertVerificationError("self-signed"))
    error = classify("ScaleOutCluster", refused, Progress())
    assert (type(error), error.code) == (Unavailable, "CertificateRefused")
    assert "cs.example" in str(error)


async def test_an_answer_that_is_too_large_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY", 1000)
    async with raw_server(answer(200, b" " * 1001)) as server:
        error = await buy(server.url)
    assert (type(error), error.code) == (OutcomeUnknown, "AnswerTooLarge")


async def test_a_redirect_is_not_followed() -> None:
    async with raw_server(answer(307, b"", "Location: /elsewhere")) as server:
        error = await buy(server.url)
        assert type(error) is OutcomeUnknown
        assert len(server.requests) == 1
        async with client_of(server.url) as cloud:
            with pytest.raises(Rejected):
                await cloud.nodes(OPERATION.cluster)


async def test_a_proxy_variable_is_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with raw_server(answer(200, RECEIPT)) as server, client_of(server.url) as cloud:
        assert (await cloud.purchase(OPERATION, Delta(1))).task == "T-1"


async def test_cancelling_passes_through() -> None:
    async with raw_server(stay_silent) as server, client_of(server.url) as cloud:
        call = asyncio.create_task(cloud.purchase(OPERATION, Delta(1)))
        await server.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_a_closed_client_sends_nothing() -> None:
    async with raw_server(answer(200, RECEIPT)) as server, client_of(server.url) as cloud:
        await cloud.purchase(OPERATION, Delta(1))
        await cloud.close()
        with pytest.raises(Unavailable):
            await cloud.purchase(OPERATION, Delta(1))
        assert len(server.requests) == 1


ECHO = (
    b'{"code":"InvalidParameter","message":"' + PASSWORD.replace('"', '\\"').encode() + b" " + SECRET.encode() + b'"}'
)


@pytest.mark.parametrize("reply", [hang_up, break_off, talk_nonsense, answer(400, ECHO), answer(200, ECHO)])
async def test_no_failure_shows_a_secret(reply: object) -> None:
    async with raw_server(reply) as server:  # type: ignore[arg-type]  # every one of them is a reply
        error: BaseException | None = await buy(server.url)
        assert TOKEN.encode() in server.requests[0]
    while error is not None:
        shown = f"{error} {error!r} {vars(error)}"
        assert not [secret for secret in (PASSWORD, SECRET, TOKEN) if secret in shown]
        error = error.__cause__ or error.__context__


async def test_a_throttled_answer_says_how_long_to_wait() -> None:
    reply = answer(429, b'{"Code":"Throttling.User"}', "X-Acs-Retry-After: 250", "X-Acs-Request-Id: R-9")
    async with raw_server(reply) as server:
        error = await buy(server.url)
    assert isinstance(error, Throttled)
    assert (error.retry_after, error.request_id) == (0.25, "R-9")
