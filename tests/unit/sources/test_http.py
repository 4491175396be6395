"""Each way in which an exchange can fail has its name."""

import asyncio
import gzip
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from autoscaler.model.reason import Reason
from autoscaler.sources.http import AiohttpFetcher, Answer, FetchFailed
from tests.unit.sources.certificates import self_signed
from tests.unit.sources.fakes import address, closed_port, page, serving

LIMIT = 1000


@asynccontextmanager
async def fetcher() -> AsyncIterator[AiohttpFetcher]:
    client = AiohttpFetcher(lookups=2, reuse=1.0)
    try:
        yield client
    finally:
        await client.close()


async def fetch(url: str, *, within: float = 5.0, form: dict[str, str] | None = None) -> Answer:
    async with fetcher() as client:
        return await client.fetch(url, within=within, body_limit=LIMIT, headers={"X-Mine": "secret"}, form=form)


async def failure(url: str, within: float = 5.0) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await fetch(url, within=within)
    assert "secret" not in caught.value.detail
    return caught.value


@asynccontextmanager
async def speaking(*sent: bytes) -> AsyncIterator[int]:
    """A server that sends these bytes to whoever connects, and hangs up; gives its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.writelines(sent)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_an_answer_comes_whole_with_our_headers_sent() -> None:
    async def echo(request: web.Request) -> web.Response:
        form = await request.post()
        return web.Response(text=f"{request.method} {request.headers['X-Mine']} {form.get('query')!r}")

    async with serving({"/a b": echo}) as server:
        url = f"http://{address(server)}/a%20b"
        assert (await fetch(url)).body == b"GET secret None"
        assert (await fetch(url, form={"query": "up & down"})).body == b"POST secret 'up & down'"


async def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failed = await failure("http://nowhere.example:9100/metrics")
    assert failed.reason is Reason.DNS_FAILED
    assert "nowhere.example" in failed.detail


@pytest.mark.parametrize("host", ["a" * 64, "a..b", "\u2024"])
async def test_a_name_that_can_not_be_written_for_dns_is_a_failure_and_no_crash(host: str) -> None:
    assert (await failure(f"http://{host}:9100/metrics")).reason is Reason.DNS_FAILED


async def test_a_port_where_nobody_listens() -> None:
    assert (await failure(f"http://127.0.0.1:{closed_port()}/metrics")).reason is Reason.CONNECTION_FAILED


async def test_a_connection_that_breaks_before_the_answer_or_in_its_middle() -> None:
    async with speaking() as port:
        assert (await failure(f"http://127.0.0.1:{port}/")).reason is Reason.CONNECTION_FAILED
    async with speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nm 1") as port:
        assert (await failure(f"http://127.0.0.1:{port}/")).reason is Reason.CONNECTION_FAILED


async def test_plain_http_where_tls_is_expected() -> None:
    async with serving({"/": page("m 1")}) as server:
        assert (await failure(f"https://{address(server)}/")).reason is Reason.TLS_FAILED


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path, "127.0.0.1"))
    server = TestServer(web.Application(), host="127.0.0.1")
    await server.start_server(ssl=context)
    try:
        failed = await failure(f"https://{address(server)}/")
    finally:
        await server.close()
    assert failed.reason is Reason.TLS_FAILED
    assert "self-signed" in failed.detail


@pytest.mark.parametrize("headers_first", [True, False])
async def test_an_answer_that_does_not_come_whole_in_time(headers_first: bool) -> None:
    released = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if headers_first:
            await response.prepare(request)
            await response.write(b"m 1\n")
        await released.wait()
        return response

    async with serving({"/": slow}) as server:
        failed = await failure(f"http://{address(server)}/", within=0.05)
        released.set()
    assert failed.reason is Reason.TIMED_OUT
    assert failed.detail == "no whole answer within 0.05 s"


async def test_a_body_of_just_the_limit_is_taken_and_one_more_byte_is_not() -> None:
    async with serving({"/": page("x" * LIMIT), "/more": page("x" * (LIMIT + 1))}) as server:
        assert len((await fetch(f"http://{address(server)}/")).body) == LIMIT
        assert (await failure(f"http://{address(server)}/more")).reason is Reason.TOO_LARGE


async def test_the_limit_holds_for_what_was_compressed() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    passed = []

    async def compressed(request: web.Request) -> web.StreamResponse:
        passed.append(request.headers["Accept-Encoding"])
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    async with serving({"/": compressed}) as server:
        assert (await failure(f"http://{address(server)}/")).reason is Reason.TOO_LARGE
    assert passed == ["gzip"]


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async def elsewhere(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/secret")

    async with serving({"/": elsewhere, "/secret": page("m 1")}) as server:
        answer = await fetch(f"http://{address(server)}/")
    assert (answer.status, answer.status_line) == (302, "HTTP 302 Found")


async def test_a_long_error_page_is_cut_and_keeps_its_status() -> None:
    async def broken(_request: web.Request) -> web.Response:
        return web.Response(status=500, body=b"x" * 10_000_000)

    async with serving({"/": broken}) as server, fetcher() as client:
        answer = await client.fetch(f"http://{address(server)}/", within=5, body_limit=20_000_000, headers={})
    assert answer.status == 500
    assert len(answer.body) < 1_000_000


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nm 1\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
    ],
)
async def test_what_is_not_http_or_not_gzip_is_unparsable(sent: bytes) -> None:
    async with speaking(sent) as port:
        assert (await failure(f"http://127.0.0.1:{port}/")).reason is Reason.UNPARSABLE


async def test_a_dead_name_does_not_hold_up_a_live_one(monkeypatch: pytest.MonkeyPatch) -> None:
    released, known = threading.Event(), socket.getaddrinfo

    def lookup(host: str, *args: int) -> object:
        if host == "dead.example":
            released.wait(5)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return known("127.0.0.1", *args)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))  # shared with file reads: must stay free
    async with serving({"/": page("m 1")}) as server, fetcher() as client:

        async def get(host: str) -> Answer:
            return await client.fetch(f"http://{host}:{server.port}/", within=1.0, body_limit=LIMIT, headers={})

        try:
            dead, live = await asyncio.gather(get("dead.example"), get("live.example"), return_exceptions=True)
        finally:
            released.set()
    assert isinstance(live, Answer)
    assert isinstance(dead, FetchFailed)
    assert dead.reason is Reason.TIMED_OUT
