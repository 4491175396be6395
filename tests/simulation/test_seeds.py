"""Every promise is kept, over as many seeds as two cores run in about two minutes; and the command says what it did."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_FIRST, _SEEDS = 1, 400
_PATIENCE = 900


def _simulate(*options: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own, not slowed down by the measuring of coverage."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    command = [sys.executable, "-m", "tests.simulation", *options]
    return subprocess.run(
        command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False, timeout=_PATIENCE
    )


@pytest.mark.timeout(_PATIENCE)
def test_no_seed_breaks_a_promise_and_every_kind_of_trouble_comes_up() -> None:
    told = _simulate("--seeds", str(_SEEDS), "--first", str(_FIRST), "--jobs", "2")
    assert told.returncode == 0, told.stdout + told.stderr
    assert f"{_SEEDS} seeds, " in told.stdout
    assert "FAILED" not in told.stdout


def test_a_few_seeds_say_what_they_did_not_provoke() -> None:
    told = _simulate("--seeds", "1", "--first", "2")
    assert "not provoked by so few seeds" in told.stdout
    assert told.stderr == ""
