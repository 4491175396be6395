"""What the fetcher for waves promises beyond the contract: shared reading, deadlines, what is left to the other one."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

import pytest

from autoscaler.model.reason import Reason
from autoscaler.settings.http_client import HttpClientConfig, TlsConfig
from autoscaler.sources.http import PLAIN, Answer, FetchFailed, WaveFetcher
from autoscaler.sources.http.connection import Connection, Room
from autoscaler.sources.http.lines import Lines
from autoscaler.sources.http.timers import Drain, Sweep
from tests.unit.sources.certificates import authority, serving_tls
from tests.unit.sources.fakes import Spoken, saying, talking

OK_3 = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
LONG = 60.0
"""Seconds of draining that no test waits for."""


@asynccontextmanager
async def waves(drain: float = 0.0, reuse: float = 5.0, config: HttpClientConfig = PLAIN) -> AsyncIterator[WaveFetcher]:
    fetcher = WaveFetcher(lookups=1, reuse=reuse, drain=drain, config=config)
    try:
        yield fetcher
    finally:
        await fetcher.close()


async def get(
    fetcher: WaveFetcher, url: str, within: float = 5.0, headers: Mapping[str, str] = MappingProxyType({})
) -> Answer:
    return await fetcher.fetch(url, within=within, body_limit=1_000_000, headers=headers)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One for each read from a socket for an answer: whether it brought something."""
    noted: list[bool] = []
    receive = Connection.receive

    def noting(self: Connection, room: Room) -> int:
        try:
            count = receive(self, room)
        except BlockingIOError:
            noted.append(False)
            raise
        noted.append(count > 0)
        return count

    monkeypatch.setattr(Connection, "receive", noting)
    return noted


async def test_a_drained_answer_is_read_at_once_however_many_pieces_it_came_in(reads: list[bool]) -> None:
    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await server.heard(reader)
            for piece in (OK_3, b"m", b" ", b"1"):
                writer.write(piece)
                await asyncio.sleep(0.005)

    async with talking(talk) as server:
        async with waves(drain=0.15) as fetcher:
            assert (await get(fetcher, server.url)).body == b"m 1"
        assert reads == [True]
        reads.clear()
        async with waves(drain=0) as fetcher:
            assert (await get(fetcher, server.url)).body == b"m 1"
        assert len(reads) > 1


async def test_a_deadline_that_comes_before_the_tick_takes_what_is_there() -> None:
    answered = asyncio.Event()

    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        writer.write(OK_3 + b"m 1")
        await writer.drain()
        answered.set()
        await reader.read()

    async with talking(talk) as server, waves(drain=LONG) as fetcher:
        # A tick is waited for only if there is time for two: the deadline is brought forward afterwards.
        done: asyncio.Future[Answer | FetchFailed] = asyncio.get_running_loop().create_future()
        exchange = fetcher.start(server.url, within=3 * LONG, body_limit=1000, headers={}, on_done=done.set_result)
        await answered.wait()
        assert not done.done()
        exchange.deadline = asyncio.get_running_loop().time() + 0.01
        fetcher._sweep.watch(exchange.deadline)
        answer = await asyncio.wait_for(done, 5)
    assert isinstance(answer, Answer)


async def test_little_time_is_not_spent_waiting_for_a_tick() -> None:
    async with saying(OK_3 + b"m 1") as server, waves(drain=LONG) as fetcher:
        assert (await get(fetcher, server.url, within=LONG)).body == b"m 1"


