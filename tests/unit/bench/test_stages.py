"""The order of a run: every row has its stage, all of them fit the budget, a fault costs its own rows only."""

from collections.abc import Iterable
from contextlib import ExitStack

import pytest

from bench import stages
from bench.children import ChildFailed
from bench.rows import SPECS, Row
from bench.scraping import Run
from bench.stages import BUDGET, STAGES, Planned, run_stages


def hushed(_: str) -> None:
    """Nobody listens."""


def test_every_row_comes_of_one_stage() -> None:
    assert sorted(name for stage in STAGES for name in stage.rows) == sorted(SPECS)


def test_all_rows_together_fit_into_eight_minutes() -> None:
    own = sum(stage.seconds for stage in STAGES if stage.rows != ("lag",))  # the lag is measured beside the others
    assert own <= BUDGET == 480


def test_a_stage_that_fails_costs_its_own_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Run, __: ExitStack) -> Iterable[Row]:
        yield Row(SPECS["node"], [1.0])
        raise ChildFailed("prometheus ended with status 1")

    def sound(_: Run, __: ExitStack) -> Iterable[Row]:
        yield Row(SPECS["exporter"], [1.0])

    monkeypatch.setattr(
        stages, "STAGES", (Planned(broken, ("node", "node-aiohttp"), 1.0), Planned(sound, ("exporter",), 1.0))
    )
    rows = {row.spec.name: row.failed for row in run_stages(frozenset(SPECS), hushed)}
    assert rows == {"node": "", "node-aiohttp": "ChildFailed: prometheus ended with status 1", "exporter": ""}


def test_a_row_that_would_end_too_late_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: Run, __: ExitStack) -> Iterable[Row]:
        raise AssertionError("begun")

    monkeypatch.setattr(stages, "STAGES", (Planned(never, ("exporter",), BUDGET + 1),))
    (row,) = run_stages(frozenset({"exporter"}), hushed)
    assert "are needed" in row.failed


def test_only_the_rows_that_are_wanted_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(_: Run, __: ExitStack) -> Iterable[Row]:
        yield Row(SPECS["extraction-node"], [1.0])
        yield Row(SPECS["extraction-ksm"], [1.0])

    monkeypatch.setattr(stages, "STAGES", (Planned(both, ("extraction-node", "extraction-ksm"), 1.0),))
    rows = list(run_stages(frozenset({"extraction-ksm"}), hushed))
    assert [row.spec.name for row in rows] == ["extraction-ksm"]
