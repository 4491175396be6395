"""A value made from files, made again when one of them changed.

Paths and a function come in, its value goes out. Files are looked at and read in a thread, at most once a second.
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from autoscaler.model.reason import Reason
from autoscaler.sources.http.contract import FetchFailed

LOOK = 1.0
"""Seconds between two looks at the files."""

_Made = TypeVar("_Made")
_Stamp = tuple[tuple[int, int, int], ...]


class Watched(Generic[_Made]):
    """`make` is blocking and may raise FetchFailed; then that is what there is until the next look.

    A file counts as changed with its modification time, its size or its inode: a rotated Kubernetes secret is another
    file at the end of the same link.
    """

    def __init__(self, paths: Iterable[Path | None], make: Callable[[], _Made]) -> None:
        self._paths = tuple(path for path in paths if path is not None)
        self._make = make
        self._stamp: _Stamp | None = None
        self._made: _Made | FetchFailed | None = None
        self._look_at = -math.inf
        self._looking: asyncio.Task[None] | None = None

    def due(self, now: float) -> bool:
        """Whether the files are to be looked at before the value is used. `now` is the loop's time."""
        return now >= self._look_at

    def value(self) -> _Made:
        """As it was at the last look. Raises FetchFailed if it can not be made."""
        if isinstance(self._made, FetchFailed):
            raise FetchFailed(self._made.reason, self._made.detail)
        return self._made  # type: ignore[return-value]  # made by the first look, which `due` asks for

    async def look(self) -> None:
        """Look at the files if that is due, once for all who ask at the same time."""
        if not self.due(asyncio.get_running_loop().time()):
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="look at files with credentials")
        await asyncio.shield(self._looking)

    async def close(self) -> None:
        """Wait for a look that is under way."""
        if self._looking is not None:
            await asyncio.wait([self._looking])

    async def _look(self) -> None:
        self._stamp, self._made = await asyncio.to_thread(self._renewed, self._stamp, self._made)
        again = self._paths or isinstance(self._made, FetchFailed)
        self._look_at = asyncio.get_running_loop().time() + LOOK if again else math.inf

    def _renewed(
        self, stamp: _Stamp | None, made: _Made | FetchFailed | None
    ) -> tuple[_Stamp | None, _Made | FetchFailed | None]:
        try:
            # Before the content: a file that changes in between is read again by the next look.
            now = tuple(_stamp_of(path) for path in self._paths)
            if now == stamp and not isinstance(made, FetchFailed):
                return stamp, made
            return now, self._make()
        except FetchFailed as failed:
            return None, failed
        except Exception as error:  # noqa: BLE001  # whoever waits for this look must be told that it failed
            # Without the error's text, unless the system wrote it: it may show what a credential is made of.
            why = f": {error.strerror or error}" if isinstance(error, OSError) else ""
            kind = type(error).__name__
            return None, FetchFailed(Reason.CREDENTIALS_UNREADABLE, f"credentials can not be made ready: {kind}{why}")


def read_text(path: Path) -> str:
    """A small file's text without blanks around it. Raises FetchFailed if it can not be read or is empty."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise FetchFailed(Reason.CREDENTIALS_UNREADABLE, f"{path}: {error.strerror or error}") from None
    except UnicodeDecodeError:  # whose text would show what the file holds
        raise FetchFailed(Reason.CREDENTIALS_UNREADABLE, f"{path}: is not UTF-8 text") from None
    if not text:
        raise FetchFailed(Reason.CREDENTIALS_UNREADABLE, f"{path}: is empty; it should hold a credential")
    return text


def _stamp_of(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise FetchFailed(Reason.CREDENTIALS_UNREADABLE, f"{path}: {error.strerror or error}") from None
    return found.st_mtime_ns, found.st_ino, found.st_size
