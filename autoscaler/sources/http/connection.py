"""One connection, plain or TLS, as bytes that go out and come in. Never blocks.

A connected socket comes in. TLS is done in memory (ssl.MemoryBIO) with the fetcher's own two buffers, since a transport
of asyncio's keeps some 360 KB for each TLS connection.
"""

import socket
import ssl
from typing import cast

from autoscaler.sources.http.answer_reader import AnswerReader
from autoscaler.sources.http.contract import Answer

_PIECE = 16 * 1024
"""Bytes of cipher text given to TLS at a time: what its memory grows to, and keeps."""
_HELD = 32 * 1024
"""Bytes by which a read may bring more plain text than cipher text: what TLS held of a record that was not whole."""


class Room:
    """The buffers that all connections of a fetcher read into, one at a time: what is read is taken out at once."""

    __slots__ = ("cipher", "plain")

    def __init__(self, size: int) -> None:
        self.plain = memoryview(bytearray(size))
        self.cipher = memoryview(bytearray(size - _HELD))


class Connection:
    """Plain TCP. `ended`: nothing more will come; `proper`: that it ended was said by the other side itself."""

    __slots__ = ("_socket", "context", "ended", "fileno", "proper", "reader")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.fileno = connected.fileno()
        self.context: ssl.SSLContext | None = None
        self.reader = AnswerReader()
        self.ended = False
        self.proper = True

    def send(self, request: bytes) -> bool:
        """Whether the request went out whole, which a small one does on a live connection."""
        try:
            return self._socket.send(request) == len(request)
        except OSError:
            return False

    def receive(self, room: Room) -> int:
        """Bytes that are in `room.plain` now; 0 if the other side ended. Raises BlockingIOError, OSError."""
        received = self._socket.recv_into(room.plain)
        if not received:
            self.ended = True
        return received

    def answer(self, room: Room) -> Answer | None:
        """The answer, if it is whole with what came now. Raises Odd, FetchFailed, OSError (an early end is one)."""
        try:
            count = self.receive(room)
        except BlockingIOError:
            return None
        whole = count > 0 and self.reader.feed(room.plain[:count])
        if self.ended and not whole:
            whole = self.reader.end(proper=self.proper)
            if not whole:
                raise ConnectionResetError("the connection ended before the answer did")
        return self.reader.answer() if whole else None

    def is_idle(self, room: Room) -> bool:
        """Whether it is alive, as far as one can tell, and nothing came that was not asked for."""
        try:
            self.receive(room)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
        self.reader.close()


class TlsConnection(Connection):
    """TLS after its handshake. `context` is what it was made with. Raises ssl.SSLError beside OSError."""

    __slots__ = ("_incoming", "_outgoing", "_tls")

    def __init__(
        self, connected: socket.socket, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        super().__init__(connected)
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self.context = tls.context
        self.proper = False

    def send(self, request: bytes) -> bool:
        """See Connection."""
        try:
            self._tls.write(request)
        except OSError:
            return False
        return super().send(self._outgoing.read())

    def receive(self, room: Room) -> int:
        """See Connection; 0 only at the end, and a part of a record is nothing yet."""
        came = self._socket.recv_into(room.cipher)
        if not came:
            self.ended = True
            return 0
        received = 0
        for start in range(0, came, _PIECE):
            self._incoming.write(room.cipher[start : min(start + _PIECE, came)])
            received = self._decrypt(room, received)
        if self._outgoing.pending:  # an answer to a change of keys
            super().send(self._outgoing.read())
        if not received and not self.ended:
            raise BlockingIOError
        return received

    def _decrypt(self, room: Room, received: int) -> int:
        try:
            while self._incoming.pending and not self.ended:
                count = cast("int", self._tls.read(len(room.plain) - received, room.plain[received:]))
                if not count:
                    self.ended = self.proper = True
                received += count
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = self.proper = True
        return received
