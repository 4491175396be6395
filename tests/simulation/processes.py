"""Processes: lives that can end as by `kill -9`. What runs in a process is known by its context, not by its code.

A process is entered by making a task in its context; everything that this task starts inherits it. What runs in no
process is the world: the vendor, the network, the people.
"""

import asyncio
from contextvars import Context, ContextVar, copy_context


class Process:
    """One life. `steps` counts the handles that ran in it: between any two of them it may die.

    `dies_after` is the number of steps after which it is killed, None for a life that is not killed by count; `dies_of`
    says by what.
    `ended` is set, in the world, when the process was killed.
    """

    __slots__ = ("alive", "context", "dies_after", "dies_of", "ended", "held", "name", "steps")

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.steps = 0
        self.dies_after: int | None = None
        self.dies_of = ""
        self.held: list[asyncio.Handle] | None = None
        self.ended = asyncio.Event()
        self.context: Context = copy_context()
        self.context.run(PROCESS.set, self)


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
