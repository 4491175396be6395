"""`autoscaler check` over a configuration full of mistakes: each one is told, and no secret is."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autoscaler.cli.check import command
from autoscaler.simulator.demo_files import lay_out

GOLDEN = Path(__file__).parents[1] / "golden" / "bad_configuration"
SHIPPED = Path(__file__).parents[2]


def run(folder: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(folder)
    return CliRunner().invoke(command, ["--config", path])


def test_every_mistake_of_every_file_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(GOLDEN, "autoscaler.yaml", monkeypatch)
    expected = (GOLDEN / "expected.txt").read_text(encoding="utf-8")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == expected.splitlines()


def test_the_golden_mistakes_are_many_and_in_several_files() -> None:
    problems = (GOLDEN / "expected.txt").read_text(encoding="utf-8").splitlines()[:-1]
    assert len(set(problems)) >= 50
    assert len({problem.partition(":")[0] for problem in problems}) == 5
    assert all(problem.split(":")[1].isdigit() for problem in problems)


def test_no_secret_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(GOLDEN, "autoscaler.yaml", monkeypatch)
    for secret in ("Golden-Secret", "goldensecret"):
        assert secret not in result.output


def test_every_misspelt_word_is_told_with_the_likely_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run(GOLDEN, "autoscaler.yaml", monkeypatch).stderr
    for wrong, right in {
        "access_key_secrt": "access_key_secret",
        "scrape_intervl": "scrape_interval",
        "intervall": "interval",
        "minNode": "minNodes",
        "gatway": "gateway",
        "centrl": "central",
        "standrad": "standard",
        "Flet": "Fleet",
        "ScaleOutClster": "ScaleOutCluster",
        "ScaleClusterNodePol": "ScaleClusterNodePool",
        "max_unready_percnt": "max_unready_percent",
        "Asia/Shanghia": "Asia/Shanghai",
        "acount": "account",
        "perMonthly": "perMonth",
        "cn-b-12": "cn-b-2",
    }.items():
        assert any(f"{wrong!r}" in line and line.endswith(f"did you mean {right!r}?") for line in text.splitlines())


def test_the_shipped_configuration_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(SHIPPED, "config/autoscaler.yaml", monkeypatch)
    assert result.stderr == ""
    first, *notices = result.stdout.splitlines()
    assert first == "OK: 2 policies, 2 templates, 4 regions"
    assert len(notices) == 2
    assert all("has the sample's password" in notice for notice in notices)
    assert result.exit_code == 0


def test_the_demo_is_checked_without_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, "http://127.0.0.1:1")
    result = run(tmp_path, "autoscaler.yaml", monkeypatch)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "OK: 1 policy, 1 template, 6 regions\n", "")


def test_a_missing_file_is_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(SHIPPED, "config/none.yaml", monkeypatch)
    assert result.exit_code == 2
    assert "config/none.yaml" in result.stderr
