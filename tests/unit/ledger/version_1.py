"""A ledger as version 1 of its schema made and left it."""

import json
import sqlite3
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from autoscaler.ledger.file import APPLICATION_ID, MIGRATIONS
from autoscaler.model.names import InstanceId, OrderId, RegionId, TaskId
from autoscaler.model.order import Baseline, Order, OrderEvent, OrderState, Receipt
from autoscaler.model.reason import Reason
from tests.unit.ledger.builders import CLUSTER, NOW, PATHS, operation

OPERATION_1 = {
    "operation": "ScaleOutCluster",
    "cluster": CLUSTER,
    "template": "small",
    "ens_region_id": "set below",
    "worker_instance_type": "ens.sn1.small",
    "worker_image_id": "m-1",
    "ens_internet_charge_type": "95BandwidthByMonth",
    "worker_period": 1,
    "worker_system_disk_size": 40,
    "worker_data_disk_size": 0,
    "worker_auto_renew": True,
    "worker_auto_renew_period": None,
    "timeout_mins": None,
}


def write_version_1(path: Path) -> tuple[list[Order], list[OrderEvent]]:
    """A file as version 1 made and left it, with an order of 5 nodes in every state, each in a region of its own."""
    orders = [order_1(number, state) for number, state in enumerate(OrderState)]
    events = [event for order in orders for event in events_1(order)]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.executescript((files("autoscaler.ledger") / "sql" / MIGRATIONS[0]).read_text(encoding="utf-8"))
        connection.execute("PRAGMA user_version = 1")
        for order in orders:
            row = row_1(order)
            connection.execute(f"INSERT INTO orders VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - marks
        for event in events:
            row = (event.order, event.at, event.before, event.after, event.reason, event.detail, event.request_id)
            connection.execute("INSERT INTO order_events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", row)
    return orders, events


def order_1(number: int, state: OrderState) -> Order:
    """All that version 1 could know about an order; of a failed one, that no node of it became ready."""
    return Order(
        id=OrderId(f"o{number}"),
        tick=7,
        region=RegionId(f"r{number}"),
        operation=operation(region=f"r{number}"),
        nodes=5,
        created_at=NOW + number,
        deadline=NOW + 900.5,
        state=state,
        reason=Reason.SENDING,
        detail="said “yes”",
        attempt=3,
        receipt=Receipt(TaskId("T-1"), "rq-1"),
        baseline=Baseline(frozenset({InstanceId("i-1")}), NOW + 1),
        instances=frozenset({InstanceId("i-2"), InstanceId("i-3")}),
        submitted_at=NOW + 2,
        settled_at=NOW + 3 if state.final else None,
        term=2,
        version=len(PATHS[state]),
        failed_joins=2 if state is OrderState.FAILED else 0,
    )


def row_1(order: Order) -> tuple[str | int | float | None, ...]:
    """The row of that order, in the columns and the texts of version 1."""
    kept = json.dumps({**OPERATION_1, "ens_region_id": order.region})
    baseline = json.dumps({"at": NOW + 1, "instances": ["i-1"]})
    return (
        *(order.id, CLUSTER, order.region, 7, kept, 5, order.state.value, "Sending", "said “yes”", 3, "T-1", "rq-1"),
        *(baseline, json.dumps(["i-2", "i-3"]), order.created_at, NOW + 900.5, NOW + 2, order.settled_at),
        *(2, order.version),
    )


def events_1(order: Order) -> list[OrderEvent]:
    states = [OrderState.PLANNED, *PATHS[order.state]]
    return [
        OrderEvent(order.id, NOW + step, states[step - 1] if step else None, state, Reason.SENDING, "x", "rq-1")
        for step, state in enumerate(states)
    ]
