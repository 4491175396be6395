"""What every implementer of contract.PageFetcher promises, against servers that say whatever they like."""

import asyncio
import datetime as dt
import gzip
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import pytest_asyncio
from isal import isal_zlib

from autoscaler.model.reason import Reason
from autoscaler.settings.http_client import HttpClientConfig, TlsConfig
from autoscaler.sources.http import (
    OK,
    PLAIN,
    AiohttpFetcher,
    Answer,
    FetchFailed,
    PageFetcher,
    WaveFetcher,
    watched,
)
from tests.unit.sources.certificates import authority, self_signed, serving_tls
from tests.unit.sources.fakes import Spoken, closed_port, refusing_tls, saying, talking

LIMIT = 100_000
DRAIN = 0.02
PAGE = "".join(f'node_load1{{n="{number}"}} {number}\n' for number in range(2_000)).encode()
CRLF = b"\r\n"
BOMB = isal_zlib.compress(b"\0" * 100_000_000, wbits=31)
FOLLOWING = HttpClientConfig()

Make = Callable[[HttpClientConfig], PageFetcher]
KINDS: Mapping[str, Make] = {
    "aiohttp": lambda config: AiohttpFetcher(lookups=2, reuse=5.0, config=config),
    "wave": lambda config: WaveFetcher(lookups=2, reuse=5.0, drain=0, config=config),
    "drained": lambda config: WaveFetcher(lookups=2, reuse=5.0, drain=DRAIN, config=config),
}


@pytest_asyncio.fixture(params=list(KINDS))
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    made: list[PageFetcher] = []

    def one(config: HttpClientConfig) -> PageFetcher:
        made.append(KINDS[request.param](config))
        return made[-1]

    yield one
    for fetcher in made:
        await fetcher.close()


