"""Mutated HTTP answers in random pieces, read by both fetchers.

The answer reader alone gives the same however the bytes are cut, and nothing but an answer, FetchFailed or Odd.
Over sockets both fetchers keep the deadline, raise nothing but FetchFailed, and agree where both take an answer.

    python -m tests.fuzz.http_reader --seconds 60 --seed 1
"""

import argparse
import asyncio
import gzip
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from autoscaler.sources.http import PLAIN, AiohttpFetcher, Answer, FetchFailed, PageFetcher, WaveFetcher
from autoscaler.sources.http.answer_reader import AnswerReader, Odd
from tests.unit.sources.fakes import Spoken, talking

LIMIT = 50_000
PATIENT, HASTY = 5.0, 0.1
"""Seconds given to a server that hangs up, and to one that does not."""
GRACE = 3.0
"""Seconds by which a loaded machine may be late."""
READER_ROUNDS = 20
"""Answers that are read without a socket for each that is read over one."""

_BODY = b"".join(b'node_cpu_seconds_total{cpu="%d"} %d.5\n' % (number, number * 7) for number in range(60))
_PIECES = [_BODY[at : at + 100] for at in range(0, len(_BODY), 100)]
_CHUNKS = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in _PIECES)
_ZIPPED = gzip.compress(_BODY)
SEEDS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n" + _CHUNKS + b"0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _CHUNKS + b"0\r\nTrailer: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY,
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(_ZIPPED) + _ZIPPED,
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + _BODY,
    b"HTTP/1.0 200 OK\r\n\r\n" + _BODY,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nm 1\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 9\r\n\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy",
    b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
)
TOKENS = (
    *(b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\t", b"\xff", b"\r\n folded"),
    *(b"0\r\n\r\n", b"ffffffffffffffff", b"-1", b"7fffffff\r\n", b";ext=1"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"chunked, "),
    *(b"Content-Encoding: gzip\r\n", b"Content-Encoding: br\r\n", b"Connection: close\r\n"),
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/2.0 ", b"HTTP/0.9 "),
    *(b"HTTP/1.1 101 Switching\r\n\r\n", b"Upgrade: x\r\nConnection: upgrade\r\n"),
    *(b"X: " + b"y" * 9000, b"X: y\r\n" * 200),
)


@dataclass(frozen=True)
class Case:
    """What a server sends, in which pieces, and whether it hangs up then."""

    pieces: tuple[bytes, ...]
    hangs_up: bool

    @property
    def sent(self) -> bytes:
        return b"".join(self.pieces)


def mutated(dice: random.Random) -> bytes:
    """A valid answer with a few faults; sometimes with none."""
    sent = bytearray(dice.choice(SEEDS))
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3, 6))):
        at = dice.randrange(len(sent) + 1)
        if dice.random() < 0.6:  # where the framing is
            at = min(at, dice.randrange(200))
        end = min(len(sent), at + dice.choice((1, 1, 2, 10, 300)))
        match dice.randrange(6):
            case 0:
                sent[at:end] = b""
            case 1:
                sent[at:at] = dice.choice(TOKENS)
            case 2:
                sent[at:end] = dice.choice(TOKENS)
            case 3:
                sent[at:end] = dice.randbytes(end - at)
            case 4:
                sent[at:at] = sent[at:end]
            case _:
                del sent[at + dice.randrange(1, 2000) :]
    return bytes(sent)


def pieces(sent: bytes, dice: random.Random) -> tuple[bytes, ...]:
    """The bytes cut in up to six places, or into single bytes."""
    if dice.random() < 0.1 and len(sent) < 2_000:
        return tuple(sent[at : at + 1] for at in range(len(sent)))
    cuts = sorted(dice.randrange(len(sent) + 1) for _ in range(dice.randrange(7)))
    return tuple(sent[begin:end] for begin, end in zip((0, *cuts), (*cuts, len(sent)), strict=True) if end > begin)


def read(sent: Sequence[bytes]) -> Answer | str:
    """What the reader makes of it on a connection that ends then: the answer, or the kind of failure."""
    reader = AnswerReader()
    reader.expect(LIMIT)
    try:
        whole = any(reader.feed(memoryview(piece)) for piece in sent) or reader.end(proper=True)
        return reader.answer() if whole else "ended"
    except FetchFailed as failed:
        return failed.reason
    except Odd:
        return "odd"
    finally:
        reader.close()


def check_reader(dice: random.Random) -> None:
    """One answer, read whole and in pieces. Raises AssertionError."""
    sent = mutated(dice)
    whole = read([sent] if sent else [])
    for _ in range(3):
        cut = pieces(sent, dice)
        assert read(cut) == whole, f"{whole!r} whole, {read(cut)!r} in pieces: {cut!r}"


@asynccontextmanager
async def both() -> AsyncIterator[tuple[PageFetcher, PageFetcher, list[Case], Spoken]]:
    """The two fetchers, and a server that answers by the last of the cases."""
    cases: list[Case] = []

    async def talk(server: Spoken, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await server.heard(reader)
            for piece in cases[-1].pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if cases[-1].hangs_up:
                return

    wave: PageFetcher = WaveFetcher(lookups=1, reuse=5.0, drain=0.0, config=PLAIN)
    default: PageFetcher = AiohttpFetcher(lookups=1, reuse=5.0, config=PLAIN)
    async with talking(talk) as server:
        try:
            yield wave, default, cases, server
        finally:
            await wave.close()
            await default.close()


async def check_fetchers(
    number: int, dice: random.Random, wave: PageFetcher, default: PageFetcher, cases: list[Case], server: Spoken
) -> bool:
    """One answer over sockets, by both; tells whether both took it. Raises AssertionError."""
    cases.append(Case(pieces(mutated(dice), dice), hangs_up=dice.random() < 0.9))
    del cases[:-1], server.requests[:]
    within = PATIENT if cases[-1].hangs_up else HASTY
    url = f"{server.url}/{number}"
    came: list[Answer | FetchFailed] = []
    for fetcher in (wave, default):
        began = time.monotonic()
        try:
            came.append(await fetcher.fetch(url, within=within, body_limit=LIMIT, headers={}))
        except FetchFailed as failed:
            came.append(failed)
        took = time.monotonic() - began
        assert took < within + GRACE, f"{took:.1f} s for {cases[-1]!r}"
    first, second = came
    if isinstance(first, FetchFailed) or isinstance(second, FetchFailed):
        return False
    alike = (first.status, first.body) == (second.status, second.body)
    assert alike, f"{first!r} and {second!r} of {cases[-1]!r}"
    return True


async def fuzz(seed: int, *, rounds: int | None = None, seconds: float | None = None) -> tuple[int, int]:
    """Rounds done, and those whose answer both fetchers took. Raises AssertionError with the answer that did it."""
    dice = random.Random(seed)  # noqa: S311  # a page needs no secret
    until = None if seconds is None else time.monotonic() + seconds
    done = taken = 0
    async with both() as (wave, default, cases, server):
        while (rounds is None or done < rounds) and (until is None or time.monotonic() < until):
            for _ in range(READER_ROUNDS):
                check_reader(dice)
            taken += await check_fetchers(done, dice, wave, default, cases, server)
            done += 1
    return done, taken


def main() -> None:
    """Fuzz for a while, and say how it went."""
    parser = argparse.ArgumentParser(description="mutated HTTP answers, read by both fetchers")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    done, taken = asyncio.run(fuzz(given.seed, seconds=given.seconds))
    sys.stdout.write(f"{done} rounds ({done * READER_ROUNDS} without sockets), {taken} answers taken by both\n")


if __name__ == "__main__":
    main()
