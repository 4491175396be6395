"""Rows, the table, the JSON file and what can be asked for."""

import json
from pathlib import Path

import pytest

from bench.__main__ import arguments, main
from bench.arithmetic import Goal
from bench.report import table, write_json
from bench.rows import SPECS, Row, chosen

KEYS = {"name", "ours", "peer", "ratio", "goal", "unit"}


def test_a_row_is_the_median_of_its_windows() -> None:
    row = Row(SPECS["node"], [100.0, 120.0, 500.0], [600.0, 720.0, 700.0], "prometheus 3.5.3")
    assert row.ratio == pytest.approx(700 / 120)
    assert row.met is True


def test_a_row_in_json_has_what_others_read() -> None:
    said = Row(SPECS["node"], [100.0], [600.0], "prometheus 3.5.3", {"missed_ours": 0}).as_json()
    assert said.keys() >= KEYS
    assert (said["name"], said["ours"], said["peer"], said["ratio"], said["goal"]) == ("node", 100.0, 600.0, 6.0, 5)
    assert said["missed_ours"] == 0
    assert "failed" not in said


def test_a_row_without_numbers_says_why_and_meets_nothing() -> None:
    row = Row(SPECS["node"], failed="no prometheus")
    assert row.met is None
    assert row.as_json()["ours"] is None
    assert row.as_json()["failed"] == "no prometheus"
    assert "node: no prometheus" in table([row])


def test_a_row_without_a_peer_is_judged_by_itself() -> None:
    assert Row(SPECS["lag"], [51.0]).met is False
    assert Row(SPECS["lag"], [49.0]).met is True


def test_the_file_holds_one_object_a_row(tmp_path: Path) -> None:
    file = tmp_path / "build" / "bench.json"
    write_json([Row(SPECS["node"], [100.0], [600.0]), Row(SPECS["lag"], [3.0])], file)
    assert [row["name"] for row in json.loads(file.read_text())] == ["node", "lag"]


def test_the_table_tells_a_missed_goal() -> None:
    text = table([Row(SPECS["node"], [100.0], [400.0], "prometheus 3.5.3", {"rss_mb_ours": 44.2, "rss_mb_peer": 376})])
    assert "MISSED" in text
    assert "44 / 376" in text
    assert "prometheus 3.5.3" in text


def test_all_rows_are_run_if_none_is_named() -> None:
    assert chosen("") == frozenset(SPECS)


def test_one_row_is_run_by_its_name() -> None:
    assert chosen("node") == {"node"}
    assert chosen("memory-vmagent") == {"memory-vmagent"}


def test_the_first_word_of_several_rows_runs_them_all() -> None:
    assert chosen("extraction") == {"extraction-node", "extraction-ksm"}


def test_an_unknown_row_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        arguments(["nodes"])
    assert refused.value.code == 2
    assert "memory-vmagent" in capsys.readouterr().err


def test_the_rows_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert all(name in capsys.readouterr().out or name for name in SPECS)


def test_goals_read_as_they_are_meant() -> None:
    assert str(SPECS["node"].goal) == "peer/ours >= 5"
    assert str(SPECS["lag"].goal) == "<= 50"
    assert isinstance(SPECS["lag"].goal, Goal)
