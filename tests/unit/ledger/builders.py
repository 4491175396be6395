"""Orders for the ledger's tests: every argument has a plain default, tests name what matters."""

from typing import Any

from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.act import Act, ActKind
from autoscaler.model.names import FREE, ClusterId, InstanceId, Money, NodePoolId, OrderId, RegionId, TaskId
from autoscaler.model.operation import (
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    Operation,
    PoolOperation,
    ScaleClusterNodePool,
    ScaleOutCluster,
)
from autoscaler.model.order import Baseline, Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.ports import Ledger

NOW = 1_700_000_000.25
CLUSTER = ClusterId("c" + "0" * 32)
REGION = RegionId("cn-beijing-cmcc-2")


def operation(*, cluster: str = CLUSTER, region: str = REGION) -> ScaleOutCluster:
    return ScaleOutCluster(
        cluster=ClusterId(cluster),
        template="small",
        ens_region_id=RegionId(region),
        worker_instance_type="ens.sn1.small",
        worker_image_id="m-1",
        ens_internet_charge_type="95BandwidthByMonth",
        worker_period=1,
        worker_system_disk_size=40,
        worker_auto_renew=True,
    )


def pool_operation(kind: type[PoolOperation]) -> PoolOperation:
    return kind(
        cluster=CLUSTER,
        pool=NodePoolId("np0123456789"),
        template="small",
        ens_region_id=REGION,
        worker_instance_type="ens.sn1.small",
        ens_internet_charge_type="95BandwidthByMonth",
        worker_period=3,
        worker_system_disk_size=40,
        worker_data_disk_size=20,
    )


OPERATIONS: tuple[Operation, ...] = (
    operation(),
    pool_operation(ScaleClusterNodePool),
    pool_operation(ModifyClusterNodePool),
    pool_operation(EnsScaleClusterNodePool),
)


def planned(
    name: str = "o1",
    *,
    cluster: str = CLUSTER,
    region: str = REGION,
    at: float = NOW,
    nodes: int = 3,
    cost: int = FREE,
) -> Order:
    place = RegionId(region)
    what = operation(cluster=cluster, region=region)
    return Order(OrderId(name), 7, place, what, nodes, at, at + 900.0, cost=Money(cost))


def release(subject: str = REGION, reason: str = "the uplink is back") -> Act:
    return Act(ActKind.RELEASE, subject, reason, "anna", NOW)


PATHS: dict[OrderState, tuple[OrderState, ...]] = {
    OrderState.PLANNED: (),
    OrderState.SUBMITTING: (OrderState.SUBMITTING,),
    OrderState.IN_DOUBT: (OrderState.SUBMITTING, OrderState.IN_DOUBT),
    OrderState.ACCEPTED: (OrderState.SUBMITTING, OrderState.ACCEPTED),
    OrderState.OVERDUE: (OrderState.SUBMITTING, OrderState.ACCEPTED, OrderState.OVERDUE),
    OrderState.READY: (OrderState.SUBMITTING, OrderState.ACCEPTED, OrderState.READY),
    OrderState.PARTIAL: (OrderState.SUBMITTING, OrderState.ACCEPTED, OrderState.PARTIAL),
    OrderState.FAILED: (OrderState.FAILED,),
    OrderState.ABANDONED: (OrderState.SUBMITTING, OrderState.IN_DOUBT, OrderState.ABANDONED),
}
"""A legal way from PLANNED to each state."""


async def brought(ledger: Ledger, order: Order, to: OrderState, at: float = NOW) -> Order:
    """Add the order and bring it to a state, step by step."""
    await ledger.add(order)
    for state in PATHS[to]:
        order = await moved(ledger, order, state, at)
    return order


async def moved(ledger: Ledger, order: Order, to: OrderState, at: float = NOW, **changes: Any) -> Order:
    after = order.moved(to, Reason.SENDING, at, **changes)
    await ledger.replace(order, after, at)
    return after


def accepted_changes() -> dict[str, Any]:
    """What an order has learnt by the time it is accepted: every field that may be None or empty is filled."""
    return {
        "deadline": NOW + 1234.5,
        "attempt": 2,
        "receipt": Receipt(TaskId("T-5a54309c80282e39ea00002f"), "687C5BAA-D103-4993-884B-C35E4314A1E1"),
        "baseline": Baseline(frozenset({InstanceId("i-1"), InstanceId("i-2")}), NOW + 0.1, 2),
        "instances": frozenset({InstanceId("i-4"), InstanceId("i-3")}),
        "submitted_at": NOW + 1 / 3,
        "in_stock": 0,
        "failed_joins": 1,
    }


async def raw(ledger: SqliteLedger, sql: str) -> list[tuple[Any, ...]]:
    """Send SQL past the ledger's own rules, on its own connection."""
    return await ledger._read(lambda connection: [tuple(row) for row in connection.execute(sql)])
