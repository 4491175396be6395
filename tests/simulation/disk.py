"""The disk that a process leaves behind: the ledger in memory or as a SQLite file, and what is durable on it.

It outlives every process. A death leaves of a SQLite ledger what the kernel would leave: the files as they are.
"""

import os
import shutil
from pathlib import Path
from typing import Literal

from autoscaler.ledger.file import Access
from autoscaler.ledger.memory import MemoryLedger
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.act import Act
from autoscaler.ports import Ledger

LedgerKind = Literal["memory", "sqlite"]


class _Opened(SqliteLedger):
    """A ledger that is known from before its file is opened: its process may die while it opens."""

    last: SqliteLedger | None = None

    def __init__(self, path: Path, access: Access) -> None:
        super().__init__(path, access)
        if access is Access.OWNER:
            _Opened.last = self


class Disk:
    """Gives every life the ledger that the last one left. `folder` is this seed's own, and used by SQLite only."""

    def __init__(self, kind: LedgerKind, folder: Path) -> None:
        self._kind = kind
        self._folder = folder
        self._memory = MemoryLedger()
        _Opened.last = None
        self._images = 0

    async def open(self) -> Ledger:
        """The ledger, for one life. Raises LedgerUnusable."""
        if self._kind == "memory":
            return self._memory
        return await _Opened.connect(self._path())

    def died(self) -> None:
        """The process is gone: its files stay as they were, its descriptors are closed by the kernel.

        The next life gets a copy, so that closing the connection here, which tidies up, changes nothing.
        """
        ledger, _Opened.last = _Opened.last, None
        if ledger is None:
            return
        left = [path for path in (self._path(), self._path("-wal")) if path.exists()]
        self._images += 1
        self._path().parent.mkdir(parents=True)
        for path in left:
            shutil.copy(path, self._path().with_name(path.name))
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

    def _path(self, suffix: str = "") -> Path:
        return self._folder / str(self._images) / f"ledger.db{suffix}"
