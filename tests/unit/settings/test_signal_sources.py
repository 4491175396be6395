"""Signals against autoscaler.yaml: sources that are not there, and windows that are shorter than the pace."""

from pathlib import Path

import pytest

from autoscaler.settings.crosscheck import MainValues, cross_check
from autoscaler.settings.documents import read_directory

from . import builders

MAIN = MainValues(["gateway"], ["central"], receivers=["pager"], intervals={"gateway": 30.0})


def told(folder: Path, signal: str) -> list[str]:
    """The problems of a policy whose only signal is this."""
    text = builders.policy("edge", '"cn-a-*"').replace("scrape: {job: gateway, metric: rps}", signal)
    builders.write(folder, a=text)
    found = cross_check(read_directory(folder / "policies"), MAIN)
    return [str(problem).partition("a.yaml:")[2] for problem in found]


def counter(**more: object) -> str:
    written = {"job": "gateway", "metric": "rps", "function": "rate", **more}
    return f"scrape: {{{', '.join(f'{key}: {value}' for key, value in written.items())}}}"


def test_an_alert_receiver_that_is_not_there_is_told_with_the_likely_one(tmp_path: Path) -> None:
    assert told(tmp_path, "alert: {receiver: pagr, alertname: Saturated}") == [
        "9: spec.signals[0].alert.receiver: there is no alert receiver 'pagr' in autoscaler.yaml; did you mean 'pager'?"
    ]
    assert told(tmp_path, "alert: {receiver: pager, alertname: Saturated}") == []


@pytest.mark.parametrize("function", ["rate", "increase"])
def test_a_window_that_may_not_hold_two_scrapes_is_told_with_the_least_that_does(tmp_path: Path, function: str) -> None:
    assert told(tmp_path, counter(function=function, windowSeconds=59)) == [
        (
            "9: spec.signals[0].scrape.windowSeconds: a window of 59 s does not surely hold two scrapes; "
            "job 'gateway' is scraped every 30 s, write at least 60"
        )
    ]


@pytest.mark.parametrize("more", [{}, {"windowSeconds": 60}, {"windowSeconds": 300}, {"windowSeconds": "soon"}])
def test_a_window_that_holds_two_scrapes_is_well(tmp_path: Path, more: dict[str, object]) -> None:
    """What is no number is told by the document itself."""
    assert told(tmp_path, counter(**more)) == []


def test_the_window_that_is_not_written_is_judged_too(tmp_path: Path) -> None:
    text = builders.policy("edge", '"cn-a-*"').replace(
        "{job: gateway, metric: rps}", "{job: gateway, metric: rps, function: rate}"
    )
    builders.write(tmp_path, a=text)
    slow = MainValues(["gateway"], intervals={"gateway": 60.0})
    (problem,) = cross_check(read_directory(tmp_path / "policies"), slow)
    assert str(problem).endswith("job 'gateway' is scraped every 60 s, write at least 120")
    assert "spec.signals[0].scrape: a window of 60 s" in str(problem)