async def test_what_trips_over_one_answer_keeps_no_other_from_being_told(caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []
    both = asyncio.Event()

    def note(number: int) -> Callable[[Answer | FetchFailed], None]:
        def told_of(_done: Answer | FetchFailed) -> None:
            told.append(number)
            if len(told) == 2:
                both.set()
            raise ZeroDivisionError

        return told_of

    async with saying(OK_3 + b"m 1") as server, waves(drain=0.02) as fetcher:
        with caplog.at_level(logging.ERROR):
            for number in range(2):
                fetcher.start(f"{server.url}/{number}", within=5, body_limit=1000, headers={}, on_done=note(number))
            await asyncio.wait_for(both.wait(), 5)
    assert sorted(told) == [0, 1]
    assert "ZeroDivisionError" in caplog.text


async def test_a_target_that_is_odd_is_asked_by_the_other_fetcher_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async with saying(b"HTTP/1.1 200 OK\nContent-Length: 3\n\nm 1") as server, waves() as fetcher:
        for _ in range(3):
            assert (await get(fetcher, server.url)).body == b"m 1"
        assert len(server.requests) == 4  # twice the first time
    async with saying(b"HTTP/1.1 200 OK\nContent-Length: 3\n\nm 1") as server, waves() as fetcher:
        monkeypatch.setattr("autoscaler.sources.http.wave_fetcher.ODD_FOR", 0.0)
        for _ in range(2):
            await get(fetcher, server.url)
        assert len(server.requests) == 4


async def test_who_gives_up_before_the_credentials_are_read_sends_nothing(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("abc")
    told: list[Answer | FetchFailed] = []
    async with (
        saying(OK_3 + b"m 1", hang_up=False) as server,
        waves(config=HttpClientConfig(bearer_token_file=token)) as fetcher,
    ):
        for number in range(2):
            given_up = fetcher.start(
                f"{server.url}/{number}", within=5, body_limit=1000, headers={}, on_done=told.append
            )
            given_up.cancel()
        assert (await get(fetcher, server.url)).body == b"m 1"
    assert told == []
    assert len(server.requests) == 1


async def test_the_request_of_a_target_is_built_once_for_equal_headers() -> None:
    async with saying(OK_3 + b"m 1", hang_up=False) as server, waves() as fetcher:
        built = []
        for headers in ({"X": "1"}, {"X": "1"}, {"X": "2"}):
            await get(fetcher, server.url, headers=headers)
            built.append(fetcher._lines.line(server.url, 0.0).request)
    assert built[0] is built[1]
    assert b"X: 2\r\n" in built[2]


def test_a_mapping_that_was_changed_in_place_is_another_request() -> None:
    line, headers = Lines(5.0).line("http://edge:9100/metrics", 0.0), {"X": "1"}
    line.prepare(headers, None)
    headers["X"] = "2"
    line.prepare(headers, None)
    assert b"X: 2\r\n" in line.request
    line.prepare(headers, "Bearer token")
    assert b"Authorization: Bearer token\r\n" in line.request
    assert "token" not in repr(line)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://edge:9100/metrics", b"edge:9100"),
        ("http://edge:80/metrics", b"edge"),
        ("https://[fd00::1]:9100/metrics", b"[fd00::1]:9100"),
        ("https://edge/metrics", b"edge"),
    ],
)
def test_the_host_is_written_as_it_must_be(url: str, host: bytes) -> None:
    line = Lines(5.0).line(url, 0.0)
    line.prepare({}, None)
    assert b"\r\nHost: " + host + b"\r\n" in line.request
    assert line.origin.tls is url.startswith("https")


def test_a_target_that_is_asked_no_more_is_forgotten() -> None:
    known = Lines(300.0)
    line = known.line("http://edge:9100/metrics", 0.0)
    assert known.line("http://edge:9100/metrics", 299.0) is line
    assert known.line("http://edge:9100/metrics", 700.0) is not line


async def test_nothing_is_kept_where_nothing_is_to_be_reused() -> None:
    async with saying(OK_3 + b"m 1", hang_up=False) as server, waves(reuse=0) as fetcher:
        for _ in range(2):
            await get(fetcher, server.url)
    assert server.connections == 2
    assert all(b"Connection: close\r\n" in request for request in server.requests)


async def test_a_fetcher_that_is_closed_says_so() -> None:
    async with waves() as fetcher:
        await fetcher.close()
        with pytest.raises(FetchFailed) as caught:
            await get(fetcher, "http://127.0.0.1:1/")
    assert caught.value.reason is Reason.CONNECTION_FAILED


