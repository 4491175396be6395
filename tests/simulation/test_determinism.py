"""Same seed, same story: whatever ran before, and whatever PYTHONHASHSEED is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.runner import run_seed

_ROOT = Path(__file__).parents[2]
_SEEDS = (3, 4, 6)
_PROGRAM = """
import sys
from tests.simulation.runner import run_seed
print(*(run_seed(int(seed)).digest for seed in sys.argv[1:]))
"""


def _digests(hash_seed: str, *seeds: int) -> list[str]:
    command = [sys.executable, "-c", _PROGRAM, *(str(seed) for seed in seeds)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(_ROOT)}
    told = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=True, timeout=100)
    return told.stdout.split()


def test_two_runs_of_a_seed_tell_the_same_story() -> None:
    assert run_seed(4).digest == run_seed(4).digest


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_story_does_not_depend_on_the_hash_seed_or_on_the_seeds_before(hash_seed: str) -> None:
    assert _digests(hash_seed, *_SEEDS) == [run_seed(seed).digest for seed in _SEEDS]
