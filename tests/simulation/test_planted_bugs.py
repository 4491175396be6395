"""The invariants can fail: each planted bug is caught within a bounded number of seeds, and a replay fails again."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation.runner import Result, run_seed

_ROOT = Path(__file__).parents[2]
_ENOUGH_SEEDS = 30
_STAMP = ".venv/.dev-stamp"


def _first_caught(bug: str, say: Callable[[str], None]) -> Result:
    """The first seed that catches the bug."""
    for seed in range(1, _ENOUGH_SEEDS + 1):
        result = run_seed(seed, bug)
        if result.failure is not None:
            say(f"{bug}: caught by seed {seed} of at most {_ENOUGH_SEEDS}: {result.failure.splitlines()[0]}")
            return result
    pytest.fail(f"no seed of {_ENOUGH_SEEDS} caught it")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """How many seeds it took is shown in every run, not only where a test fails."""

    def shown(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return shown


def test_an_order_that_is_sent_again_after_a_timeout_is_caught(say: Callable[[str], None]) -> None:
    told = str(_first_caught("resend-on-timeout", say).failure)
    assert "bought twice" in told or "is to be sent again" in told


def test_an_intent_that_is_written_after_the_call_is_caught(say: Callable[[str], None]) -> None:
    assert "no order on the disk" in str(_first_caught("ledger-after-call", say).failure)


def test_doubts_that_are_forgotten_at_a_restart_are_caught(say: Callable[[str], None]) -> None:
    told = str(_first_caught("forget-in-doubt", say).failure)
    assert "are paid for" in told or "were sold for it" in told


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=100)


def test_a_failing_seed_prints_one_command_and_that_command_fails_again(say: Callable[[str], None]) -> None:
    seed = str(_first_caught("ledger-after-call", lambda _: None).seed)
    options = ["--seeds", "1", "--first", seed, "--planted", "ledger-after-call"]
    told = _run([sys.executable, "-m", "tests.simulation", *options])
    assert told.returncode == 1, told.stderr
    assert told.stdout.count("make simulate") == 1
    command = next(line.split("replay: ")[1] for line in told.stdout.splitlines() if "replay: " in line)
    assert command == f"make simulate SEEDS=1 FIRST={seed} PLANTED=ledger-after-call"
    # As printed, but in the environment that runs this test.
    again = _run([*shlex.split(command), f"PY={sys.executable}", "-o", _STAMP])
    assert again.returncode != 0
    violation = next(line for line in told.stdout.splitlines() if line.startswith(f"seed {seed}, "))
    assert violation in again.stdout
