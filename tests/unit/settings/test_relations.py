"""Times and paces of autoscaler.yaml that do not fit each other, told with their numbers."""

from pathlib import Path

import pytest

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.settings.root import Loaded, load

from . import builders


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def right(executor: str) -> Loaded:
    return load(builders.write(Path(), builders.MAIN + f"executor: {executor}\n"))


def refused(executor: str) -> list[str]:
    with pytest.raises(ConfigurationRefused) as caught:
        right(executor)
    return list(caught.value.problems)


TOO_OLD = "every reading of the nodes would be too old before the next one, and nothing ever ordered"


@pytest.mark.parametrize(
    ("executor", "problem"),
    [
        (
            "{poll_interval: 2m}",
            f"capacity_max_age: must be greater than executor.poll_interval (120 s), and is 120 s: {TOO_OLD}",
        ),
        (
            "{capacity_max_age: 9500ms}",
            f"capacity_max_age: must be greater than executor.poll_interval (10 s), and is 9.5 s: {TOO_OLD}",
        ),
        (
            "{backoff: {first: 2m}}",
            (
                "backoff.longest: must be at least executor.backoff.first (120 s), and is 60 s: "
                "it is the longest pause of all"
            ),
        ),
        (
            "{settle_after: 20s}",
            (
                "settle_after: must be greater than alibaba.timeout (20 s), and is 20 s: a call may still be under way "
                "when its absence is taken for proven"
            ),
        ),
    ],
)
def test_times_that_can_not_work_together_are_refused(executor: str, problem: str) -> None:
    assert refused(executor) == [f"autoscaler.yaml:11: executor.{problem}"]


@pytest.mark.parametrize(
    "executor",
    [
        "{poll_interval: 10s, capacity_max_age: 10001ms}",
        "{backoff: {first: 60s}}",
        "{settle_after: 60s}",
        "{decision_valid_for: 20s}",
        "{reads: {burst: 2, per_second: 1}}",
        "{reads: {per_second: 1, burst: 60}}",
    ],
)
def test_times_at_the_edge_are_let_be(executor: str) -> None:
    assert right(executor).notices == ()


@pytest.mark.parametrize(
    ("executor", "notice"),
    [
        (
            "{decision_valid_for: 19s}",
            (
                "decision_valid_for: should be at least alibaba.timeout (20 s), and is 19 s: an order whose "
                "call timed out is too old to be sent again"
            ),
        ),
        (
            "{settle_after: 59s}",
            (
                "settle_after: 59s may be less than the API's own lag: a purchase that it does not show yet is taken "
                "for not made, and made again; write 1m or more (default 5m)"
            ),
        ),
        (
            "{node_deadline: 5m}",
            (
                "node_deadline: should be greater than executor.settle_after (300 s), and is 300 s: an order may be "
                "overdue before it is known whether it was bought"
            ),
        ),
        (
            "{reads: {burst: 1}}",
            "reads.burst: 1 is too small for shares of 0.3 and 0.7: each lets 1 call go at once",
        ),
        (
            "{reads: {burst: 601}}",
            "reads.burst: lets 601 calls go at once, 60 s of the pace of 10 per second",
        ),
        (
            "{reads: {per_action: {DescribeInstances: {per_second: 1, burst: 100}}}}",
            "reads.per_action.DescribeInstances.burst: lets 100 calls go at once, 100 s of the pace of 1 per second",
        ),
    ],
)
def test_times_that_make_no_sense_together_are_notices(executor: str, notice: str) -> None:
    assert right(executor).notices == (f"autoscaler.yaml:11: executor.{notice}",)


def test_a_simulator_may_have_a_shorter_lag() -> None:
    main = builders.MAIN.replace("region: cn-hangzhou", "region: cn-hangzhou\n  allow_http: true")
    assert load(builders.write(Path(), main + "executor: {settle_after: 30s}\n")).notices == ()


@pytest.mark.parametrize(
    ("percent", "notices"),
    [
        ("0.45", ("autoscaler.yaml:11: brakes.max_unready_percent: 0.45 is 0.45 %; write 45 for 45 %",)),
        ("0.999", ("autoscaler.yaml:11: brakes.max_unready_percent: 0.999 is 0.999 %; write 99.9 for 99.9 %",)),
        ("0", ()),
        ("1", ()),
    ],
)
def test_a_share_in_the_place_of_a_percentage_is_a_notice(percent: str, notices: tuple[str, ...]) -> None:
    main = builders.MAIN + f"brakes: {{max_unready_percent: {percent}}}\n"
    assert load(builders.write(Path(), main)).notices == notices


def test_a_variable_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSCALER_EXECUTOR__POLL_INTERVAL", "5m")
    (problem,) = refused("{capacity_max_age: 4m}")
    assert "must be greater than executor.poll_interval (300 s), and is 240 s" in problem


def test_a_value_that_is_wrong_by_itself_is_not_compared_and_hides_no_other() -> None:
    problems = refused("{poll_interval: often, backoff: {first: 2m}, settle_after: 5}")
    assert [one.split(": ")[1] for one in problems] == [
        "executor.poll_interval",
        "executor.backoff.longest",
        "executor.settle_after",
    ]


def test_a_pace_of_its_own_says_how_fast() -> None:
    """Otherwise a burst of its own would raise a pace that was lowered above it."""
    (problem,) = refused("{purchases: {per_minute: 1, per_action: {ScaleOutCluster: {burst: 2}}}}")
    assert problem == "autoscaler.yaml:11: executor.purchases.per_action.ScaleOutCluster.per_minute: is required"


def test_an_unknown_call_with_a_pace_of_its_own_is_told_with_the_likely_one() -> None:
    (problem,) = refused("{purchases: {per_action: {ScaleOutClster: {per_minute: 2}}}}")
    assert problem == (
        "autoscaler.yaml:11: executor.purchases.per_action.ScaleOutClster: unknown key 'ScaleOutClster'; "
        "did you mean 'ScaleOutCluster'?"
    )
