"""One request under way: what it is for, how far it got, and who is told.

Holds what the wave fetcher knows of it; does nothing by itself.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autoscaler.model.reason import Reason
from autoscaler.sources.http.connection import Connection
from autoscaler.sources.http.contract import Answer, FetchFailed
from autoscaler.sources.http.lines import Line


@dataclass(slots=True, eq=False)
class Exchange:
    """`deadline` is the loop's time, `within` the seconds that it was given.

    `kept`: it went out on a connection of an earlier wave. `polled`: the loop watches the socket. `task`: what it waits
    for beside an answer: a connection, files, the other fetcher.
    """

    url: str
    line: Line
    headers: Mapping[str, str]
    within: float
    deadline: float
    body_limit: int
    on_done: Callable[[Answer | FetchFailed], None]
    give_up: Callable[["Exchange"], None]
    connection: Connection | None = None
    task: asyncio.Task[None] | None = None
    kept: bool = False
    polled: bool = False
    done: bool = False

    def cancel(self) -> None:
        """Give it up: its connection is closed, and nobody is told of it."""
        self.give_up(self)

    def late(self) -> FetchFailed:
        """What is said when its deadline has come."""
        return FetchFailed(Reason.TIMED_OUT, f"no whole answer within {self.within:.3g} s")
