import json
from typing import Any

import pytest

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.records import Refusal, ScaleOutBody
from autoscaler.simulator.validate import read_scale_out
from tests.unit.simulator.builders import FAR, NEAR, START, body, scenario

BOOKS = CloudBooks(scenario(), START)


def read(changes: dict[str, Any], cluster: str = BOOKS.scenario.cluster_id) -> ScaleOutBody:
    return read_scale_out(BOOKS, cluster, json.dumps(body(**changes)).encode())


def code(changes: dict[str, Any]) -> str:
    with pytest.raises(Refusal) as caught:
        read(changes)
    assert (caught.value.status, caught.value.style) == (400, "cs")
    return caught.value.code


def test_the_sample_of_the_api_page_is_accepted() -> None:
    got = read({"worker_system_disk_size": 20, "count": 1})
    assert (got.region, got.nodes, got.system_disk, got.data_disk, got.period) == (NEAR, 1, 20, 0, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"count": 500 * 1000},
        {"ens_region_id": FAR},
        {"ens_internet_charge_type": "95BandwidthByMonth"},
        {"worker_period": 60},
        {"worker_system_disk_size": 100},
        {"worker_data_disk_size": 200},
        {"worker_data_disk_size": None},
        {"worker_auto_renew": False, "worker_auto_renew_period": None},
        {"worker_auto_renew": None, "worker_auto_renew_period": None},
        {"worker_auto_renew_period": 12},
        {"timeout_mins": None},
        {"login_password": "a1!" * 10},
        {"login_password": None, "key_pair": "mine"},
        {"worker_image_id": "centos_7_06_64_20G_alibase_20190218", "worker_system_disk_size": 30},
    ],
)
def test_what_the_api_page_allows_is_accepted(changes: dict[str, Any]) -> None:
    read(changes)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("count", [0, -1, 1.5, "2", True]),
        ("worker_instance_type", ["", 3, "ens.unheard-of"]),
        ("ens_region_id", ["", "cn-nowhere", ["cn-beijing-cmcc-2"]]),
        ("worker_image_id", ["", 7]),
        ("ens_internet_charge_type", ["", "bandwidthbyday", "PayByTraffic", 95]),
        ("worker_period", [0, 4, 5, 9, 61, "1", True, 1.0]),
        ("login_password", ["Short1!", "a1!" * 11, "alllowercase", "lower1234", 12345678]),
        ("worker_system_disk_size", [0, 10, 25, 110, "40", True]),
        ("is_edge_worker", [False, "true", 1]),
        ("worker_data_disk_size", [10, 25, 210, "0", False]),
        ("worker_auto_renew", ["true", 1]),
        ("worker_auto_renew_period", [0, 13, "1"]),
        ("timeout_mins", [0, -5, "60", 1.5]),
    ],
)
def test_every_field_is_checked(field: str, values: list[Any]) -> None:
    wanted = "InvalidParameter." + "".join(part.capitalize() for part in field.split("_"))
    assert {repr(value): code({field: value}) for value in values} == {repr(value): wanted for value in values}


@pytest.mark.parametrize(
    "field",
    [
        "count",
        "worker_instance_type",
        "ens_region_id",
        "worker_image_id",
        "ens_internet_charge_type",
        "worker_period",
        "login_password",
        "worker_system_disk_size",
        "is_edge_worker",
        "worker_auto_renew_period",
    ],
)
def test_what_is_required_must_be_there(field: str) -> None:
    assert code({field: None}) == "MissingParameter"


@pytest.mark.parametrize(
    "stranger",
    ["ens_Internet_charge_type", "worker_instance_types", "vswitch_ids", "worker_data_disks", "worker_instnce_type"],
)
def test_fields_of_other_variants_and_misspelt_ones_are_refused(stranger: str) -> None:
    assert code({stranger: "BandwidthByDay"}) == "InvalidParameter"


def test_a_body_of_the_on_cloud_variant_is_told_what_it_is() -> None:
    with pytest.raises(Refusal, match="only ENS nodes"):
        read({"worker_instance_types": ["ecs.g6.large"], "vswitch_ids": ["vsw-1"]})


def test_the_capital_spelling_does_not_stand_in_for_the_wire_name() -> None:
    assert code({"ens_internet_charge_type": None, "ens_Internet_charge_type": "BandwidthByDay"}) == "InvalidParameter"


def test_the_disk_must_be_larger_than_the_image() -> None:
    image = {"worker_image_id": "centos_7_06_64_20G_alibase_20190218", "worker_system_disk_size": 20}
    assert code(image) == "InvalidParameter.WorkerSystemDiskSize"


@pytest.mark.parametrize("content", [b"", b"[]", b"not json", b"\xff"])
def test_a_body_that_is_no_object_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal, match="InvalidParameter"):
        read_scale_out(BOOKS, BOOKS.scenario.cluster_id, content)


def test_an_unknown_cluster_is_not_found() -> None:
    with pytest.raises(Refusal) as caught:
        read({}, cluster="c-other")
    assert (caught.value.code, caught.value.status) == ("ErrorClusterNotFound", 404)


def test_a_refusal_never_repeats_the_password() -> None:
    with pytest.raises(Refusal) as caught:
        read({"login_password": "hunter2hunter2"})
    assert "hunter2" not in str(caught.value)
