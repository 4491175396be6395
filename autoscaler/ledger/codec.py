"""Orders, events and acts as rows, and rows as orders, events and acts.

Values come in and go out; nothing is read or written here. A row holds what the types hold and nothing else: no type
of the model has a place for a secret. Text that UTF-8 can not hold (an API may answer with half a surrogate pair) is
kept as a backslash escape, since an order must not be lost because of its message.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from autoscaler.model.act import Act, ActKind
from autoscaler.model.names import InstanceId, Money, OrderId, RegionId, TaskId
from autoscaler.model.operation import (
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    Operation,
    ScaleClusterNodePool,
    ScaleOutCluster,
)
from autoscaler.model.order import Baseline, Order, OrderEvent, OrderState, Receipt
from autoscaler.model.reason import Reason

OPERATIONS: Mapping[str, type[Operation]] = {
    "ScaleOutCluster": ScaleOutCluster,
    "ScaleClusterNodePool": ScaleClusterNodePool,
    "ModifyClusterNodePool": ModifyClusterNodePool,
    "EnsScaleClusterNodePool": EnsScaleClusterNodePool,
}
"""The tag in a stored operation, and its type. Tags are never renamed."""

_TAG = "operation"


class Row(Protocol):
    """A stored row: columns by name."""

    def __getitem__(self, column: str, /) -> Any:
        """The value of a column."""
        ...


Columns = dict[str, str | int | float | None]


def encode_order(order: Order) -> Columns:
    """The columns of table `orders`. `bought` and `charged` follow from the others; they are kept to be summed up.

    >>> operation = ScaleOutCluster("c1", "small", "r1", "ens.sn1", "img", "BandwidthByDay", 1, 40)
    >>> row = encode_order(Order(OrderId("o1"), 7, RegionId("r1"), operation, 2, 10.0, 20.0))
    >>> row["cluster"], row["state"], row["request_id"], decode_order(row).nodes
    ('c1', 'planned', None, 2)
    """
    return _storable(
        {
            "id": order.id,
            "cluster": order.operation.cluster,
            "region": order.region,
            "tick": order.tick,
            "operation": encode_operation(order.operation),
            "nodes": order.nodes,
            "state": order.state.value,
            "reason": order.reason.value,
            "detail": order.detail,
            "attempt": order.attempt,
            "task": order.receipt.task if order.receipt else None,
            "request_id": order.receipt.request_id if order.receipt else None,
            "baseline": _encode_baseline(order.baseline),
            "instances": json.dumps(sorted(order.instances)),
            "created_at": order.created_at,
            "deadline": order.deadline,
            "submitted_at": order.submitted_at,
            "settled_at": order.settled_at,
            "term": order.term,
            "version": order.version,
            "desired": order.desired,
            "cost": order.cost,
            "for_region": order.for_region,
            "in_stock": order.in_stock,
            "failed_joins": order.failed_joins,
            "bought": order.bought,
            "charged": order.charged,
        }
    )


def decode_order(row: Row) -> Order:
    """The order in a row of table `orders`.

    Raises:
        LookupError, TypeError, ValueError: this program did not write that row.
    """
    return Order(
        id=OrderId(row["id"]),
        tick=row["tick"],
        region=RegionId(row["region"]),
        operation=decode_operation(row["operation"]),
        nodes=row["nodes"],
        created_at=row["created_at"],
        deadline=row["deadline"],
        state=OrderState(row["state"]),
        reason=Reason(row["reason"]),
        detail=row["detail"],
        attempt=row["attempt"],
        receipt=_decode_receipt(row["task"], row["request_id"]),
        baseline=_decode_baseline(row["baseline"]),
        instances=_instances(json.loads(row["instances"])),
        submitted_at=row["submitted_at"],
        settled_at=row["settled_at"],
        term=row["term"],
        version=row["version"],
        desired=row["desired"],
        cost=Money(row["cost"]),
        for_region=None if row["for_region"] is None else RegionId(row["for_region"]),
        in_stock=row["in_stock"],
        failed_joins=row["failed_joins"],
    )


def encode_event(event: OrderEvent) -> Columns:
    """The columns of table `order_events`."""
    return _storable(
        {
            "order_id": event.order,
            "at": event.at,
            "before": event.before.value if event.before else None,
            "after": event.after.value,
            "reason": event.reason.value,
            "detail": event.detail,
            "request_id": event.request_id,
        }
    )


def decode_event(row: Row) -> OrderEvent:
    """The event in a row of table `order_events`.

    Raises:
        LookupError, TypeError, ValueError: this program did not write that row.
    """
    return OrderEvent(
        order=OrderId(row["order_id"]),
        at=row["at"],
        before=None if row["before"] is None else OrderState(row["before"]),
        after=OrderState(row["after"]),
        reason=Reason(row["reason"]),
        detail=row["detail"],
        request_id=row["request_id"],
    )


def encode_act(act: Act) -> Columns:
    """The columns of table `acts`."""
    return _storable(
        {
            "id": act.id,
            "kind": act.kind.value,
            "subject": act.subject,
            "reason": act.reason,
            "filed_by": act.by,
            "at": act.at,
            "done_at": act.done_at,
            "outcome": act.outcome,
        }
    )


def decode_act(row: Row) -> Act:
    """The act in a row of table `acts`.

    Raises:
        LookupError, TypeError, ValueError: this program did not write that row.
    """
    return Act(
        kind=ActKind(row["kind"]),
        subject=row["subject"],
        reason=row["reason"],
        by=row["filed_by"],
        at=row["at"],
        id=row["id"],
        done_at=row["done_at"],
        outcome=row["outcome"],
    )


def encode_operation(operation: Operation) -> str:
    """An operation as JSON: its fields, and under `operation` its name."""
    return json.dumps({_TAG: operation.name, **asdict(operation)})


def decode_operation(text: str) -> Operation:
    """The operation in such a JSON text.

    Raises:
        KeyError, TypeError, ValueError: unknown operation, unknown or missing field, no JSON.
    """
    fields = json.loads(text)
    return OPERATIONS[fields.pop(_TAG)](**fields)


def _encode_baseline(baseline: Baseline | None) -> str | None:
    if baseline is None:
        return None
    fields = {"at": baseline.at, "instances": sorted(baseline.instances), "pool_size": baseline.pool_size}
    return json.dumps(fields)


def _decode_baseline(text: str | None) -> Baseline | None:
    if text is None:
        return None
    fields = json.loads(text)
    return Baseline(_instances(fields["instances"]), fields["at"], fields.get("pool_size"))  # version 1 had no pools


def _decode_receipt(task: str | None, request_id: str | None) -> Receipt | None:
    """Every receipt has a request id, if only an empty one; so NULL says that there is no receipt."""
    if request_id is None:
        return None
    return Receipt(None if task is None else TaskId(task), request_id)


def _instances(ids: list[str]) -> frozenset[InstanceId]:
    return frozenset(InstanceId(name) for name in ids)


def _storable(columns: Columns) -> Columns:
    return {name: _utf8(value) if isinstance(value, str) else value for name, value in columns.items()}


def _utf8(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
