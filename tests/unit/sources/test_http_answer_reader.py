"""Answers out of bytes: what a connection may be used for afterwards, and what is left to the other fetcher."""

import pytest

from autoscaler.model.reason import Reason
from autoscaler.sources.http.answer_reader import HEAD_LIMIT, AnswerReader, Odd
from autoscaler.sources.http.contract import Answer, FetchFailed

OK_3 = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"


@pytest.fixture
def reader() -> AnswerReader:
    made = AnswerReader()
    made.expect(1000)
    return made


def feed(reader: AnswerReader, *pieces: bytes) -> bool:
    return [reader.feed(memoryview(piece)) for piece in pieces][-1]


def test_one_reader_reads_one_answer_after_the_other(reader: AnswerReader) -> None:
    for body in (b"m 1", b"m 2"):
        reader.expect(1000)
        before = reader.begun
        assert feed(reader, OK_3[:20], OK_3[20:], body)
        assert reader.answer() == Answer(200, "OK", "", body)
        assert (before, reader.begun, reader.reusable) == (False, True, True)


@pytest.mark.parametrize(
    "sent",
    [
        OK_3.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"m 1",
        OK_3.replace(b"1.1", b"1.0") + b"m 1",
        OK_3 + b"m 1HTTP/1.1 200 Twice\r\nContent-Type: text/x\r\nContent-Length: 3\r\n\r\nm 2",
        OK_3 + b"m 1garbage",
    ],
)
def test_a_connection_that_has_more_to_say_or_nothing_is_not_used_again(reader: AnswerReader, sent: bytes) -> None:
    assert feed(reader, sent)
    assert reader.answer() == Answer(200, "OK", "", b"m 1")
    assert not reader.reusable


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\nContent-Length: 3\n\nm 1",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: y\r\n folded\r\nContent-Length: 3\r\n\r\nm 1",
        b"SSH-2.0",
    ],
)
def test_a_head_that_is_not_strict_is_left_to_the_other_fetcher(reader: AnswerReader, sent: bytes) -> None:
    with pytest.raises(Odd):
        feed(reader, sent)


@pytest.mark.parametrize(
    ("proper", "head", "whole"),
    [
        (True, b"HTTP/1.1 200 OK\r\n\r\n", True),
        (False, b"HTTP/1.1 200 OK\r\n\r\n", False),
        (True, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", False),
        (True, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n", False),
        (True, b"HTTP/1.1 200 OK\r\nX: ", False),
    ],
)
def test_an_end_makes_whole_only_what_has_no_length_and_was_not_cut_by_a_stranger(
    reader: AnswerReader, proper: bool, head: bytes, whole: bool
) -> None:
    assert not feed(reader, head + b"m 1")
    assert reader.end(proper=proper) is whole


def test_many_small_pieces_are_kept_as_one_and_counted(reader: AnswerReader) -> None:
    feed(reader, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(1000):
        assert not feed(reader, b"1\r\nm\r\n")
    with pytest.raises(FetchFailed) as caught:
        feed(reader, b"1\r\nm\r\n")
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "piece", [b"X: y\r\n", b"HTTP/1.1 100 C\r\n\r\n", b"X: " + b"y" * 500 + b"\r\n"], ids=["lines", "interim", "long"]
)
def test_a_head_without_end_is_refused(reader: AnswerReader, piece: bytes) -> None:
    if piece.startswith(b"X"):
        feed(reader, b"HTTP/1.1 200 OK\r\n")
    with pytest.raises(FetchFailed) as caught:
        feed(reader, *[piece] * (HEAD_LIMIT // len(piece) + 2))
    assert caught.value.reason is Reason.UNPARSABLE


def test_framing_that_is_unknown_is_refused_even_if_more_follows(reader: AnswerReader) -> None:
    body = b"Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nm 1\r\n0\r\n\r\n"
    with pytest.raises(FetchFailed) as caught:
        feed(reader, b"HTTP/1.1 200 OK\r\n" + body + OK_3)
    assert caught.value.reason is Reason.UNPARSABLE
