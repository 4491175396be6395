"""From groups to targets, as Prometheus does it."""

import pytest

from autoscaler.settings.target_groups import StaticConfig
from autoscaler.sources.targets import TargetBuilder, build_targets, discovered_labels
from tests.unit.sources.jobs import LABEL, REGION, group, job


def urls(*groups: StaticConfig, **settings: object) -> list[str]:
    return [target.url for target in build_targets(groups, job(**settings), LABEL).targets]


def test_a_target_is_its_url_and_its_series_carry_job_and_instance() -> None:
    (target,) = build_targets([group("10.0.0.1:9100", rack="7", empty="", __meta_x="y")], job(), LABEL).targets
    assert target.url == "http://10.0.0.1:9100/metrics"
    assert target.region == REGION
    assert target.labels == {"job": "edge", "instance": "10.0.0.1:9100", LABEL: REGION, "rack": "7"}


def test_labels_override_scheme_path_and_parameters() -> None:
    labels = {"__scheme__": "https", "__metrics_path__": "/a b/probe", "__param_module": "icmp x", "__param_a": "1&2"}
    assert urls(group("h:1", **labels)) == ["https://h:1/a%20b/probe?a=1%262&module=icmp+x"]


def test_a_path_can_not_smuggle_a_query_in() -> None:
    assert urls(group("h:1", __metrics_path__="m?x=1#y")) == ["http://h:1/m%3Fx=1%23y"]


def test_parameters_are_all_in_the_url_and_a_label_says_the_first() -> None:
    params = {"module": ["icmp", "tcp"], "match[]": ["up", "x{a='b'}"], "none": [], "empty": [""]}
    assert urls(group("h:1"), group("g:1", __param_module="dns", __param_more="1"), params=params) == [
        "http://h:1/metrics?empty=&match%5B%5D=up&match%5B%5D=x%7Ba%3D%27b%27%7D&module=icmp&module=tcp",
        "http://g:1/metrics?empty=&match%5B%5D=up&match%5B%5D=x%7Ba%3D%27b%27%7D&module=dns&module=tcp&more=1",
    ]


def test_rules_see_what_prometheus_shows_them() -> None:
    config = job(scrape_interval="1m30s", metrics_path="/m", scheme="https", params={"module": ["icmp", "tcp"]})
    labels = {"rack": "7", "empty": "", "__scheme__": "http", "__address__": "elsewhere:2", "job": ""}
    assert discovered_labels("h:1", labels, config) == {
        "__address__": "h:1",
        "__metrics_path__": "/m",
        "__param_module": "icmp",
        "__scheme__": "http",
        "__scrape_interval__": "1m30s",
        "__scrape_timeout__": "10s",
        "job": "edge",
        "rack": "7",
    }


def test_rules_make_the_region_the_address_and_the_instance() -> None:
    rules = [
        {"source_labels": ["__meta_site"], "regex": "(.+)/.*", "target_label": LABEL},
        {"source_labels": ["__address__"], "target_label": "instance"},
        {"source_labels": ["__address__"], "target_label": "__address__", "replacement": "$1:9100"},
        {"action": "drop", "source_labels": ["rack"], "regex": "8"},
        {"target_label": "__tmp", "replacement": "gone"},
    ]
    groups = [
        StaticConfig(targets=("h",), labels={"__meta_site": "cn-x/3", "rack": "7"}),
        StaticConfig(targets=("g", "f"), labels={"__meta_site": "cn-x/3", "rack": "8"}),
    ]
    built = build_targets(groups, job(relabel_configs=rules), LABEL)
    (target,) = built.targets
    assert (target.url, target.region) == ("http://h:9100/metrics", "cn-x")
    assert target.labels == {"job": "edge", "instance": "h", LABEL: "cn-x", "rack": "7"}
    assert (built.dropped, built.problems) == (2, ())


def test_a_path_that_rules_take_away_is_none() -> None:
    rules = [{"action": "labeldrop", "regex": "__metrics_path__"}]
    assert urls(group("h:1", __param_a="b"), relabel_configs=rules) == ["http://h:1?a=b"]


def test_a_target_s_own_timeout_counts() -> None:
    config = job(scrape_interval="30s")
    groups = [group("h:1", __scrape_timeout__="2500ms"), group("g:1", __scrape_interval__="30000ms"), group("f:1")]
    assert [target.timeout for target in build_targets(groups, config, LABEL).targets] == [2.5, 10.0, 10.0]


