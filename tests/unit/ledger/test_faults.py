"""Every refusal names the file, what is wrong with it and what to do about it."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from autoscaler.ledger.faults import damaged, from_error

PATH = Path("/var/lib/autoscaler/ledger.db")


def told(code: int) -> str:
    error = sqlite3.OperationalError("the words of SQLite")
    error.sqlite_errorcode = code
    text = str(from_error(PATH, error))
    assert text.startswith(f"ledger {PATH}: ")
    assert "(the words of SQLite). " in text
    return text


@pytest.mark.parametrize(
    ("code", "what", "remedy"),
    [
        (sqlite3.SQLITE_FULL, "the disk is full", "Free space on its volume. What was written before is safe"),
        (sqlite3.SQLITE_IOERR_WRITE, "did not take a write", "used-up quota or file size limit"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "did not take a write", "Free space on it"),
        (sqlite3.SQLITE_IOERR_READ, "failed to read or write", "Check the volume and the kernel's log"),
        (sqlite3.SQLITE_BUSY_TIMEOUT, "another program holds it locked", "Close that program"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "can not be written", "Make the file and its folder writable"),
        (sqlite3.SQLITE_CANTOPEN, "can not be opened", "Check that its path names a file"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "it is damaged", "restore it from a backup"),
        (sqlite3.SQLITE_NOTADB, "no SQLite file", "restore it from a backup"),
        (sqlite3.SQLITE_TOOBIG, "unforeseen", "Nothing is ordered until it works: check that the file"),
    ],
)
def test_a_failure_of_sqlite_says_what_to_do(code: int, what: str, remedy: str) -> None:
    text = told(code)
    assert what in text
    assert remedy in text


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free space"),
        (errno.EDQUOT, "Free space"),
        (errno.EFBIG, "file size limit"),
        (errno.EROFS, "on a volume that is not read-only"),
        (errno.ENOTDIR, "Nothing is ordered until it works"),
    ],
)
def test_a_failure_of_the_system_says_what_to_do(number: int, remedy: str) -> None:
    assert remedy in str(from_error(PATH, OSError(number, os.strerror(number))))


def test_damage_is_told_with_what_was_found_and_the_way_back() -> None:
    text = str(damaged(PATH, "row 5 missing from index orders_one_unsettled"))
    assert "it is damaged (row 5 missing from index orders_one_unsettled)" in text
    assert "compare the open orders of the old one with the instances and tasks in the console" in text
