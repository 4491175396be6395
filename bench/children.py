"""The processes of a run: started with a log of their own, measured from outside, and ended by their pid, always.

CPU is the process CPU clock of the kernel (clock_gettime(2), user and system of all threads, living and dead, in
nanoseconds); memory is VmRSS of proc(5). Nothing here knows what a process does.
"""

import ctypes
import json
import random
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_ROOT = Path(__file__).parent.parent
"""Where our own modules are found with `python -m`."""
_PORTS = range(18000, 32000)
"""Below the ephemeral range of Linux, from which outgoing connections take theirs."""
_PROCESS_CLOCK = 2
_PR_SET_PDEATHSIG = 1
_GRACE = 5.0


class ChildFailed(Exception):
    """A process did not come up, died or did not answer; says which one, and the end of its log."""


def free_port(host: str = "0.0.0.0") -> int:  # noqa: S104  # bound for a moment, to see that nobody has it anywhere
    """A TCP port that nobody listens on. Raises ChildFailed if there is none."""
    for port in random.SystemRandom().sample(_PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise ChildFailed(f"no free port found in {_PORTS.start} to {_PORTS.stop}")


def _die_with_the_parent() -> None:
    """In the child: be killed when the benchmark is, even by SIGKILL (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One process. Use it as a context manager: leaving it ends the process."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, *, speaks: bool = False) -> None:
        """`speaks`: it is one of ours, with `bench.control` on its stdin and stdout."""
        self.name = name
        self._log = folder / f"{name}.log"
        self._speaks = speaks
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # the commands are made here
                command,
                stdin=subprocess.PIPE if speaks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if speaks else log,
                stderr=log,
                cwd=_ROOT,
                preexec_fn=_die_with_the_parent,  # noqa: PLW1509  # the benchmark has one thread
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it and wait for its end."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def check(self) -> None:
        """Raises ChildFailed if it is not alive."""
        if self._process.poll() is not None:
            raise ChildFailed(f"{self.name} ended with status {self._process.returncode}: {self._last_words()}")

    def cpu(self) -> float:
        """Seconds of CPU that it has used so far. Raises ChildFailed if it is not alive."""
        self.check()
        return time.clock_gettime((~self.pid << 3) | _PROCESS_CLOCK)

    def rss_mb(self) -> float:
        """Resident memory in MB (10^6 bytes). Raises ChildFailed if it is not alive."""
        self.check()
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024 / 1e6

    def ask(self, command: str, within: float = 20.0) -> Mapping[str, Any]:
        """Send a command, wait for its answer."""
        assert self._process.stdin is not None  # noqa: S101  # `speaks`
        self.check()
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()
        return self.heard(within)

    def heard(self, within: float) -> Mapping[str, Any]:
        """The next line that it prints. Raises ChildFailed if none comes within so many seconds."""
        assert self._process.stdout is not None  # noqa: S101  # `speaks`
        ready, _, _ = select.select([self._process.stdout], [], [], within)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            if ready:  # the end of its stdout: it is about to be gone
                self._process.wait(_GRACE)
            self.check()
            raise ChildFailed(f"{self.name} said nothing within {within:g} s: {self._last_words()}")
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    def _last_words(self) -> str:
        return self._log.read_bytes()[-600:].decode(errors="replace").strip() or "its log is empty"


@contextmanager
def children() -> Iterator[ExitStack]:
    """A place for the processes of one run; all of them end with it, also when the benchmark is told to end."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    former = signal.signal(signal.SIGTERM, leave)
    try:
        with ExitStack() as stack:
            yield stack
    finally:
        signal.signal(signal.SIGTERM, former)
