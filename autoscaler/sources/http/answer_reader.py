"""One HTTP/1.1 answer after the other, out of the bytes of one connection. Pure: knows no socket and no clock.

Bytes come in as they arrive, an Answer goes out. llhttp (through httptools) reads the framing and is strict: a
Content-Length beside chunks, a size that is none, a line end that is none are errors (RFC 9112, sections 6 and 7).
"""

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from autoscaler.model.reason import Reason
from autoscaler.sources.http.contract import ERROR_BODY, OK, Answer, FetchFailed
from autoscaler.sources.http.inflate import decoded, too_large, wire_limit

MAX_HEADERS = 128
"""Header lines of an answer, trailers included; aiohttp takes as many."""
HEAD_LIMIT = 64 * 1024
"""Bytes that may come at a stretch without one of a body: headers, trailers, interim answers, extensions of chunks."""
_FINAL = 200
_READ = frozenset({b"content-type", b"content-encoding", b"content-length", b"transfer-encoding"})


class Odd(Exception):
    """An answer that is left to the other fetcher; the message says why."""


class AnswerReader:
    """Of one connection. `expect` before each request; then `feed` until it says that the answer is whole.

    `begun`: a byte of the answer came. `reusable`: the connection may carry another request after this answer.
    """

    __slots__ = (
        "_body",
        "_coding",
        "_content_length",
        "_content_type",
        "_fields",
        "_headed",
        "_limit",
        "_mine",
        "_parser",
        "_parts",
        "_phrase",
        "_status",
        "_transfer",
        "_vain",
        "_whole",
        "begun",
        "on_body",
        "reusable",
    )

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.on_body: Final = self._parts.append
        self.expect(0)
        self._parser = HttpResponseParser(self)

    def expect(self, body_limit: int) -> None:
        """Be ready for the answer to a new request, with at most so many bytes of uncompressed body."""
        self._limit = body_limit
        self._parts.clear()
        self._body: bytearray | None = None
        self._content_type = self._coding = self._transfer = self._phrase = b""
        self._content_length = False
        self._status = self._fields = self._vain = self._mine = 0
        self._headed = self._whole = self.begun = False
        self.reusable = True

    def feed(self, received: memoryview) -> bool:
        """Take what came; True if the answer is whole.

        Raises FetchFailed (UNPARSABLE, TOO_LARGE), or Odd if it is not HTTP/1.1 as this reader knows it.
        """
        self.begun = True
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade) as error:
            if not self._whole:
                raise self._refusal(error) from None
            self.reusable = False  # what follows the answer is no other one
        if self._whole and not self.reusable:
            del self._parts[self._mine :]
        if self._headed and self._transfer not in {b"", b"chunked"}:
            shown = self._transfer[:40].decode("ascii", "replace")
            raise FetchFailed(Reason.UNPARSABLE, f"Transfer-Encoding {shown!r} is unknown; chunked or none is not")
        if not self._whole or self._body is not None:
            self._gather(len(received))
        return self._whole

    def end(self, *, proper: bool) -> bool:
        """The other side is done. True if that is what makes the answer whole: it has no length (RFC 9112, 6.3).

        `proper` says that the end could not be made up by somebody in between: TLS tells it, TCP can not.
        """
        self.reusable = False
        if self._headed and proper and not self._content_length and not self._transfer:
            self._whole = True
        return self._whole

    def answer(self) -> Answer:
        """The answer that is whole. Raises FetchFailed (TOO_LARGE, UNPARSABLE), or Odd."""
        if self._body is not None:
            body = bytes(self._body)
        else:
            body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._body = None
        coding = self._coding.decode("ascii", "replace")
        return Answer(
            self._status,
            self._phrase.decode("ascii", "replace"),
            self._content_type.decode("ascii", "replace"),
            decoded(body, coding, self._limit, self._status),
        )

    def close(self) -> None:
        """Let go of the parser, which refers back to this object."""
        del self._parser

    def _gather(self, received: int) -> None:
        """Keep what came as one piece, however small the pieces are; stop what is too long."""
        piece = b"".join(self._parts)
        self._parts.clear()
        if self._body is None:
            self._body = bytearray()
        self._body += piece
        if piece:
            self._vain = 0
        elif not self._whole:
            self._vain += received
            if self._vain > HEAD_LIMIT:
                raise FetchFailed(Reason.UNPARSABLE, f"more than {HEAD_LIMIT} bytes of headers and none of the body")
        if self._headed and self._status != OK and len(self._body) >= ERROR_BODY:
            self.reusable = self.reusable and self._whole
            self._whole = True
        elif len(self._body) > wire_limit(self._coding.decode("ascii", "replace"), self._limit):
            raise too_large(self._limit)

    def _refusal(self, error: Exception) -> Exception:
        """An error in the head may be a way of writing that the other reader knows; one in the body is none."""
        if isinstance(error, HttpParserUpgrade):
            return Odd("it changes the protocol")
        if self._fields > MAX_HEADERS:
            return FetchFailed(Reason.UNPARSABLE, f"more than {MAX_HEADERS} headers")
        if self._headed:
            return FetchFailed(Reason.UNPARSABLE, f"the body is not framed as HTTP/1.1 says: {error}")
        return Odd(f"its head is not as HTTP/1.1 says: {error}")

    # What llhttp calls, by these names.

    def on_message_begin(self) -> None:
        """A first byte. Of a second message it is one too many."""
        if self._whole:
            self.reusable = False
        else:
            self._headed = False

    def on_status(self, phrase: bytes) -> None:
        """A piece of the reason phrase."""
        if not self._whole:
            self._phrase += phrase

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one trailer."""
        self._fields += 1
        if self._fields > MAX_HEADERS:
            raise ValueError(self._fields)  # llhttp stops; `feed` says what it was
        if self._headed or self._whole:
            return
        name = name.lower()
        if name not in _READ:
            return
        value = value.strip()
        if name == b"content-type":
            self._content_type = value
        elif name == b"content-length":
            self._content_length = True
        elif name == b"transfer-encoding":
            self._transfer = _listed(self._transfer, value)
        else:
            self._coding = _listed(self._coding, value)

    def on_headers_complete(self) -> None:
        """The head is read; one of an interim answer is forgotten (RFC 9110, section 15.2)."""
        if self._whole:
            return
        self._status = self._parser.get_status_code()
        if self._status < _FINAL:
            self._content_type = self._coding = self._transfer = self._phrase = b""
            self._content_length = False
            return
        self._headed = True

    def on_message_complete(self) -> None:
        """The last byte of the answer, or of an interim one."""
        if self._whole or self._status < _FINAL:
            return
        self._whole = True
        self._mine = len(self._parts)
        self.reusable = self._parser.should_keep_alive()


def _listed(known: bytes, value: bytes) -> bytes:
    """Lines of the same header are one list (RFC 9110, section 5.3)."""
    value = value.lower()
    return known + b", " + value if known else value
