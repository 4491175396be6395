"""How the benchmark talks to the processes that it starts in Python: lines on stdin, JSON lines on stdout.

A process ends when its stdin does, so that none outlives the benchmark.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

Spec = TypeVar("Spec")
READY = {"ready": True}
"""The first line that such a process prints."""


def read_spec(kind: type[Spec], path: Path) -> Spec:
    """A dataclass from the JSON file that `as_json` was written to."""
    return kind(**json.loads(path.read_text()))


def say(answer: Mapping[str, Any]) -> None:
    """One line to the benchmark."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def command_loop(commands: Mapping[str, Callable[[], Mapping[str, Any]]]) -> None:
    """Say that this process is ready, then answer commands until stdin ends. Raises KeyError for an unknown one."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say(READY)
    while line := await reader.readline():
        say(commands[line.decode().strip()]())


def raise_open_files() -> None:
    """As many open files as this user may have: a connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
