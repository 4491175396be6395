"""How each region is bought: operation, node pool and template must fit each other."""

import shutil
from pathlib import Path
from typing import get_args

import pytest

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.model.names import RegionId
from autoscaler.model.operation import OperationName
from autoscaler.settings.root import Loaded, load

from . import builders


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def right(**files: str) -> Loaded:
    return load(builders.write(Path(), **files))


def refused(**files: str) -> list[str]:
    with pytest.raises(ConfigurationRefused) as caught:
        right(**files)
    return list(caught.value.problems)


def without(template: str, *keys: str) -> str:
    return "".join(line for line in template.splitlines(keepends=True) if line.split(":")[0].strip() not in keys)


BOTH = "{id: cn-a-1, nodePool: np1}, {id: cn-a-2, nodePool: np2}"


def test_a_region_may_be_bought_otherwise_than_its_cluster() -> None:
    regions = "cn-a-1, {id: cn-a-2, operation: ModifyClusterNodePool, nodePool: np2}"
    loaded = right(f=builders.fleet("fleet", "c1", regions))
    bought = [(name, one.name, one.pool) for name, one in loaded.operations.items()]
    assert bought == [("cn-a-1", "ScaleOutCluster", None), ("cn-a-2", "ModifyClusterNodePool", "np2")]
    assert loaded.notices == ()


def test_the_offers_of_a_region_begin_with_its_operation() -> None:
    loaded = right(t=builders.with_spec(builders.template("standard"), "alternatives: [ens.a, ens.b]"))
    types = [one.operation.worker_instance_type for one in loaded.offers[RegionId("cn-a-1")]]
    assert types == ["ens.sn1.tiny", "ens.a", "ens.b"]
    assert {name: found[0].operation for name, found in loaded.offers.items()} == loaded.operations


@pytest.mark.parametrize("operation", ["ScaleClusterNodePool", "ModifyClusterNodePool"])
def test_a_pool_operation_needs_a_pool_in_each_region(operation: str) -> None:
    assert refused(f=builders.pooled("cn-a-1, {id: cn-a-2, nodePool: np2}", operation)) == [
        (
            f"policies/f.yaml:9: spec.clusters[0].regions[0].nodePool: is required: region 'cn-a-1' is bought by "
            f"{operation}; write {{id: cn-a-1, nodePool: np...}} with the id of the pool"
        )
    ]


def test_scale_out_cluster_takes_no_pool() -> None:
    (problem,) = refused(f=builders.fleet("fleet", "c1", "cn-a-1, {id: cn-a-2, nodePool: np2}"))
    assert problem.startswith(
        "policies/f.yaml:8: spec.clusters[0].regions[1].nodePool: ScaleOutCluster knows no node pool; leave it out"
    )


def test_a_pool_serves_one_region_only_over_all_fleets() -> None:
    more = builders.pooled("{id: cn-a-2, nodePool: np1}", cluster="c2").replace("name: fleet", "name: more")
    assert refused(f=builders.pooled("{id: cn-a-1, nodePool: np1}"), g=more) == [
        (
            "policies/g.yaml:9: spec.clusters[0].regions[0].nodePool: node pool 'np1' serves region 'cn-a-1' already "
            "(policies/f.yaml:9); a pool serves one region only"
        )
    ]


def test_a_misspelt_operation_is_one_mistake_with_the_likely_one() -> None:
    """Whether a pool is wanted can not be judged then, and is not."""
    assert refused(f=builders.pooled("cn-a-1, cn-a-2", "ScaleOutClster")) == [
        (
            "policies/f.yaml:7: spec.clusters[0].operation: must be 'ScaleOutCluster', 'ScaleClusterNodePool', "
            "'ModifyClusterNodePool' or 'EnsScaleClusterNodePool' (is 'ScaleOutClster'); "
            "did you mean 'ScaleOutCluster'?"
        )
    ]


def test_keys_may_be_written_with_underscores() -> None:
    loaded = right(f=builders.pooled(BOTH.replace("nodePool", "node_pool")).replace("clusterId", "cluster_id"))
    assert {one.pool for one in loaded.operations.values()} == {"np1", "np2"}


BARE = without(builders.template("standard"), "worker_image_id", "login_password")


def test_a_template_for_pools_needs_neither_image_nor_password() -> None:
    assert right(f=builders.pooled(BOTH), t=BARE).notices == ()


def test_a_template_for_scale_out_cluster_needs_both_and_says_for_which_region() -> None:
    mixed = "{id: cn-a-1, operation: ScaleClusterNodePool, nodePool: np1}, cn-a-2"
    because = "region 'cn-a-2' is bought by ScaleOutCluster (policies/f.yaml:8)"
    assert refused(f=builders.fleet("fleet", "c1", mixed), t=BARE) == [
        f"policies/t.yaml:4: spec.worker_image_id: is required: {because}",
        (
            "policies/t.yaml:4: spec: exactly one of login_password, login_password_file, login_password_env must be "
            f"there; there is none: {because}"
        ),
    ]


def test_a_misspelt_required_key_of_a_template_is_one_mistake() -> None:
    wrong = builders.template("standard").replace("worker_image_id", "worker_image").replace("login_p", "login_pp")
    assert [one.partition(": unknown key")[0] for one in refused(t=wrong)] == [
        "policies/t.yaml:6: spec.worker_image",
        "policies/t.yaml:9: spec.login_ppassword",
    ]


def test_alternatives_under_a_pool_operation_are_a_notice() -> None:
    text = builders.with_spec(BARE, "alternatives: [ens.a]")
    assert right(f=builders.pooled(BOTH), t=text).notices == (
        (
            "policies/t.yaml:5: alternatives of NodeTemplate 'standard' have no effect in cn-a-1 and 1 more: "
            "ScaleClusterNodePool buys what its node pool says"
        ),
    )


@pytest.mark.parametrize(
    ("operation", "cluster", "wanted"),
    [
        ("EnsScaleClusterNodePool", "c1", "of ENS, which are called eck-...; this one is called 'c1'"),
        ("ScaleClusterNodePool", "eck-1", "of CS, which are called c...; this one is called 'eck-1'"),
    ],
)
def test_a_cluster_id_of_another_product_is_a_notice(operation: str, cluster: str, wanted: str) -> None:
    loaded = right(f=builders.pooled(BOTH, operation, cluster))
    assert loaded.notices == (f"policies/f.yaml:9: {operation} is for clusters {wanted}",)


def test_an_ens_cluster_is_bought_by_the_ens_operation_without_a_notice() -> None:
    assert right(f=builders.pooled(BOTH, "EnsScaleClusterNodePool", "eck-1")).notices == ()


def test_the_shipped_example_of_the_four_operations_is_right_once_it_is_uncommented(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "config"
    folder = tmp_path / "config"
    shutil.copytree(shipped, folder)
    lines = (folder / "policies" / "fleet.yaml").read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    # - clusterId"))
    uncommented = [line.replace("    # ", "    ", 1) if line.startswith("    # ") else line for line in lines[first:]]
    (folder / "policies" / "fleet.yaml").write_text("\n".join([*lines[:first], *uncommented]))
    loaded = load(folder / "autoscaler.yaml")
    assert {one.name for one in loaded.operations.values()} == set(get_args(OperationName))
    assert not [notice for notice in loaded.notices if "is for clusters" in notice]
