"""Documents that do not fit each other, each named with its place."""

from pathlib import Path

import pytest

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.settings.root import load

from . import builders


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(**files: str) -> list[str]:
    with pytest.raises(ConfigurationRefused) as caught:
        load(builders.write(Path(), **files))
    return list(caught.value.problems)


def test_a_region_served_by_two_policies_names_both() -> None:
    assert refused(b=builders.policy("other", "cn-a-2")) == [
        (
            "policies/b.yaml:5: spec.regions[0]: policies 'edge' and 'other' both serve cn-a-2; "
            "the other one is at policies/a.yaml:5"
        )
    ]


def test_many_regions_served_twice_are_one_problem() -> None:
    (problem,) = refused(
        b=builders.policy("other", "cn-*"), f=builders.fleet("fleet", "c1", ", ".join(f"cn-a-{n}" for n in range(9)))
    )
    assert "both serve cn-a-0, cn-a-1, cn-a-2 and 6 more" in problem


def test_a_glob_that_matches_nothing_is_told() -> None:
    assert refused(a=builders.policy("edge", '"cn-a-*", cm-a-1')) == [
        "policies/a.yaml:5: spec.regions[1]: 'cm-a-1' matches no region of the fleet; did you mean 'cn-a-1'?"
    ]


def test_a_region_in_two_clusters_is_told_with_both_places() -> None:
    assert refused(g=builders.fleet("more", "c2", "cn-a-1")) == [
        "policies/g.yaml:8: spec.clusters[0].regions[0]: region 'cn-a-1' is in cluster c1 already (policies/f.yaml:8)"
    ]


def test_a_template_that_is_not_there_is_told_with_the_likely_one() -> None:
    assert refused(f=builders.fleet("fleet", "c1", "cn-a-1").replace("standard", "standrad")) == [
        "policies/f.yaml:7: spec.clusters[0].template: there is no NodeTemplate 'standrad'; did you mean 'standard'?"
    ]


def test_a_region_without_template_is_told() -> None:
    text = builders.fleet("fleet", "c1", "cn-a-1").replace("      template: standard\n", "")
    assert refused(f=text) == [
        "policies/f.yaml:7: spec.clusters[0].regions[0]: region 'cn-a-1' has no template, and its cluster names none"
    ]


def test_names_are_unique_within_a_kind() -> None:
    assert refused(u=builders.template("standard")) == [
        "policies/u.yaml:3: metadata.name: another NodeTemplate is called 'standard' already (policies/t.yaml:3)"
    ]


def test_sources_that_are_not_there_are_told_with_the_likely_one() -> None:
    job = builders.policy("edge", '"cn-a-*"').replace("gateway", "gatway")
    assert refused(a=job) == [
        (
            "policies/a.yaml:9: spec.signals[0].scrape.job: there is no scrape job 'gatway' in autoscaler.yaml; "
            "did you mean 'gateway'?"
        )
    ]
    server = job.replace("scrape: {job: gatway, metric: rps}", "promql: {server: centrl, query: rps}")
    assert refused(a=server) == [
        (
            "policies/a.yaml:9: spec.signals[0].promql.server: there is no Prometheus server 'centrl' in "
            "autoscaler.yaml; did you mean 'central'?"
        )
    ]


def test_a_broken_document_does_not_make_others_wrong() -> None:
    """The template is there, and broken: that nothing else refers to a missing one must not be said."""
    broken = builders.template("standard").replace("40", "45")
    (problem,) = refused(t=broken)
    assert "worker_system_disk_size" in problem


def test_a_rule_over_a_section_is_told_beside_a_wrong_key_in_it() -> None:
    wrong = builders.policy("edge", '"cn-a-*"').replace("maxNodes: 5", "minNodes: 9\n  maxNodes: 5\n  colour: red")
    assert refused(a=wrong) == [
        "policies/a.yaml:4: spec: minNodes (9) must not exceed maxNodes (5)",
        (
            "policies/a.yaml:8: spec.colour: unknown key 'colour'; allowed keys are: "
            "regions, minNodes, maxNodes, signals, rules, behavior, spillover"
        ),
    ]


def test_a_misspelt_required_key_is_one_mistake() -> None:
    wrong = builders.policy("edge", '"cn-a-*"').replace("maxNodes:", "maxNode:")
    assert refused(a=wrong) == ["policies/a.yaml:6: spec.maxNode: unknown key 'maxNode'; did you mean 'maxNodes'?"]


def test_an_unknown_kind_is_told_with_the_likely_one_and_read_as_that() -> None:
    wrong = builders.template("standard").replace("NodeTemplate", "NodeTemplat").replace("40", "45")
    assert [one.partition(";")[0] for one in refused(t=wrong)] == [
        "policies/t.yaml:2: kind: unknown kind 'NodeTemplat'",
        "policies/t.yaml:8: spec.worker_system_disk_size: must be a multiple of 10 from 20 to 100 (GiB) (is 45)",
    ]


@pytest.mark.parametrize("text", ["- a", "text", "kind: 3", "a: 1"])
def test_what_is_no_document_is_a_problem(text: str) -> None:
    (problem,) = refused(z=text)
    assert problem.startswith("policies/z.yaml:1: ")


def test_a_kind_that_is_missing_altogether_is_told() -> None:
    problems = refused(a="", t="", f="")
    assert [one.removeprefix("policies: ") for one in problems] == [
        f"no document of kind {kind} in the policy directory" for kind in ("ScalingPolicy", "NodeTemplate", "Fleet")
    ]


def test_a_region_without_policy_and_an_idle_template_are_notices() -> None:
    path = builders.write(Path(), a=builders.policy("edge", "cn-a-1"), u=builders.template("idle"))
    assert load(path).notices == (
        "policies/f.yaml:8: region 'cn-a-2' has no policy: nothing is ever bought there",
        "policies/u.yaml:1: NodeTemplate 'idle' is used by no region",
    )


@pytest.mark.parametrize(
    ("globs", "siblings", "reason"),
    [
        ("cn-a-1", "cn-a-12", "there is no region 'cn-a-12' in the fleet; did you mean 'cn-a-2'?"),
        ("cn-a-1", "cn-a-2", "region 'cn-a-2' has no policy, and buys nothing for another one"),
        ('"cn-?-1"', "cn-a-1", "region 'cn-a-1' can not spill over to itself"),
    ],
)
def test_a_region_that_can_not_take_what_is_spilled_over_is_told(globs: str, siblings: str, reason: str) -> None:
    text = builders.policy("edge", globs).replace("  maxNodes", f"  spillover: {{regions: [{siblings}]}}\n  maxNodes")
    assert refused(a=text) == [f"policies/a.yaml:6: spec.spillover.regions[0]: {reason}"]


def test_siblings_of_one_policy_may_spill_over_to_each_other() -> None:
    text = builders.policy("edge", '"cn-a-*"').replace(
        "  maxNodes", "  spillover: {regions: [cn-a-1, cn-a-2]}\n  maxNodes"
    )
    assert load(builders.write(Path(), a=text)).notices == ()


def test_a_region_that_spills_over_to_itself_only_is_one_mistake() -> None:
    """The document by itself is wrong already."""
    text = builders.policy("edge", "cn-a-1").replace("  maxNodes", "  spillover: {regions: [cn-a-1]}\n  maxNodes")
    (problem,) = refused(a=text)
    assert "can not spill over to itself" in problem


def test_a_policy_directory_that_is_not_there_is_told() -> None:
    path = builders.write(Path(), builders.MAIN + "policies: elsewhere\n")
    with pytest.raises(ConfigurationRefused, match="elsewhere: the policy directory can not be read"):
        load(path)
