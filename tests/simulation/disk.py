"""The disk that a process leaves behind: the ledger in memory or as a SQLite file, and what is durable on it.

It outlives every process. A death leaves of a SQLite ledger what the kernel would leave: the files as they are, be it
between two statements of a transaction or with half of a commit in the log.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from autoscaler.ledger.file import Access
from autoscaler.ledger.memory import MemoryLedger
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.act import Act
from autoscaler.ports import Ledger

LedgerKind = Literal["memory", "sqlite"]
StatementFate = Literal["well", "between two statements", "inside a commit"]
_WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT")
_FOLDED_FROM = 4_000_000
"""Bytes of the log near which SQLite folds it into the file by itself (1000 pages of 4096)."""


class _Opened(SqliteLedger):
    """A ledger that is known from before its file is opened: its process may die while it opens."""

    last: SqliteLedger | None = None
    tell: Callable[[str], None]

    def __init__(self, path: Path, access: Access) -> None:
        super().__init__(path, access)
        if access is Access.OWNER:
            _Opened.last = self

    def _open_file(self) -> None:
        super()._open_file()
        if self._access is Access.OWNER and self._file is not None:
            self._file.connection.set_trace_callback(_Opened.tell)


class Disk:
    """Gives every life the ledger that the last one left. `folder` is this seed's own, and used by SQLite only.

    `fate` is asked before every statement that writes; `dies` is told where the process ends by it, and ends it.
    """

    def __init__(
        self, kind: LedgerKind, folder: Path, fate: Callable[[], StatementFate], dies: Callable[[str], None]
    ) -> None:
        self._kind = kind
        self._folder = folder
        self._fate = fate
        self._dies = dies
        self._memory = MemoryLedger()
        self._images = 0
        self._taken = False
        self._torn: int | None = None
        self._doomed = False
        _Opened.last = None
        _Opened.tell = self._statement

    async def open(self) -> Ledger:
        """The ledger, for one life. Raises LedgerUnusable."""
        if self._kind == "memory":
            return self._memory
        self._taken, self._torn, self._doomed = False, None, False
        return await _Opened.connect(self._path())

    def died(self, share: float) -> None:
        """The process is gone: its files stay as they were, its descriptors are closed by the kernel.

        The next life gets a copy, so that closing the connection here, which tidies up, changes nothing. Of a commit
        that was under way, `share` (0 to 1) reached the log.
        """
        ledger, _Opened.last = _Opened.last, None
        if ledger is None:
            return
        if not self._taken:
            self._take_image()
            self._tear(share)
        ledger._thread.shutdown(wait=False)
        file = ledger._file
        if file is not None:
            if file._connection is not None:
                file._connection.close()
            if file._lock is not None:
                os.close(file._lock)

    async def file(self, act: Act) -> None:
        """What a person says, written by the command line beside whatever daemon runs. Raises LedgerError."""
        if self._kind == "memory":
            await self._memory.file(act)
            return
        clerk = await SqliteLedger.connect(self._path(), access=Access.CLERK)
        await clerk.file(act)
        await clerk.close()

    def bytes_written(self) -> bytes:
        """What an outsider would find on the disk."""
        return b"".join(path.read_bytes() for path in sorted(self._folder.rglob("ledger.db*")))

    def _statement(self, text: str) -> None:
        """SQLite is about to run a statement, in the daemon's thread. What it runs after a death reaches no image."""
        text = text.lstrip()
        if self._taken or self._torn is not None or not text.startswith(_WRITES):
            return
        fate = self._fate()
        if fate == "between two statements":
            self._take_image()
            self._dies(fate)
            return
        self._doomed = self._doomed or fate == "inside a commit"
        if self._doomed and text.startswith("COMMIT"):
            self._torn = self._log_size()
            self._dies("inside a commit")

    def _take_image(self) -> None:
        self._taken = True
        left = [path for path in (self._path(), self._path("-wal")) if path.exists()]
        self._images += 1
        self._path().parent.mkdir(parents=True)
        for path in left:
            shutil.copy(path, self._path().with_name(path.name))

    def _tear(self, share: float) -> None:
        """Cut the log within the commit that the process did not live to see reported.

        Not where the log may have been folded into the file since: that happens only after the commit is whole.
        """
        before, now = self._torn, self._log_size()
        if before is not None and before < now < _FOLDED_FROM:
            os.truncate(self._path("-wal"), before + int(share * (now - before)))

    def _log_size(self) -> int:
        log = self._path("-wal")
        return log.stat().st_size if log.exists() else 0

    def _path(self, suffix: str = "") -> Path:
        return self._folder / str(self._images) / f"ledger.db{suffix}"
