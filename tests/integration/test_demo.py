"""The demo, as people run it: piped, in a terminal, and without end."""

import asyncio
import os
import pty
import re
import signal
import sys
from pathlib import Path

from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.order import BOUGHT

ESCAPE = "\x1b["


async def run(*options: str, within: float, stop_at: str = "") -> tuple[int, str]:
    """`autoscaler demo` as a process with its output in a pipe; SIGTERM at the first line with `stop_at`, if given."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "autoscaler", "demo", *options), stdout=asyncio.subprocess.PIPE
    )
    try:
        told = await asyncio.wait_for(until_line(child, stop_at), within) if stop_at else b""
        output = told + (await asyncio.wait_for(child.communicate(), within))[0]
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return child.returncode or 0, output.decode()


async def until_line(child: asyncio.subprocess.Process, word: str) -> bytes:
    """Read up to the line with `word`, then send SIGTERM; gives what was read."""
    assert child.stdout is not None
    told = b""
    while word.encode() not in told:
        line = await child.stdout.readline()
        assert line, told
        told += line
    child.send_signal(signal.SIGTERM)
    return told


async def test_the_demo_converges_and_its_books_equal_the_ledgers(tmp_path: Path) -> None:
    code, output = await run("--directory", str(tmp_path), within=100)

    assert code == 0, output
    assert ESCAPE not in output
    assert re.search(r"status +http://127\.0\.0\.1:\d+/api/v1/status", output)
    for word in (
        "AboveTarget",
        "ApiAccepted",
        "NodesReady",
        "OutOfStock",
        "AllVotesAbstain",
        "AboveMaximum",
        "summary",
    ):
        assert word in output
    told = re.search(r"CONVERGED: .* agree on (\d+) nodes", output)
    assert told is not None
    ledger = await SqliteLedger.connect(tmp_path / "ledger.db", read_only=True)
    orders = await ledger.all(1000)
    await ledger.close()
    assert sum(order.nodes for order in orders if order.state in BOUGHT) == int(told[1]) > 0


async def test_a_demo_that_has_not_converged_says_so_and_fails() -> None:
    code, output = await run("--seconds", "11.5", within=30)
    assert code == 1
    assert "NOT CONVERGED: cn-beijing-cmcc-2" in output


async def test_a_demo_without_end_is_ended_by_sigterm(tmp_path: Path) -> None:
    code, output = await run("--forever", "--directory", str(tmp_path), within=20, stop_at="scene")
    assert code == 0, output
    assert "summary" in output


async def test_a_terminal_shows_a_live_table() -> None:
    ours, theirs = pty.openpty()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "autoscaler", "demo", "--seconds", "2"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
    )
    os.close(theirs)
    seen = await asyncio.wait_for(asyncio.to_thread(read_all, ours), 30)
    assert await child.wait() == 1
    assert "did not settle within 2 s" in seen
    assert ESCAPE in seen
    assert "edge fleet" in seen


def read_all(terminal: int) -> str:
    """Everything up to the other side's end (Linux reports that as an error)."""
    parts = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            part = b""
        if not part:
            break
        parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode(errors="replace")
