"""Bugs that are planted into a daemon before it starts, to see that the rounds can fail."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path


def forget_what_was_being_sent(config: Path) -> None:
    """A daemon that takes an order which was being sent when its process died for one that was never sent.

    Planted in what it reads: its ledger says planned where it said submitting.
    """
    path = config.with_name("ledger.db")
    if path.exists():
        with closing(sqlite3.connect(path, isolation_level=None)) as ledger:
            ledger.execute("UPDATE orders SET state = 'planned' WHERE state = 'submitting'")


PLANTS: Mapping[str, Callable[[Path], None]] = {"forget_what_was_being_sent": forget_what_was_being_sent}
