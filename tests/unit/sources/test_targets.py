"""From groups to targets, as Prometheus does it."""

import pytest

from autoscaler.settings.sources import StaticConfig
from autoscaler.sources.targets import build_targets
from tests.unit.sources.fakes import LABEL, REGION, group, job


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