@pytest.mark.parametrize("timeout", ["31s", "0s", "soon", "1", "-1s"])
def test_a_timeout_that_is_none_leaves_its_target_out(timeout: str) -> None:
    built = build_targets([group("h:1", __scrape_timeout__=timeout)], job(scrape_interval="30s"), LABEL)
    assert built.targets == ()
    assert "__scrape_timeout__ that is no duration of at most their scrape_interval" in built.problems[0]


@pytest.mark.parametrize("interval", ["31s", "29s", "soon", "0s"])
def test_an_interval_of_its_own_leaves_a_target_out_and_says_why(interval: str) -> None:
    built = build_targets([group("h:1", __scrape_interval__=interval)], job(scrape_interval="30s"), LABEL)
    assert built.targets == ()
    why = "have a __scrape_interval__ other than their job's 30s, and need a job of their own, and are not scraped"
    assert built.problems == (f"1 targets {why}: h:1",)


def test_rules_that_take_scheme_or_address_away_leave_a_target_out() -> None:
    for label, why in (("__scheme__", "__scheme__"), ("__address__", "no address"), (LABEL, "no label")):
        built = build_targets([group("h:1")], job(relabel_configs=[{"action": "labeldrop", "regex": label}]), LABEL)
        assert built.targets == ()
        assert why in built.problems[0]


def test_what_was_built_before_is_the_same_object_after_a_change() -> None:
    builder = TargetBuilder(job(), LABEL)
    first = builder.build([group("h:1"), group("g:1")]).targets
    second = builder.build([group("f:1"), group("g:1"), group("h:1", rack="7")]).targets
    assert [target.address for target in second] == ["f:1", "g:1", "h:1"]
    assert second[1] is first[1]
    assert second[2].labels["rack"] == "7"


def test_a_target_keeps_its_id_when_its_labels_change() -> None:
    (before,) = build_targets([group("h:1")], job(), LABEL).targets
    (after,) = build_targets([group("h:1", rack="7")], job(), LABEL).targets
    assert before.id == after.id
    assert before != after


def test_an_address_in_the_labels_of_a_group_changes_nothing() -> None:
    assert urls(group("h:1", __address__="elsewhere:2")) == ["http://h:1/metrics"]


def test_a_missing_port_is_the_scheme_s() -> None:
    assert urls(group("h", "[::1]"), group("h", __scheme__="https")) == [
        "http://h:80/metrics",
        "http://[::1]:80/metrics",
        "https://h:443/metrics",
    ]


def test_the_same_target_twice_is_one() -> None:
    assert urls(group("h:1", "h:1"), group("h:1", rack="other")) == ["http://h:1/metrics"]


def test_a_target_in_two_regions_belongs_to_none() -> None:
    built = build_targets([group("h:1", "g:1"), group("h:1", region="cn-x")], job(), LABEL)
    assert [target.url for target in built.targets] == ["http://g:1/metrics"]
    assert built.problems == ("1 targets are listed in several regions and are not scraped: http://h:1/metrics",)


def test_targets_without_a_region_are_counted_and_named() -> None:
    groups = [StaticConfig(targets=("a:1", "b:1")), StaticConfig(targets=("c:1", "d:1"), labels={LABEL: ""})]
    built = build_targets([*groups, group("e:1")], job(), LABEL)
    assert [target.url for target in built.targets] == ["http://e:1/metrics"]
    assert built.problems == ("4 targets have no label ens_region_id and are not scraped: a:1, b:1, c:1 and 1 more",)


@pytest.mark.parametrize(
    "address",
    ["http://h:1", "h:1/metrics", "user@h:1", "", "h:", "h:0", "h:65536", ":1", "::1", "[::1", "h :1", "h%31"],
)
def test_what_is_no_address_is_left_out(address: str) -> None:
    built = build_targets([group(address)], job(), LABEL)
    assert built.targets == ()
    assert "have no address of the form host:port" in built.problems[0]


def test_a_scheme_other_than_http_is_left_out() -> None:
    built = build_targets([group("h:1", __scheme__="file")], job(), LABEL)
    assert built.targets == ()
    assert "__scheme__" in built.problems[0]
