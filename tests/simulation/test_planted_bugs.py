"""The invariants can fail: each planted bug is caught within a bounded number of seeds."""

from pathlib import Path

import pytest

from tests.simulation.faulty_ledger import FaultyLedger
from tests.simulation.life import WatchedCloud
from tests.simulation.planted import ForgetInDoubt, LedgerAfterCall, ResendOnTimeout
from tests.simulation.simulation import Simulation
from tests.simulation.story import Violation

_ENOUGH_SEEDS = 30


def _first_caught(
    folder: Path, cloud: type[WatchedCloud] = WatchedCloud, ledger: type[FaultyLedger] = FaultyLedger
) -> str:
    """The violation of the first seed that catches the bug."""
    for seed in range(1, _ENOUGH_SEEDS + 1):
        own = folder / str(seed)
        own.mkdir()
        try:
            Simulation(seed, own, cloud, ledger).run()
        except Violation as violation:
            return str(violation)
    pytest.fail(f"no seed of {_ENOUGH_SEEDS} caught it")


def test_an_order_that_is_sent_again_after_a_timeout_is_caught(tmp_path: Path) -> None:
    assert "bought twice" in _first_caught(tmp_path, cloud=ResendOnTimeout)


def test_an_intent_that_is_written_after_the_call_is_caught(tmp_path: Path) -> None:
    assert "no order on the disk" in _first_caught(tmp_path, ledger=LedgerAfterCall)


def test_doubts_that_are_forgotten_at_a_restart_are_caught(tmp_path: Path) -> None:
    told = _first_caught(tmp_path, ledger=ForgetInDoubt)
    assert "are paid for" in told or "were sold for it" in told