async def test_an_address_that_says_nothing_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(_host: str, port: int, *_args: object) -> list[tuple[object, ...]]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

    loop = asyncio.get_running_loop()
    connect = loop.sock_connect

    async def silent(connecting: socket.socket, to: tuple[str, int]) -> None:
        if to[0] == "127.0.0.2":
            await asyncio.sleep(LONG)
        await connect(connecting, to)

    monkeypatch.setattr(loop, "sock_connect", silent)
    monkeypatch.setattr(socket, "getaddrinfo", both)
    async with saying(OK_3 + b"m 1") as server, waves() as fetcher:
        assert (await get(fetcher, f"http://both.example:{server.port}/", within=0.4)).body == b"m 1"


async def test_an_old_version_of_tls_is_spoken_only_if_the_operator_asks_for_it(tmp_path: Path) -> None:
    ca = authority(tmp_path)
    context = serving_tls(ca.vouch("server", ip="127.0.0.1"))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    async with saying(OK_3 + b"m 1", tls=context) as server:
        async with waves(config=HttpClientConfig(tls_config=TlsConfig(ca_file=ca.path))) as fetcher:
            with pytest.raises(FetchFailed) as caught:
                await get(fetcher, server.tls_url)
        # A server of asyncio's hangs up without telling why.
        assert caught.value.reason in {Reason.TLS_FAILED, Reason.CONNECTION_FAILED}
        assert "TLS" in caught.value.detail
        asked = TlsConfig(ca_file=ca.path, min_version="TLS10")
        async with waves(config=HttpClientConfig(tls_config=asked)) as fetcher:
            assert (await get(fetcher, server.tls_url)).body == b"m 1"


async def test_one_timer_serves_the_earliest_of_all_deadlines() -> None:
    loop = asyncio.get_running_loop()
    called: list[float] = []
    twice = asyncio.Event()

    def expire(now: float) -> float | None:
        called.append(now)
        if len(called) == 2:
            twice.set()
            return None
        return first + 0.02

    sweep = Sweep(loop, expire)
    first = loop.time() + 0.02
    sweep.watch(first + 100)
    sweep.watch(first)
    sweep.watch(first + 200)
    await asyncio.wait_for(twice.wait(), 5)
    assert called[0] >= first
    assert called[1] >= called[0] + 0.01
    sweep.close()


async def test_what_was_just_added_waits_for_the_next_tick() -> None:
    loop = asyncio.get_running_loop()
    read: list[tuple[str, float]] = []
    drain: Drain[str] = Drain(loop, 0.1, lambda one: read.append((one, loop.time())))
    began = loop.time()
    drain.add("old")
    await asyncio.sleep(0.08)
    drain.add("young")
    await asyncio.sleep(0.2)
    assert [one for one, _ in read] == ["old", "young"]
    assert read[0][1] - began >= 0.1
    assert read[1][1] - began >= 0.18
    drain.close()


async def test_a_fault_while_an_answer_is_read_is_its_own_and_every_later_deadline_is_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def silent(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.heard(reader)
        await reader.read()

    answer = Connection.answer

    def tripping(self: Connection, room: Room) -> Answer | None:
        if answer(self, room) is not None:
            raise MemoryError
        return None

    monkeypatch.setattr(Connection, "answer", tripping)
    async with saying(OK_3 + b"m 1", hang_up=False) as server, talking(silent) as mute, waves() as fetcher:
        with caplog.at_level(logging.CRITICAL), pytest.raises(FetchFailed) as caught:
            await get(fetcher, server.url)
        assert (caught.value.reason, caught.value.detail[-11:]) == (Reason.UNPARSABLE, "MemoryError")
        with pytest.raises(FetchFailed) as late:
            await asyncio.wait_for(get(fetcher, mute.url, within=0.05), 5)
        assert late.value.reason is Reason.TIMED_OUT


async def test_credentials_that_trip_the_program_are_a_reason_for_every_request_and_none_waits_for_its_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trip(*_: object, **__: object) -> None:
        raise TypeError

    monkeypatch.setattr(ssl, "create_default_context", trip)
    async with waves() as fetcher:
        for _ in range(2):
            with pytest.raises(FetchFailed) as caught:
                await get(fetcher, "https://127.0.0.1:1/metrics", within=LONG)
            assert caught.value.reason is Reason.CREDENTIALS_UNREADABLE
        assert fetcher._unseen == []
