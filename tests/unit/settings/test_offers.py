"""From a template to the ways to buy: which operation, which type, what it costs."""

import pytest

from autoscaler.model.names import ClusterId, Money, NodePoolId, RegionId
from autoscaler.model.operation import (
    Count,
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    Offer,
    OperationName,
    PoolOperation,
    ScaleClusterNodePool,
    ScaleOutCluster,
)
from autoscaler.settings.offers import offers
from autoscaler.settings.template import NodeTemplate

from .test_template import STRONG, document

CLUSTER, REGION, POOL = ClusterId("c1"), RegionId("cn-beijing-cmcc-2"), NodePoolId("np1")
POOLS: dict[str, tuple[type[PoolOperation], Count]] = {
    "ScaleClusterNodePool": (ScaleClusterNodePool, Count.DELTA),
    "ModifyClusterNodePool": (ModifyClusterNodePool, Count.TOTAL),
    "EnsScaleClusterNodePool": (EnsScaleClusterNodePool, Count.TOTAL),
}


def template(changes: dict[str, object], without: tuple[str, ...] = ()) -> NodeTemplate:
    return NodeTemplate.model_validate(document(changes, without))


def test_the_operation_says_what_the_template_says_and_no_password() -> None:
    node = template(
        {
            "worker_auto_renew": True,
            "worker_auto_renew_period": 2,
            "timeout_mins": 60,
            "worker_data_disk_size": 20,
        }
    )
    (offer,) = offers(node, CLUSTER, REGION, "ScaleOutCluster", None)
    assert offer.price is None
    assert offer.operation == ScaleOutCluster(
        cluster=CLUSTER,
        template="standard",
        ens_region_id=REGION,
        worker_instance_type="ens.sn1.tiny",
        worker_image_id="m-2QVLO2T8NYgm8CNQVg0000",
        ens_internet_charge_type="BandwidthByDay",
        worker_period=1,
        worker_system_disk_size=40,
        worker_data_disk_size=20,
        worker_auto_renew=True,
        worker_auto_renew_period=2,
        timeout_mins=60,
    )
    assert STRONG not in repr(offer)
    assert STRONG not in repr(node)


def test_alternatives_follow_in_their_order_each_at_the_price_of_the_whole_period() -> None:
    node = template(
        {
            "worker_period": 3,
            "price_per_month": 100.10,
            "alternatives": [{"worker_instance_type": "ens.b", "price_per_month": 0.01}, "ens.a"],
        }
    )
    found = offers(node, CLUSTER, REGION, "ScaleOutCluster", None)
    assert [(one.operation.worker_instance_type, one.price) for one in found] == [
        ("ens.sn1.tiny", Money(30030)),
        ("ens.b", Money(3)),
        ("ens.a", None),
    ]
    assert {one.operation.name for one in found} == {"ScaleOutCluster"}


@pytest.mark.parametrize("name", ["ScaleClusterNodePool", "ModifyClusterNodePool", "EnsScaleClusterNodePool"])
def test_a_pool_operation_names_its_pool_counts_as_the_api_does_and_buys_one_type_only(name: OperationName) -> None:
    """A pool buys its own type: an alternative would buy the same nodes again under another name."""
    node = template(
        {"price_per_month": 7, "worker_period": 2, "alternatives": ["ens.b"]},
        without=("worker_image_id", "login_password"),
    )
    kind, count = POOLS[name]
    operation = kind(
        cluster=CLUSTER,
        pool=POOL,
        template="standard",
        ens_region_id=REGION,
        worker_instance_type="ens.sn1.tiny",
        ens_internet_charge_type="BandwidthByDay",
        worker_period=2,
        worker_system_disk_size=40,
    )
    assert offers(node, CLUSTER, REGION, name, POOL) == (Offer(operation, Money(1400)),)
    assert (operation.count, operation.name) == (count, name)


def test_what_the_call_needs_is_not_made_up() -> None:
    with pytest.raises(ValueError, match="needs a node pool"):
        offers(template({}), CLUSTER, REGION, "ModifyClusterNodePool", None)
    with pytest.raises(ValueError, match="names no image"):
        offers(template({}, without=("worker_image_id",)), CLUSTER, REGION, "ScaleOutCluster", None)