@pytest.fixture
def looking_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are looked at for each request, not once a second."""
    monkeypatch.setattr(watched, "LOOK", 0.0)


@pytest.fixture
def fetcher(make: Make) -> PageFetcher:
    return make(PLAIN)


async def get(
    fetcher: PageFetcher,
    url: str,
    within: float = 5.0,
    limit: int = LIMIT,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    return await fetcher.fetch(url, within=within, body_limit=limit, headers=headers)


async def failure(fetcher: PageFetcher, url: str, within: float = 5.0, limit: int = LIMIT) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await get(fetcher, url, within, limit, {"X-Mine": "secret"})
    assert "secret" not in caught.value.detail
    assert len(caught.value.detail) <= 300
    return caught.value


def head(*headers: str, status: str = "200 OK", version: str = "HTTP/1.1") -> bytes:
    return "\r\n".join([f"{version} {status}", *headers, "", ""]).encode()


def sized(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    return head(*headers, f"Content-Length: {len(body)}", status=status) + body


def chunks(body: bytes, size: int = 2048) -> bytes:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def chunked(body: bytes, *headers: str, size: int = 2048) -> bytes:
    return head(*headers, "Transfer-Encoding: chunked") + chunks(body, size)


# Framing.


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (chunked(PAGE), PAGE),
        (chunked(PAGE, size=7), PAGE),
        (chunked(b""), b""),
        (head("Transfer-Encoding: chunked") + b"3;x=y\r\nm 1\r\n0\r\nTrailer: t\r\n\r\n", b"m 1"),
        (sized(PAGE), PAGE),
        (sized(b""), b""),
        (head("Connection: close") + PAGE, PAGE),
        (head(version="HTTP/1.0") + PAGE, PAGE),
        (head("Content-Length: 3", version="HTTP/1.0") + b"m 1", b"m 1"),
        (head(status="100 Continue") + head("Link: a", status="103 Early Hints") + sized(b"m 1"), b"m 1"),
        (chunked(gzip.compress(PAGE), "Content-Encoding: gzip"), PAGE),
        (sized(gzip.compress(PAGE), "Content-Encoding: gzip"), PAGE),
        (sized(gzip.compress(b"m 1\n") + gzip.compress(b"m 2\n"), "Content-Encoding: X-GZIP"), b"m 1\nm 2\n"),
        (head("Content-Encoding: gzip") + gzip.compress(PAGE), PAGE),
        (sized(b"m 1", "Content-Encoding: identity"), b"m 1"),
    ],
)
@pytest.mark.parametrize("cut", [None, 1, 1000])
async def test_an_answer_comes_whole_however_it_is_framed_and_cut(
    fetcher: PageFetcher, sent: bytes, expected: bytes, cut: int | None
) -> None:
    first = len(sent) - len(expected) if cut == 1 else 0
    pieces = [sent[:first], *([sent[first:]] if cut is None else _cut(sent[first:], cut))]
    async with saying(*pieces[:400], b"".join(pieces[400:])) as server:
        assert await get(fetcher, server.url) == Answer(OK, "OK", "", expected)


def _cut(sent: bytes, size: int) -> list[bytes]:
    return [sent[start : start + size] for start in range(0, len(sent), size)]


async def test_a_page_larger_than_every_buffer_comes_whole(fetcher: PageFetcher) -> None:
    page = PAGE * 50
    for sent in (chunked(page), sized(page)):
        async with saying(sent) as server:
            assert (await get(fetcher, server.url, limit=len(page))).body == page


async def test_an_answer_says_its_status_its_phrase_and_its_type(fetcher: PageFetcher) -> None:
    sent = head("content-type:  text/plain; version=0.0.4 ", "CONTENT-LENGTH: 0", status="418 I'm a teapot")
    async with saying(sent) as server:
        answer = await get(fetcher, server.url)
    assert answer == Answer(418, "I'm a teapot", "text/plain; version=0.0.4", b"")
    assert answer.status_line == "HTTP 418 I'm a teapot"


async def test_a_phrase_and_a_type_of_odd_bytes_can_be_written_anywhere(fetcher: PageFetcher) -> None:
    sent = b"HTTP/1.1 503 Caf\xe9 \xff\r\nContent-Type: text/\xfe\r\nContent-Length: 0\r\n\r\n"
    async with saying(sent) as server:
        answer = await get(fetcher, server.url)
    assert (answer.phrase, answer.content_type) == ("Caf\ufffd \ufffd", "text/\ufffd")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_a_status_without_a_body_is_whole_after_its_head(fetcher: PageFetcher, status: str) -> None:
    async with saying(head(status=status), hang_up=False) as server:
        for _ in range(2):
            assert (await get(fetcher, server.url)).status == int(status[:3])
    assert server.connections == 1


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "500 Internal Server Error", "503 Busy"])
async def test_a_status_that_is_no_success_is_an_answer_with_its_text(fetcher: PageFetcher, status: str) -> None:
    async with saying(sized(b"why", status=status)) as server:
        answer = await get(fetcher, server.url)
    assert (answer.status, answer.body) == (int(status[:3]), b"why")


@pytest.mark.parametrize("coding", ["Content-Encoding: gzip", "X-None: 0"])
async def test_a_long_or_broken_error_page_is_cut_and_keeps_its_status(fetcher: PageFetcher, coding: str) -> None:
    async with saying(sized(b"x" * 1_000_000, coding, status="500 Oops")) as server:
        answer = await get(fetcher, server.url)
    assert answer.status == 500
    assert len(answer.body) <= 70_000


async def test_our_headers_and_our_name_are_sent_with_the_path_as_it_is_written(fetcher: PageFetcher) -> None:
    async with saying(sized(b"m 1")) as server:
        await get(
            fetcher, f"{server.url}/a%20b?x=%7B1&y=2#part", headers={"X-Mine": "1", "accept-encoding": "identity"}
        )
    (request,) = server.requests
    lines = request.decode().split("\r\n")
    assert lines[0] == "GET /metrics/a%20b?x=%7B1&y=2 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "X-Mine: 1" in lines
    assert sum(line.lower() == "accept-encoding: identity" for line in lines) == 1
    assert not any("gzip" in line for line in lines)
    assert any(line.startswith("User-Agent: ens-autoscaler/") for line in lines)


async def test_a_header_that_would_begin_another_is_not_sent(fetcher: PageFetcher) -> None:
    async with saying(sized(b"m 1")) as server:
        with pytest.raises(FetchFailed) as caught:
            await get(fetcher, server.url, headers={"X-Mine": "1\r\nX-Other: secret"})
    assert caught.value.reason is Reason.UNPARSABLE
    assert "secret" not in caught.value.detail
    assert server.requests == []


# Kept connections.


async def test_a_connection_is_kept_for_the_next_request(fetcher: PageFetcher) -> None:
    async with saying(chunked(PAGE), hang_up=False) as server:
        for _ in range(3):
            assert (await get(fetcher, server.url)).body == PAGE
    assert server.connections == 1


@pytest.mark.parametrize(
    "sent",
    [
        head("Connection: close", "Content-Length: 3") + b"m 1",
        head("Content-Length: 3", version="HTTP/1.0") + b"m 1",
    ],
)
async def test_a_connection_that_is_to_be_closed_is_not_used_again(fetcher: PageFetcher, sent: bytes) -> None:
    async with saying(sent, hang_up=False) as server:
        for _ in range(2):
            assert (await get(fetcher, server.url)).body == b"m 1"
    assert server.connections == 2


async def test_a_kept_connection_that_died_is_replaced_without_anybody_noticing(fetcher: PageFetcher) -> None:
    async with saying(sized(b"m 1")) as server:
        for _ in range(3):
            assert (await get(fetcher, server.url)).body == b"m 1"
            await asyncio.sleep(0.01)  # the other side hangs up
    assert server.connections == 3


async def test_a_kept_connection_that_dies_of_the_next_request_is_replaced_once(fetcher: PageFetcher) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        if server.connections <= 2:
            writer.write(sized(b"m %d" % server.connections))
            await server.heard(reader)  # and hang up, as a server does whose patience just ended

    async with talking(talk) as server:
        assert (await get(fetcher, server.url)).body == b"m 1"
        assert (await get(fetcher, server.url)).body == b"m 2"
        assert (await failure(fetcher, server.url)).reason is Reason.CONNECTION_FAILED
    assert server.connections == 3


async def test_what_a_server_sends_beyond_its_answer_is_never_the_next_answer(fetcher: PageFetcher) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await server.heard(reader)
            writer.write(sized(b"m %d" % len(server.requests)))
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(sized(b"stale"))
            await writer.drain()

    async with talking(talk) as server:
        for number in (1, 2, 3):
            assert (await get(fetcher, server.url)).body == b"m %d" % number
            await asyncio.sleep(0.1)  # what is too much arrives
    assert server.connections >= 2


@pytest.mark.parametrize("beyond", [b"garbage", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale"])
async def test_a_body_longer_than_its_length_is_cut_or_refused_and_the_connection_dropped(
    fetcher: PageFetcher, beyond: bytes
) -> None:
    async with saying(sized(b"m 1") + beyond, hang_up=False) as server:
        for _ in range(2):
            (came,) = await asyncio.gather(get(fetcher, server.url), return_exceptions=True)
            assert getattr(came, "body", b"m 1") == b"m 1"
            assert getattr(came, "reason", Reason.UNPARSABLE) is Reason.UNPARSABLE
    assert server.connections == 2


async def test_the_same_page_asked_twice_at_once_comes_twice(fetcher: PageFetcher) -> None:
    async with saying(chunked(PAGE), hang_up=False) as server:
        answers = await asyncio.gather(*(get(fetcher, server.url) for _ in range(5)))
    assert [answer.body for answer in answers] == [PAGE] * 5


# What breaks.


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        head("Content-Length: 100") + b"m 1",
        head("Transfer-Encoding: chunked") + b"3\r\nm 1\r\n",
        head("Transfer-Encoding: chunked") + b"10\r\nm 1",
        head(status="100 Continue"),
    ],
)
async def test_a_connection_that_ends_before_the_answer_does(fetcher: PageFetcher, sent: bytes) -> None:
    async with saying(sent) as server:
        assert (await failure(fetcher, server.url)).reason is Reason.CONNECTION_FAILED


async def test_a_connection_that_is_reset_in_the_middle_of_a_body(fetcher: PageFetcher) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        writer.write(head("Content-Length: 100000") + b"m 1\n")
        await writer.drain()
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    async with talking(talk) as server:
        assert (await failure(fetcher, server.url)).reason is Reason.CONNECTION_FAILED


async def test_a_port_where_nobody_listens(fetcher: PageFetcher) -> None:
    failed = await failure(fetcher, f"http://127.0.0.1:{closed_port()}/metrics")
    assert failed.reason is Reason.CONNECTION_FAILED
    assert "127.0.0.1" in failed.detail


async def test_a_name_that_nobody_knows(fetcher: PageFetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failed = await failure(fetcher, "http://nowhere.example:9100/metrics")
    assert failed.reason is Reason.DNS_FAILED
    assert "nowhere.example" in failed.detail


@pytest.mark.parametrize("host", ["a" * 64, "a..b", "\u2024", "[::1", "h:99999"])
async def test_a_name_that_can_not_be_written_for_dns_is_a_failure_and_no_crash(
    fetcher: PageFetcher, host: str
) -> None:
    assert (await failure(fetcher, f"http://{host}/metrics")).reason is Reason.DNS_FAILED


async def test_a_name_with_a_dead_address_is_reached_at_its_next_one(
    fetcher: PageFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with saying(sized(b"m 1")) as server:

        def both(_host: str, port: int, *_args: object) -> list[tuple[object, ...]]:
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        assert (await get(fetcher, f"http://both.example:{server.port}/")).body == b"m 1"


@pytest.mark.parametrize(
    "sent",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        bytes(range(256)) * 20,
        b"\0" * 10_000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        head("Content-Length: 3", "Transfer-Encoding: chunked") + b"3\r\nm 1\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked", "Content-Length: 3") + b"3\r\nm 1\r\n0\r\n\r\n",
        head("Content-Length: 3", "Content-Length: 4") + b"m 1\n",
        head("Content-Length: -3") + b"m 1",
        head("Content-Length: 99999999999999999999999") + b"m 1",
        head("Transfer-Encoding: chunked") + b"zz\r\nm 1\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"-3\r\nm 1\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"fffffffffffffffff\r\nm 1\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked") + b"2\r\nm 1\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked, foo") + b"m 1",
        head("Transfer-Encoding: foo") + b"m 1",
        head("Transfer-Encoding: gzip, chunked") + chunks(gzip.compress(b"m 1")),
        sized(b"m 1\n", "Content-Encoding: gzip"),
        sized(b"m 1\n", "Content-Encoding: br"),
        sized(gzip.compress(PAGE)[:-5], "Content-Encoding: gzip"),
        sized(gzip.compress(PAGE) + b"rest", "Content-Encoding: gzip"),
        sized(gzip.compress(b"") * 1000, "Content-Encoding: gzip"),
        sized(gzip.compress(PAGE)[:-8] + b"\0" * 8, "Content-Encoding: gzip"),
        head(*(f"X-{number}: 1" for number in range(5_000)), "Content-Length: 0"),
    ],
)
async def test_what_is_not_http_or_not_the_encoding_that_it_claims_is_unparsable(
    fetcher: PageFetcher, sent: bytes
) -> None:
    async with saying(sent) as server:
        assert (await failure(fetcher, server.url)).reason is Reason.UNPARSABLE


async def test_framing_that_breaks_in_a_later_piece_is_unparsable_at_once(fetcher: PageFetcher) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        writer.write(head("Transfer-Encoding: chunked") + b"3\r\nm 1\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"zz\r\nm 1\r\n")
        await reader.read()

    async with talking(talk) as server:
        assert (await failure(fetcher, server.url)).reason is Reason.UNPARSABLE


# Bounds.


async def test_a_body_of_just_the_limit_is_taken_and_one_more_byte_is_not(fetcher: PageFetcher) -> None:
    for body in (b"x" * LIMIT, b"x" * (LIMIT + 1)):
        for sent in (sized(body), chunked(body), sized(gzip.compress(body), "Content-Encoding: gzip")):
            async with saying(sent) as server:
                if len(body) == LIMIT:
                    assert (await get(fetcher, server.url)).body == body
                else:
                    assert (await failure(fetcher, server.url)).reason is Reason.TOO_LARGE


async def test_a_page_that_gzip_can_not_shrink_has_the_same_limit(fetcher: PageFetcher) -> None:
    noise = bytes(value * value * 7 % 251 ^ value % 256 for value in range(LIMIT))
    async with saying(sized(gzip.compress(noise, 0), "Content-Encoding: gzip")) as server:
        assert (await get(fetcher, server.url)).body == noise


async def _endless(piece: bytes, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(piece)
        await writer.drain()


@pytest.mark.parametrize(
    ("begin", "piece", "reason"),
    [
        (head(), b"m 1\n" * 1000, Reason.TOO_LARGE),
        (head("Transfer-Encoding: chunked"), b"8\r\nm 1\nm 2\n\r\n" * 1000, Reason.TOO_LARGE),
        (head("Content-Length: 99999999999"), b"m 1\n" * 1000, Reason.TOO_LARGE),
        (head(), b"m" * 10_000, Reason.TOO_LARGE),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n" * 100, Reason.UNPARSABLE),
        (b"HTTP/1.1 200 OK\r\nX-More: ", b"x" * 4000, Reason.UNPARSABLE),
        (b"HTTP/1.1 200 ", b"x" * 4000, Reason.UNPARSABLE),
        (head("Transfer-Encoding: chunked") + b"0\r\n", b"X-More: 1\r\n" * 100, Reason.UNPARSABLE),
    ],
)
async def test_what_has_no_end_is_refused_long_before_the_deadline_and_takes_no_memory(
    fetcher: PageFetcher, begin: bytes, piece: bytes, reason: Reason
) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        writer.write(begin)
        await _endless(piece, writer)

    async with talking(talk) as server:
        tracemalloc.start()
        try:
            failed = await failure(fetcher, server.url, within=20.0)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert failed.reason is reason
    assert peak < 8_000_000


async def test_interim_answers_without_end_are_refused_or_run_out_of_time(fetcher: PageFetcher) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        await _endless(head(status="100 Continue") * 100, writer)

    async with talking(talk) as server:
        failed = await failure(fetcher, server.url, within=0.5)
    assert failed.reason in {Reason.UNPARSABLE, Reason.TIMED_OUT}


async def test_a_gzip_bomb_goes_no_further_than_the_limit(fetcher: PageFetcher) -> None:
    forged = BOMB[:-4] + (1000).to_bytes(4, "little")
    for sent in (BOMB, forged):
        async with saying(sized(sent, "Content-Encoding: gzip")) as server:
            tracemalloc.start()
            try:
                failed = await failure(fetcher, server.url, limit=1_000_000)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        assert failed.reason is Reason.TOO_LARGE or sent is forged
        assert peak < 10_000_000


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", head("Content-Length: 50000"), head()])
async def test_a_byte_at_a_time_does_not_go_past_the_deadline(fetcher: PageFetcher, begin: bytes) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        writer.write(begin)
        for _ in range(1000):
            writer.write(b"H" if not begin else b"m")
            await writer.drain()
            await asyncio.sleep(0.005)

    async with talking(talk) as server:
        began = time.monotonic()
        failed = await failure(fetcher, server.url, within=0.1)
        took = time.monotonic() - began
    assert failed.reason is Reason.TIMED_OUT or not begin
    assert took < 1.0


async def test_a_server_that_says_nothing_runs_out_of_time(fetcher: PageFetcher) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with talking(talk) as server:
        failed = await failure(fetcher, server.url, within=0.1)
    assert (failed.reason, failed.detail) == (Reason.TIMED_OUT, "no whole answer within 0.1 s")


async def test_a_request_that_was_given_up_leaves_nothing_behind(fetcher: PageFetcher) -> None:
    asked = asyncio.Event()

    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        asked.set()
        if len(server.requests) > 1:
            writer.write(sized(b"m 1"))
        await reader.read()

    async with talking(talk) as server:
        asking = asyncio.create_task(get(fetcher, server.url))
        await asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (await get(fetcher, server.url)).body == b"m 1"


async def test_hostile_targets_delay_nobody_else(fetcher: PageFetcher) -> None:
    async def drip(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        writer.write(head())
        while True:
            writer.write(b"m")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def flood(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        await _endless(head() + b"m" * 50_000, writer)

    async with (
        talking(drip) as slow,
        talking(flood) as endless,
        saying(b"\0\1\2" * 500) as noise,
        saying(chunked(PAGE)) as good,
    ):
        urls = [f"{one.url}/{number}" for one in (slow, endless, noise) for number in range(15)]
        hostile = [asyncio.create_task(get(fetcher, url, within=1.0)) for url in urls]
        answers = await asyncio.gather(*(get(fetcher, f"{good.url}/{number}") for number in range(15)))
        assert not any(one.done() for one in hostile[:15])  # the slow ones
        failed = await asyncio.gather(*hostile, return_exceptions=True)
    assert all(answer.body == PAGE for answer in answers)
    assert all(isinstance(one, FetchFailed) for one in failed)


# Redirects and credentials.


async def test_a_redirect_is_an_answer_where_it_is_not_to_be_followed(fetcher: PageFetcher) -> None:
    async with saying(head("Location: /secret", "Content-Length: 0", status="302 Found")) as server:
        assert (await get(fetcher, server.url)).status_line == "HTTP 302 Found"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", ["301 M", "302 F", "303 S", "307 T", "308 P"])
async def test_a_redirect_on_the_same_host_is_followed(make: Make, status: str) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await server.heard(reader)
            moved = head("Location: ../new?x=1", "Content-Length: 0", status=status)
            writer.write(sized(b"m 1") if b" /new?x=1 " in request else moved)

    async with talking(talk) as server:
        fetcher = make(FOLLOWING)
        for _ in range(2):
            assert (await get(fetcher, server.url)).body == b"m 1"


async def test_a_redirect_to_another_host_port_or_scheme_is_refused_and_nothing_sent_there(make: Make) -> None:
    bearer = HttpClientConfig.model_validate({"authorization": {"credentials": "secret"}})
    async with saying(sized(b"m 1")) as other:
        for there in (f"http://127.0.0.1:{other.port}/secret", f"//127.0.0.2:{other.port}/", "https:///x", "ftp://a/"):
            async with saying(head(f"Location: {there}", "Content-Length: 0", status="302 Found")) as server:
                failed = await failure(make(bearer), server.url)
            assert failed.reason is Reason.REDIRECT_REFUSED
            assert all(b"Authorization: Bearer secret" in request for request in server.requests)
    assert other.requests == []


async def test_a_redirect_loop_is_ended(make: Make) -> None:
    async def further(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await server.heard(reader)
            number = len(server.requests)
            writer.write(head(f"Location: /{number}", "Content-Length: 0", status="302 Found"))

    async with saying(head("Location: /metrics", "Content-Length: 0", status="302 Found"), hang_up=False) as server:
        circle = await failure(make(FOLLOWING), server.url)
    assert (circle.reason, "in a circle" in circle.detail) == (Reason.REDIRECT_LOOP, True)
    assert len(server.requests) <= 2
    async with talking(further) as server:
        assert (await failure(make(FOLLOWING), server.url)).reason is Reason.REDIRECT_LOOP
    assert len(server.requests) <= 10


async def test_a_form_is_posted_and_only_a_redirect_that_keeps_it_is_followed(make: Make) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await server.heard(reader)
            await reader.readexactly(7)
            status = "307 Again" if b"/metrics " in request else "302 Found"
            target = "/other" if b"/metrics " in request else "/get"
            writer.write(head(f"Location: {target}", "Content-Length: 0", status=status))

    async with talking(talk) as server:
        answer = await make(FOLLOWING).fetch(server.url, within=5, body_limit=LIMIT, headers={}, form={"query": "1"})
    assert answer.status == 302
    assert [request.split(b" HTTP")[0] for request in server.requests] == [b"POST /metrics", b"POST /other"]


@pytest.mark.usefixtures("looking_always")
async def test_credentials_are_sent_and_read_again_when_their_file_changes(make: Make, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(" first \n")
    fetcher = make(HttpClientConfig(bearer_token_file=token))
    async with saying(sized(b"m 1"), hang_up=False) as server:
        await get(fetcher, server.url)
        token.write_text("second-one")
        await get(fetcher, server.url)
        await get(fetcher, server.url, headers={"authorization": "Own thing"})
    sent = [line for request in server.requests for line in request.split(CRLF) if b"uthorization" in line]
    assert sent == [b"Authorization: Bearer first", b"Authorization: Bearer second-one", b"authorization: Own thing"]


async def test_credentials_that_can_not_be_read_have_a_reason_and_nothing_is_sent(make: Make, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "two").write_text("secret\nlines")
    async with saying(sized(b"m 1")) as server:
        for name in ("missing", "empty", "two"):
            failed = await failure(make(HttpClientConfig(bearer_token_file=tmp_path / name)), server.url)
            assert failed.reason is Reason.CREDENTIALS_UNREADABLE
            assert name in failed.detail
    assert server.requests == []


# TLS.


def trusting(ca: Path, **more: object) -> HttpClientConfig:
    return HttpClientConfig(tls_config=TlsConfig.model_validate({"ca_file": ca, **more}))


async def test_tls_brings_the_page_over_one_kept_connection(make: Make, tmp_path: Path) -> None:
    ca = authority(tmp_path)
    fetcher = make(trusting(ca.path))
    context = serving_tls(ca.vouch("server", ip="127.0.0.1"))
    big = PAGE * 20
    for sent in (chunked(PAGE), sized(gzip.compress(PAGE), "Content-Encoding: gzip")):
        async with saying(sent, hang_up=False, tls=context) as server:
            for _ in range(3):
                assert (await get(fetcher, server.tls_url)).body == PAGE
        assert server.connections == 1
    async with saying(chunked(big), tls=context) as server:
        assert (await get(fetcher, server.tls_url, limit=len(big))).body == big
    async with saying(head() + PAGE, tls=context) as server:
        assert (await get(fetcher, server.tls_url)).body == PAGE


async def test_a_tls_connection_that_died_is_replaced(make: Make, tmp_path: Path) -> None:
    ca = authority(tmp_path)
    fetcher = make(trusting(ca.path))
    async with saying(sized(b"m 1"), tls=serving_tls(ca.vouch("server", ip="127.0.0.1"))) as server:
        for _ in range(2):
            assert (await get(fetcher, server.tls_url)).body == b"m 1"
            await asyncio.sleep(0.05)
    assert server.connections == 2


async def test_a_server_must_prove_the_name_that_is_expected_of_it(make: Make, tmp_path: Path) -> None:
    ca = authority(tmp_path)
    async with saying(sized(b"m 1"), tls=serving_tls(ca.vouch("edge.example"))) as server:
        assert (await failure(make(trusting(ca.path)), server.tls_url)).reason is Reason.TLS_FAILED
        assert (await get(make(trusting(ca.path, server_name="edge.example")), server.tls_url)).body == b"m 1"
        named = await failure(make(trusting(ca.path, server_name="other.example")), server.tls_url)
    assert named.reason is Reason.TLS_FAILED
    assert "other.example" in named.detail


async def test_whom_nobody_vouches_for_is_not_believed_unless_everybody_is(make: Make, tmp_path: Path) -> None:
    stranger = authority(tmp_path / "stranger", "stranger")
    expired = stranger.vouch("expired", ip="127.0.0.1", until=dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    known = stranger.vouch("known", ip="127.0.0.1")
    another = authority(tmp_path / "another")
    for certificate, trusted, said in (
        (self_signed(tmp_path, "127.0.0.1"), another, "self-signed"),
        (known, another, "unable to get local issuer"),
        (expired, stranger, "expired"),
    ):
        async with saying(sized(b"m 1"), tls=serving_tls(certificate)) as server:
            failed = await failure(make(trusting(trusted.path)), server.tls_url)
            assert failed.reason is Reason.TLS_FAILED
            assert said in failed.detail
            careless = HttpClientConfig(tls_config=TlsConfig(insecure_skip_verify=True))
            assert (await get(make(careless), server.tls_url)).body == b"m 1"


async def test_a_server_that_wants_a_certificate_gets_ours_or_a_reason(make: Make, tmp_path: Path) -> None:
    ca = authority(tmp_path)
    mine = ca.vouch("client")
    context = serving_tls(ca.vouch("server", ip="127.0.0.1"), clients_of=ca)
    async with saying(sized(b"m 1"), tls=context, hang_up=False) as server:
        assert (await get(make(trusting(ca.path, cert_file=mine, key_file=mine)), server.tls_url)).body == b"m 1"
        text = mine.read_text()
        assert (await get(make(trusting(ca.path, cert=text, key=text)), server.tls_url)).body == b"m 1"
    async with refusing_tls(context) as port:
        failed = await failure(make(trusting(ca.path)), f"https://127.0.0.1:{port}/")
    assert failed.reason is Reason.TLS_FAILED
    assert "certificate required" in failed.detail.lower()


@pytest.mark.usefixtures("looking_always")
async def test_certificates_are_read_again_when_they_change(make: Make, tmp_path: Path) -> None:
    old, new = authority(tmp_path / "old"), authority(tmp_path / "new")
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(old.path.read_bytes())
    fetcher = make(trusting(trusted))
    async with saying(sized(b"m 1"), tls=serving_tls(new.vouch("server", ip="127.0.0.1"))) as server:
        assert (await failure(fetcher, server.tls_url)).reason is Reason.TLS_FAILED
        trusted.write_bytes(new.path.read_bytes())
        assert (await get(fetcher, server.tls_url)).body == b"m 1"
        trusted.write_text("no certificate")
        failed = await failure(fetcher, server.tls_url)
    assert failed.reason is Reason.CREDENTIALS_UNREADABLE
    assert str(trusted) in failed.detail


@pytest.mark.usefixtures("looking_always")
async def test_a_kept_connection_ends_with_the_trust_that_it_was_made_in(make: Make, tmp_path: Path) -> None:
    ca, stranger = authority(tmp_path / "ca"), authority(tmp_path / "stranger", "stranger")
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(ca.path.read_bytes())
    fetcher = make(trusting(trusted))
    async with saying(sized(b"m 1"), tls=serving_tls(ca.vouch("server", ip="127.0.0.1")), hang_up=False) as server:
        assert (await get(fetcher, server.tls_url)).body == b"m 1"
        trusted.write_bytes(stranger.path.read_bytes())
        assert (await failure(fetcher, server.tls_url)).reason is Reason.TLS_FAILED


async def test_plain_http_where_tls_is_expected_and_the_other_way_round(make: Make, tmp_path: Path) -> None:
    async def complain(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(sized(b"this is no TLS", status="400 Bad Request"))
        await writer.drain()
        await reader.read()

    ca = authority(tmp_path)
    fetcher = make(trusting(ca.path))
    async with talking(complain) as server:
        assert (await failure(fetcher, server.tls_url)).reason is Reason.TLS_FAILED
    async with saying(sized(b"m 1"), tls=serving_tls(ca.vouch("server", ip="127.0.0.1"))) as server:
        failed = await failure(fetcher, server.url)
    assert failed.reason in {Reason.UNPARSABLE, Reason.CONNECTION_FAILED}


# Waves.


async def test_a_wave_is_started_without_waiting_and_each_is_told_once(fetcher: PageFetcher) -> None:
    told: dict[int, list[Answer | FetchFailed]] = {number: [] for number in range(6)}
    everybody = asyncio.Event()

    def noting(number: int) -> Callable[[Answer | FetchFailed], None]:
        def note(done: Answer | FetchFailed) -> None:
            told[number].append(done)
            if all(told.values()):
                everybody.set()

        return note

    async with saying(chunked(PAGE), hang_up=False) as server:
        urls = [f"{server.url}/{number}" for number in range(4)]
        urls += [f"http://127.0.0.1:{closed_port()}/", "http://a..b/"]
        for number, url in enumerate(urls):
            fetcher.start(url, within=5, body_limit=LIMIT, headers={}, on_done=noting(number))
        assert not any(told.values())
        await asyncio.wait_for(everybody.wait(), 5)
    assert [len(done) for done in told.values()] == [1] * 6
    assert [getattr(told[number][0], "body", None) for number in range(4)] == [PAGE] * 4
    assert [getattr(told[number][0], "reason", None) for number in (4, 5)] == [
        Reason.CONNECTION_FAILED,
        Reason.DNS_FAILED,
    ]


async def test_closing_ends_what_is_under_way(make: Make) -> None:
    asked = asyncio.Event()

    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        asked.set()
        await reader.read()

    fetcher = make(PLAIN)
    async with talking(talk) as server:
        asking = asyncio.create_task(get(fetcher, server.url))
        await asked.wait()
        await fetcher.close()
        with pytest.raises(FetchFailed):
            await asyncio.wait_for(asking, 5)
