"""Daemons out of the nursery: started, watched by their log, killed by pid.

A configuration comes in, a running daemon goes out. The nursery is a child of the test, the daemons are children of the
nursery, and none of them outlives `nursery()`.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.integration.daemon import ROOT

ANSWERS_WITHIN = 30.0
"""Seconds, the first import of the product included."""
_GLANCE = 0.003
_GLANCES = 100
Line = dict[str, Any]


class Nursery:
    """The client of nursery.py. Made by `nursery` only."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, **request: object) -> dict[str, Any]:
        """One request and its answer. Raises AssertionError when the nursery has ended, TimeoutError."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        async with self._one_at_a_time, asyncio.timeout(ANSWERS_WITHIN):
            stdin.write(json.dumps(request).encode() + b"\n")
            line = await stdout.readline()
        assert line, "the nursery has ended"
        return dict(json.loads(line))

    async def daemon(self, config: Path, log: Path, port: int, plant: str = "") -> "Fork":
        """Start a daemon that writes all its output to the file `log`."""
        await asyncio.to_thread(log.touch)
        answer = await self.ask(config=str(config), log=str(log), port=port, plant=plant)
        return Fork(self, answer["pid"], log)


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """A nursery; at the end neither it nor any of its children is left."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AUTOSCALER_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.kills.nursery"),
        cwd=ROOT,
        env={**inherited, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Nursery(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class Fork:
    """One daemon. Its number stays its own until it is reaped, so a late SIGKILL hits nobody else."""

    def __init__(self, home: Nursery, pid: int, log: Path) -> None:
        self.pid = pid
        self._home = home
        self._log = log
        self._read = 0
        self._rest = b""
        self._unseen: deque[Line] = deque()

    def forget(self) -> None:
        """Pass over what it has logged so far: only what comes after it counts for `logs`."""
        self._take()
        self._unseen.clear()

    def _take(self) -> None:
        with self._log.open("rb") as log:
            log.seek(self._read)
            fresh = log.read()
        self._read += len(fresh)
        *whole, self._rest = (self._rest + fresh).split(b"\n")
        self._unseen.extend(json.loads(line) if line.startswith(b"{") else {"event": line.decode()} for line in whole)

    async def logs(self, fits: Callable[[Line], bool], within: float) -> Line:
        """Wait for a line; those before it are passed over.

        Raises AssertionError after `within` seconds, or when the daemon has ended by itself.
        """
        end = time.monotonic() + within
        while time.monotonic() < end:
            for _ in range(_GLANCES):
                self._take()
                while self._unseen:
                    line = self._unseen.popleft()
                    if fits(line):
                        return line
                await asyncio.sleep(_GLANCE)
            await self.lives()
        raise AssertionError(f"the daemon did not log it within {within:g} s:\n{self.output}")

    async def lives(self) -> None:
        """Raises AssertionError when it has ended by itself."""
        code = (await self._home.ask(look=self.pid))["code"]
        assert code is None, f"the daemon ended with code {code}:\n{self.output}"

    @property
    def output(self) -> str:
        """The end of what it has written."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]

    async def kill(self, after: float) -> float:
        """SIGKILL in `after` seconds; gives the moment, Unix seconds. Raises AssertionError if it had ended before.

        From a thread: the moment must not be one at which the simulator, on the event loop, happens to be idle.
        """

        def strike() -> float:
            time.sleep(after)
            at = time.time()
            os.kill(self.pid, signal.SIGKILL)
            return at

        at = await asyncio.to_thread(strike)
        code = (await self._home.ask(reap=self.pid))["code"]
        assert code == -signal.SIGKILL, f"the daemon ended with code {code} before it was killed:\n{self.output}"
        return at
