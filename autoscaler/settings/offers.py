"""From a node template to the ways to buy its nodes in one region: an operation and its price each.

A template, a cluster, a region and a pool come in, offers go out, the preferred one first. It judges nothing.
"""

from collections.abc import Mapping

from autoscaler.model.names import ClusterId, Money, NodePoolId, RegionId
from autoscaler.model.operation import (
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    Offer,
    OperationName,
    PoolOperation,
    ScaleClusterNodePool,
    ScaleOutCluster,
)
from autoscaler.settings.amounts import hundredths
from autoscaler.settings.template import Alternative, NodeSpec, NodeTemplate

POOL_OPERATIONS: Mapping[str, type[PoolOperation]] = {
    "ScaleClusterNodePool": ScaleClusterNodePool,
    "ModifyClusterNodePool": ModifyClusterNodePool,
    "EnsScaleClusterNodePool": EnsScaleClusterNodePool,
}


def offers(
    template: NodeTemplate, cluster: ClusterId, region: RegionId, operation: OperationName, pool: NodePoolId | None
) -> tuple[Offer, ...]:
    """The template's own instance type, then its alternatives; by a pool operation the pool's type only.

    `pool` is given for the pool operations and for no other.

    Raises:
        ValueError: the pool, or the image that ScaleOutCluster sends, is not given.
    """
    spec = template.spec
    if operation in POOL_OPERATIONS:
        if pool is None:
            raise ValueError(f"region {region}: {operation} needs a node pool")
        return (Offer(_by_pool(template, cluster, region, POOL_OPERATIONS[operation], pool), _price(spec, spec)),)
    types: list[NodeSpec | Alternative] = [spec, *spec.alternatives]
    return tuple(
        Offer(_scale_out(template, cluster, region, one.worker_instance_type), _price(spec, one)) for one in types
    )


def _price(spec: NodeSpec, one: NodeSpec | Alternative) -> Money | None:
    """What one node costs for its whole period."""
    return None if one.price_per_month is None else hundredths(one.price_per_month * spec.worker_period)


def _scale_out(template: NodeTemplate, cluster: ClusterId, region: RegionId, instance_type: str) -> ScaleOutCluster:
    spec = template.spec
    if spec.worker_image_id is None:
        raise ValueError(f"region {region}: node template {template.name!r} names no image")
    return ScaleOutCluster(
        cluster=cluster,
        template=template.name,
        ens_region_id=region,
        worker_instance_type=instance_type,
        worker_image_id=spec.worker_image_id,
        ens_internet_charge_type=spec.ens_internet_charge_type,
        worker_period=spec.worker_period,
        worker_system_disk_size=spec.worker_system_disk_size,
        worker_data_disk_size=spec.worker_data_disk_size,
        worker_auto_renew=spec.worker_auto_renew,
        worker_auto_renew_period=spec.worker_auto_renew_period,
        timeout_mins=spec.timeout_mins,
    )


def _by_pool(
    template: NodeTemplate, cluster: ClusterId, region: RegionId, kind: type[PoolOperation], pool: NodePoolId
) -> PoolOperation:
    spec = template.spec
    return kind(
        cluster=cluster,
        pool=pool,
        template=template.name,
        ens_region_id=region,
        worker_instance_type=spec.worker_instance_type,
        ens_internet_charge_type=spec.ens_internet_charge_type,
        worker_period=spec.worker_period,
        worker_system_disk_size=spec.worker_system_disk_size,
        worker_data_disk_size=spec.worker_data_disk_size,
    )
