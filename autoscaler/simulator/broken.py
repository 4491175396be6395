"""Answers that go wrong on the wire: none at all, one that breaks off, one that drips.

Each is an aiohttp response of its own class, so that whoever drives the handlers without sockets can tell them by type:
`body` holds the bytes that should have come.
"""

from aiohttp import web

from autoscaler.ports import Clock

_PIECES = 20


class NoAnswer(web.Response):
    """Nobody gets it: the connection was aborted."""


class CutAnswer(web.Response):
    """Half of the body comes, then the connection ends."""

    @property
    def arrives(self) -> bytes:
        """The part of the body that gets through."""
        whole = self.body if isinstance(self.body, bytes) else b""
        return whole[: len(whole) // 2]

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002  # the base class passes data
        """Write the part, then hang up."""
        request = self._req
        await self.write(self.arrives)
        if request is not None:
            abort(request)


class DripAnswer(web.Response):
    """The body comes in small pieces over `seconds` of the clock. Set both before it is sent."""

    def over(self, seconds: float, clock: Clock) -> "DripAnswer":
        """The same answer, that slowly."""
        self.seconds, self._clock = seconds, clock
        return self

    def pieces(self) -> list[bytes]:
        """The body as it comes, one piece every `seconds` / number of pieces."""
        whole = self.body if isinstance(self.body, bytes) else b""
        size = max(1, -(-len(whole) // _PIECES))
        return [whole[at : at + size] for at in range(0, len(whole), size)] or [b""]

    async def write_eof(self, data: bytes = b"") -> None:  # noqa: ARG002  # the base class passes data
        """Write it."""
        pieces = self.pieces()
        for piece in pieces:
            await self._clock.sleep(self.seconds / len(pieces))
            await self.write(piece)
        await web.StreamResponse.write_eof(self)


def hang_up(request: web.BaseRequest) -> NoAnswer:
    """Close the connection; the response is for the server's own bookkeeping."""
    abort(request)
    return NoAnswer()


def abort(request: web.BaseRequest) -> None:
    """Close the connection at once."""
    if request.transport is not None:
        request.transport.abort()


def cut(answer: web.Response) -> CutAnswer:
    """An answer that breaks off."""
    return CutAnswer(body=answer.body, status=answer.status, headers=_plain(answer))


def drip(answer: web.Response, seconds: float, clock: Clock) -> DripAnswer:
    """An answer that drips."""
    return DripAnswer(body=answer.body, status=answer.status, headers=_plain(answer)).over(seconds, clock)


def _plain(answer: web.Response) -> dict[str, str]:
    """Headers without those that the new answer computes for itself."""
    return {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
