"""What went wrong with the file, in words for the person on duty: which file, what, and what to do.

Errors of SQLite and of the operating system come in, LedgerUnusable goes out. The one table of such words.
"""

import errno
import sqlite3
from pathlib import Path

from autoscaler.model.errors import LedgerUnusable

MOVE_ASIDE = (
    "Stop every daemon on it and restore it from a backup. To begin a new one, first compare the open orders of "
    "the old one with the instances and tasks in the console (an order that is forgotten is bought again), then move "
    "the file aside together with its -wal and -shm files"
)
_SAFE = "What was written before is safe, and writing goes on by itself"
_CORRUPT = ("it is damaged or no SQLite file", MOVE_ASIDE)
_LOCKED = (
    "another program holds it locked",
    "Close that program (a backup, an sqlite3 shell) or wait for it; this one goes on by itself at the next write",
)
_FULL = ("the disk is full", f"Free space on its volume. {_SAFE}")
_WRITE_FAILED = (
    "its volume did not take a write",
    f"Free space on it, look for a used-up quota or file size limit (ulimit -f), then at the kernel's log. {_SAFE}",
)
_FORBIDDEN = (
    "it can not be written",
    "Make the file and its folder writable for the user of this program, on a volume that is not read-only",
)
_NOT_OPENED = (
    "it can not be opened",
    "Check that its path names a file, and that this user may write it and its folder (readers write its -shm file)",
)
_IO = ("the volume failed to read or write", "Check the volume and the kernel's log before anything else")

_BY_SQLITE = {
    sqlite3.SQLITE_IOERR_WRITE: _WRITE_FAILED,
    sqlite3.SQLITE_IOERR_SHMSIZE: _WRITE_FAILED,  # what a start on a full disk meets
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _FORBIDDEN,
    sqlite3.SQLITE_PERM: _FORBIDDEN,
    sqlite3.SQLITE_CANTOPEN: _NOT_OPENED,
    sqlite3.SQLITE_IOERR: _IO,
    sqlite3.SQLITE_CORRUPT: _CORRUPT,
    sqlite3.SQLITE_NOTADB: _CORRUPT,
}
_BY_ERRNO = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: _WRITE_FAILED,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
    errno.EIO: _IO,
}
_UNFORESEEN = (
    "it failed in an unforeseen way",
    "Nothing is ordered until it works: check that the file, its folder and its volume are sound, then start again",
)


def unusable(path: Path, what: str, remedy: str) -> LedgerUnusable:
    """The error with its text: the file, what is wrong, what to do."""
    return LedgerUnusable(f"ledger {path}: {what}. {remedy}.")


def from_error(path: Path, error: sqlite3.Error | OSError) -> LedgerUnusable:
    """The error for a failure of SQLite (by its result code, or the primary one) or of the system (by errno)."""
    if isinstance(error, OSError):
        what, remedy = _BY_ERRNO.get(error.errno or 0, _UNFORESEEN)
    else:
        # Errors raised by Python's own module, before SQLite is asked, carry no code.
        code = getattr(error, "sqlite_errorcode", 0)
        what, remedy = _BY_SQLITE.get(code) or _BY_SQLITE.get(code & 0xFF, _UNFORESEEN)
    return unusable(path, f"{what} ({error})", remedy)


def damaged(path: Path, found: str) -> LedgerUnusable:
    """The error for content that SQLite could read and that is wrong all the same."""
    return unusable(path, f"it is damaged ({found})", MOVE_ASIDE)
