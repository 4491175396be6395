"""The file of the SQLite ledger: made whole or not at all, owned by one daemon, checked before it is trusted.

A path comes in, a connection that is durable and of the right version goes out, or LedgerUnusable. All of this blocks,
and must run in the thread that will use the connection. Orders are none of its business.
"""

import fcntl
import os
import sqlite3
from contextlib import closing, suppress
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from autoscaler.ledger.faults import MOVE_ASIDE, damaged, from_error, unusable
from autoscaler.model.errors import LedgerUnusable

MIGRATIONS = ("0001_orders.sql", "0002_money_acts_retention.sql", "0003_failed_joins.sql")
"""The files in `sql/`, in order: `user_version` counts how many of them a ledger has seen. Append only."""

APPLICATION_ID = 0x454E5341
"""`ENSA` in the header tells a ledger from any other SQLite file. Source: sqlite.org, "PRAGMA application_id"."""

_PRAGMAS: tuple[tuple[str, str | int], ...] = (
    ("busy_timeout", 5000),
    ("journal_mode", "wal"),
    ("synchronous", 2),  # FULL: every commit is on the disk before it is reported
    ("foreign_keys", 1),
)


class Access(StrEnum):
    """Who opens a ledger.

    An OWNER, the daemon, writes everything, and there is one at a time. A READER makes nothing and owns nothing: it may
    look while a daemon runs. A CLERK is a reader who may file acts beside the owner: a command of the operator's.
    """

    OWNER = "owner"
    READER = "reader"
    CLERK = "clerk"


class LedgerFile:
    """An open ledger file. `connection` belongs to the thread that made this."""

    def __init__(self, path: Path, access: Access) -> None:
        """Open or, for an owner, make the file; raises LedgerUnusable."""
        self.path = path
        self._lock: int | None = None
        self._connection: sqlite3.Connection | None = None
        try:
            if access is Access.OWNER:
                self._open_to_own()
            else:
                self._open_beside_the_owner(access)
            stat = path.stat()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise from_error(path, error) from error
        except BaseException:
            self.close()
            raise
        self._identity = (stat.st_dev, stat.st_ino)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection; raises LedgerUnusable after `close`."""
        if self._connection is None:
            raise LedgerUnusable(f"ledger {self.path}: it is closed")
        return self._connection

    def check_in_place(self) -> None:
        """Refuse to write into a file that has lost its name: the next start would not find those orders.

        Raises LedgerUnusable.
        """
        try:
            stat = self.path.stat()
        except OSError:
            stat = None
        if stat is None or (stat.st_dev, stat.st_ino) != self._identity:
            what = "it was deleted or replaced while this program had it open"
            raise unusable(self.path, what, "Put the former file back, or stop this program before you exchange it")

    def close(self) -> None:
        """Release the connection and the lock; a second call does nothing."""
        connection, self._connection = self._connection, None
        lock, self._lock = self._lock, None
        try:
            if connection is not None:
                connection.close()
        finally:
            if lock is not None:
                os.close(lock)

    def _open_beside_the_owner(self, access: Access) -> None:
        if not self.path.exists():
            remedy = "Check the path of the ledger in the settings: a daemon makes the file when it starts"
            raise unusable(self.path, "there is no such file", remedy)
        _check_not_empty(self.path)
        self._connection = _connect(self.path, "rw" if access is Access.CLERK else "ro")
        version = _version(self._connection, self.path)
        if version < len(MIGRATIONS):
            what = f"it has schema {version}, and this program reads {len(MIGRATIONS)}"
            raise unusable(
                self.path, what, "Start this version of the daemon on it once: it brings the file up to date"
            )
        if access is Access.CLERK:
            _apply_pragmas(self._connection, self.path)
        _check_content(self._connection, self.path, "PRAGMA quick_check(1)")

    def _open_to_own(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _take_lock(self.path)
        if not self.path.exists():
            _make(self.path)
        _check_not_empty(self.path)
        self._connection = _connect(self.path, "rw")
        version = _version(self._connection, self.path)
        _apply_pragmas(self._connection, self.path)
        _check_content(self._connection, self.path, "PRAGMA integrity_check(1)")
        _check_content(self._connection, self.path, "PRAGMA foreign_key_check")
        _migrate(self._connection, version)


def _check_not_empty(path: Path) -> None:
    """SQLite takes an empty file for a new database; here it is a ledger that has lost its orders."""
    if path.is_file() and path.stat().st_size == 0:
        raise unusable(path, "it is empty", MOVE_ASIDE)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """`mode` as in SQLite's URI: ro, rw, rwc. Transactions are begun and ended by hand."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=5.0, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """How many migrations the file has seen; refuses a file that is newer, or no ledger. Changes nothing in it."""
    version = int(_pragma(connection, "user_version"))
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise unusable(path, "it is a database of another program", "Check the path of the ledger in the settings")
    if version > len(MIGRATIONS):
        what = f"it has schema {version}, and this program knows {len(MIGRATIONS)}"
        raise unusable(path, what, "A newer version has written it: run that version or a later one")
    return version


def _apply_pragmas(connection: sqlite3.Connection, path: Path) -> None:
    """Set, and read back: SQLite ignores silently what it can not do, e.g. WAL on a network volume."""
    for name, value in _PRAGMAS:
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        found = _pragma(connection, name)
        if found != value:
            remedy = "Put it on a local volume of a usual file system"
            raise unusable(path, f"SQLite can not keep it safe here ({name} stays {found})", remedy)


def _check_content(connection: sqlite3.Connection, path: Path, check: str) -> None:
    for row in connection.execute(check):
        if tuple(row) != ("ok",):
            raise damaged(path, " ".join(str(part) for part in row))


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring the file to the present schema: each migration and its number in one transaction."""
    for number, name in enumerate(MIGRATIONS[version:], start=version + 1):
        sql = (files("autoscaler.ledger") / "sql" / name).read_text(encoding="utf-8")
        connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")


def _make(path: Path) -> None:
    """A new ledger under another name, then renamed: whoever sees the path sees a whole ledger."""
    if _beside(path, "-wal").exists():
        what = "it is missing, and its -wal file is there"
        raise unusable(path, what, "Put the file back where it was: the -wal file holds its latest orders")
    fresh = _beside(path, ".new")
    for leftover in (fresh, _beside(fresh, "-wal"), _beside(fresh, "-shm"), _beside(fresh, "-journal")):
        leftover.unlink(missing_ok=True)
    with closing(_connect(fresh, "rwc")) as connection:
        _apply_pragmas(connection, fresh)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _migrate(connection, 0)
    fresh.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _take_lock(path: Path) -> int:
    """Own the ledger until the returned descriptor is closed; the kernel closes it for a process that was killed.

    The lock file stays: to delete it would let two daemons lock two files of one name.
    """
    lock = os.open(_beside(path, ".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        what = f"another daemon uses it (process {owner}), and a second one refuses to order"
        remedy = "Stop that one first, or give this one another path and other regions"
        raise unusable(path, what, remedy) from None
    except OSError:
        os.close(lock)
        raise
    with suppress(OSError):  # the number is a courtesy to the reader of the message above
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def _pragma(connection: sqlite3.Connection, name: str) -> str | int:
    value: str | int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
