"""What a policy file may say, and the text that it gets for what it may not."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from autoscaler.model.names import RegionId
from autoscaler.policy.language import ScalingPolicy, SignalSpec
from tests.unit.policy.builders import document, policy, rule, signal_spec


def mistakes(written: dict[str, Any]) -> list[tuple[str, str]]:
    """Where and what, for every mistake in a document."""
    with pytest.raises(ValidationError) as caught:
        ScalingPolicy.model_validate(written)
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in caught.value.errors()]


def test_the_defaults_are_the_documented_ones() -> None:
    spec = ScalingPolicy.model_validate(document()).spec
    (signal,) = spec.signals
    (tracking,) = spec.rules
    up = spec.behavior.scale_up
    assert (spec.min_nodes, signal.max_age_seconds, signal.min_coverage, tracking.tolerance) == (0, 90, 0.5, 0.1)
    assert (up.cooldown_seconds, up.failure_backoff_seconds) == (300, 600)
    assert (up.max_nodes_per_day, up.max_nodes_ever, up.window_seconds) == (None, None, 86_400)
    assert (up.breaker_seconds, up.failed_joins_to_latch, up.stock_backoff_seconds) == (1800, 3, 900)
    assert up.max_unready_percent == 50
    assert spec.spillover.regions == ()
    assert signal.scrape is not None
    assert (signal.scrape.reduce, signal.scrape.match_labels) == ("sum", {})


@pytest.mark.parametrize(
    ("spec", "where", "text"),
    [
        (
            {"minNodes": 21},
            "spec",
            "Value error, minNodes (21) must not exceed maxNodes (20)",
        ),
        (
            {"rules": [rule(), rule(signal="cpu")]},
            "spec",
            "Value error, rules[1].signal: no signal 'cpu'; there is rps",
        ),
        (
            {"signals": [signal_spec("b"), signal_spec("a"), signal_spec("b"), signal_spec("a")]},
            "spec.signals",
            "Value error, signal names must differ; used twice: a, b",
        ),
        (
            {"regions": ["cn-a"], "spillover": {"regions": ["cn-b", "cn-a"]}},
            "spec",
            "Value error, spillover.regions: cn-a can not spill over to itself",
        ),
        (
            {"spillover": {"regions": ["cn-b", "cn-a", "cn-b"]}},
            "spec.spillover.regions",
            "Value error, each region may be named once; named twice: cn-b",
        ),
        (
            {"signals": [{"name": "rps"}]},
            "spec.signals.0",
            "Value error, a signal has exactly one origin: write one of `scrape`, `promql`, `alert` and `ratio`",
        ),
        (
            {"signals": [signal_spec(promql={"server": "main", "query": "up"})]},
            "spec.signals.0",
            "Value error, a signal has exactly one origin: write one of `scrape`, `promql`, `alert` and `ratio`",
        ),
    ],
)
def test_a_policy_that_does_not_fit_together_is_refused_in_plain_words(
    spec: dict[str, object], where: str, text: str
) -> None:
    assert mistakes(document(**spec))[0] == (where, text)


@pytest.mark.parametrize(
    ("spec", "where", "text"),
    [
        ({"minNodes": -1}, "spec.minNodes", "Input should be greater than or equal to 0"),
        ({"maxNodes": -1}, "spec.maxNodes", "Input should be greater than or equal to 0"),
        ({"maxNodes": 5001}, "spec.maxNodes", "Input should be less than or equal to 5000"),
        (
            {"regions": []},
            "spec.regions",
            "Tuple should have at least 1 item after validation, not 0",
        ),
        ({"signals": []}, "spec.signals", "Tuple should have at least 1 item after validation, not 0"),
        ({"rules": []}, "spec.rules", "Tuple should have at least 1 item after validation, not 0"),
        ({"maxNode": 3}, "spec.maxNode", "Extra inputs are not permitted"),
        ({"signals": [signal_spec("RPS")]}, "spec.signals.0.name", "String should match pattern '^[a-z][a-z0-9_-]*$'"),
        (
            {"signals": [signal_spec(maxAgeSeconds=0)]},
            "spec.signals.0.maxAgeSeconds",
            "Input should be greater than 0",
        ),
        (
            {"signals": [signal_spec(minCoverage=1.1)]},
            "spec.signals.0.minCoverage",
            "Input should be less than or equal to 1",
        ),
        (
            {"signals": [signal_spec(minCoverage=-0.1)]},
            "spec.signals.0.minCoverage",
            "Input should be greater than or equal to 0",
        ),
        (
            {"signals": [signal_spec(scrape={"job": "edge", "metric": ""})]},
            "spec.signals.0.scrape.metric",
            "String should have at least 1 character",
        ),
        (
            {"signals": [signal_spec(scrape={"job": "edge", "metric": "x", "reduce": "mean"})]},
            "spec.signals.0.scrape.reduce",
            "Input should be 'sum', 'avg', 'min', 'max', 'count', 'quantile' or 'histogramQuantile'",
        ),
        (
            {"signals": [{"name": "rps", "promql": {"server": "main", "query": ""}}]},
            "spec.signals.0.promql.query",
            "String should have at least 1 character",
        ),
        ({"rules": [rule(tolerance=1)]}, "spec.rules.0.tolerance", "Input should be less than 1"),
        ({"rules": [rule(tolerance=-0.1)]}, "spec.rules.0.tolerance", "Input should be greater than or equal to 0"),
        ({"rules": [rule(value=0)]}, "spec.rules.0.target.value", "Input should be greater than 0"),
        ({"rules": [rule(value=math.inf)]}, "spec.rules.0.target.value", "Input should be a finite number"),
        (
            {"rules": [rule("Percent")]},
            "spec.rules.0.target.type",
            "Input should be 'Utilization', 'AverageValue' or 'Value'",
        ),
        ({"rules": [rule(type="Pid")]}, "spec.rules.0.type", "Input should be 'TargetTracking'"),
        (
            {"behavior": {"scaleUp": {"cooldownSeconds": -1}}},
            "spec.behavior.scaleUp.cooldownSeconds",
            "Input should be greater than or equal to 0",
        ),
        (
            {"behavior": {"scaleUp": {"failureBackoffSeconds": -1}}},
            "spec.behavior.scaleUp.failureBackoffSeconds",
            "Input should be greater than or equal to 0",
        ),
        ({"behavior": {"scaleDown": {}}}, "spec.behavior.scaleDown", "Extra inputs are not permitted"),
    ],
)
def test_a_value_out_of_its_range_is_refused_at_its_place(spec: dict[str, object], where: str, text: str) -> None:
    assert mistakes(document(**spec))[0] == (where, text)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("apiVersion", "autoscaler/v2", "Input should be 'autoscaler/v1'"),
        ("kind", "Policy", "Input should be 'ScalingPolicy'"),
        ("metadata", {"name": "Edge"}, "String should match pattern '^[a-z0-9][a-z0-9-]*$'"),
    ],
)
def test_another_kind_of_document_is_refused(key: str, value: object, text: str) -> None:
    assert [message for _, message in mistakes({**document(), key: value})] == [text]


@pytest.mark.parametrize("missing", ["apiVersion", "kind", "metadata", "spec"])
def test_nothing_of_a_document_may_be_left_out(missing: str) -> None:
    written = {key: value for key, value in document().items() if key != missing}
    assert mistakes(written) == [(missing, "Field required")]


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "spec",
    ["maxAgeSeconds", "minCoverage", "tolerance", "cooldownSeconds", "failureBackoffSeconds"],
)
def test_no_limit_is_endless_or_not_a_number(spec: str, value: float) -> None:
    placed: dict[str, dict[str, object]] = {
        "maxAgeSeconds": {"signals": [signal_spec(maxAgeSeconds=value)]},
        "minCoverage": {"signals": [signal_spec(minCoverage=value)]},
        "tolerance": {"rules": [rule(tolerance=value)]},
        "cooldownSeconds": {"behavior": {"scaleUp": {"cooldownSeconds": value}}},
        "failureBackoffSeconds": {"behavior": {"scaleUp": {"failureBackoffSeconds": value}}},
    }
    where, text = mistakes(document(**placed[spec]))[0]
    assert where.rsplit(".", 1)[-1] == spec
    assert text == "Input should be a finite number"


def test_every_mistake_is_reported_at_once() -> None:
    assert {where for where, _ in mistakes(document(maxNodes=-1, regions=[], rules=[]))} == {
        "spec.maxNodes",
        "spec.regions",
        "spec.rules",
    }


def test_a_parsed_policy_can_not_be_changed() -> None:
    spec = policy().spec
    with pytest.raises(ValidationError, match="frozen"):
        spec.max_nodes = 9999  # type: ignore[misc]  # the test is that this fails


@pytest.mark.parametrize(
    ("globs", "region", "served"),
    [
        (["cn-beijing-*"], "cn-beijing-cmcc-2", True),
        (["cn-beijing-*"], "cn-shanghai-cmcc-2", False),
        (["cn-shanghai-1", "cn-beijing-*"], "cn-beijing-1", True),
        (["cn-beijing-1"], "cn-beijing-10", False),
        (["CN-*"], "cn-beijing-1", False),
    ],
)
def test_globs_say_which_regions_are_served(globs: list[str], region: str, served: bool) -> None:
    assert policy(regions=globs).serves(RegionId(region)) is served


def test_a_signal_knows_the_source_that_it_comes_from() -> None:
    assert SignalSpec.model_validate(signal_spec()).source == "edge"
    queried = {"name": "rps", "promql": {"server": "main", "query": "up"}}
    assert SignalSpec.model_validate(queried).source == "main"


def test_a_policy_is_called_by_its_metadata() -> None:
    assert policy().name == "edge"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("maxNodesPerDay", -1),
        ("maxNodesEver", -1),
        ("windowSeconds", 0),
        ("windowSeconds", 172_801),  # longer than settled orders are remembered
        ("breakerSeconds", 86_401),
        ("failedJoinsToLatch", -1),
        ("stockBackoffSeconds", 86_401),
        ("maxUnreadyPercent", 101),
    ],
)
def test_a_brake_outside_its_range_is_refused(key: str, value: float) -> None:
    ((where, _),) = mistakes(document(behavior={"scaleUp": {key: value}}))
    assert where == f"spec.behavior.scaleUp.{key}"


def test_the_regions_of_one_policy_may_spill_over_to_each_other_but_none_to_itself() -> None:
    spec = policy(regions=["cn-a", "cn-b"], spillover={"regions": ["cn-a", "cn-b", "cn-c"]}).spec
    assert spec.siblings(RegionId("cn-a")) == ("cn-b", "cn-c")
    assert spec.siblings(RegionId("cn-b")) == ("cn-a", "cn-c")


@pytest.mark.parametrize(("written", "age"), [({}, 15_300.0), ({"maxAgeSeconds": 60}, 60.0)])
def test_an_alert_counts_as_long_as_its_receiver_believes_it_unless_the_policy_says_otherwise(
    written: dict[str, float], age: float
) -> None:
    signal = SignalSpec.model_validate({"name": "hot", "alert": {"receiver": "pager", "alertname": "Hot"}, **written})
    assert signal.max_age_seconds == age
