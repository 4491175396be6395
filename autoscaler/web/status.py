"""What the pages need from outside (`StatusView`), and the JSON documents made from it.

Decisions, orders and the state of the sources come in, plain dictionaries go out. No HTTP here.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from autoscaler.model.decision import Decision, Purchase
from autoscaler.model.names import Money, RegionId
from autoscaler.model.order import Order
from autoscaler.model.signals import Signal
from autoscaler.policy.explain import summary
from autoscaler.web.sources import SourceBoard


class StatusView(Protocol):
    """The present state of the daemon. Every answer is at once and from memory; nothing raises."""

    def decisions(self) -> Sequence[Decision]:
        """The last decision of every region."""
        ...

    def decision(self, region: RegionId) -> Decision | None:
        """The last decision of one region; None if the region is unknown or was not decided yet."""
        ...

    def open_orders(self) -> Sequence[Order]:
        """Every order that is not final."""
        ...

    def readiness(self) -> Mapping[str, str | None]:
        """Check name -> None if good, else why not."""
        ...

    def heartbeat_age(self) -> float:
        """Seconds since the loop last showed that it is alive; infinite before its first sign of life."""
        ...

    def tick(self) -> int:
        """The number of the last tick; 0 before the first."""
        ...


def status(view: StatusView, sources: SourceBoard, version: str) -> dict[str, object]:
    """Everything at a glance: regions by name, open orders, sources."""
    return {
        "version": version,
        "tick": view.tick(),
        "heartbeat_age_seconds": view.heartbeat_age(),
        "checks": dict(view.readiness()),
        "regions": [_region(decision) for decision in sorted(view.decisions(), key=lambda one: one.region)],
        "orders": [order_document(order) for order in view.open_orders()],
        "sources": sources.entries(),
    }


def strict_json(document: object) -> str:
    """JSON as RFC 8259 has it: NaN and infinities, for which it has no word, become null."""
    return json.dumps(_finite(document), allow_nan=False)


def _region(decision: Decision) -> dict[str, object]:
    return {
        "region": decision.region,
        "policy": decision.policy,
        "at": decision.at,
        "ready": len(decision.capacity.ready) if decision.capacity else None,
        "committed": decision.committed,
        "desired": decision.desired,
        "delta": decision.delta,
        "reason": decision.reason,
        "summary": summary(decision),
        "purchase": _purchase(decision.purchase) if decision.purchase else None,
        "signals": [_signal(signal, decision.at) for signal in decision.signals],
    }


def _purchase(purchase: Purchase) -> dict[str, object]:
    return {
        "type": purchase.operation.worker_instance_type,
        "nodes": purchase.nodes,
        "cost": _currency_units(purchase.cost),
        "for_region": purchase.for_region,
    }


def _signal(signal: Signal, now: float) -> dict[str, object]:
    return {
        "name": signal.name,
        "value": signal.value,
        "age_seconds": signal.age(now),
        "coverage": signal.coverage,
        "reason": signal.reason,
    }


def order_document(order: Order) -> dict[str, object]:
    """An order as every JSON document of ours shows it. Times are Unix seconds, amounts are units of the currency.

    `cost` is what was ordered, `charged` what of it counts against budgets: what was bought, or may have been.

    `desired` is what the region needed with it, `for_region` whose shortfall it is when it is spilled over, `in_stock`
    what the region could still sell when it was turned down; null where there is no such thing. `failed_joins` of the
    nodes that it made never became ready.
    """
    return {
        "id": order.id,
        "tick": order.tick,
        "cluster": order.cluster,
        "region": order.region,
        "for_region": order.for_region,
        "operation": order.operation.name,
        "pool": order.operation.pool,
        "type": order.operation.worker_instance_type,
        "nodes": order.nodes,
        "desired": order.desired,
        "cost": _currency_units(order.cost),
        "charged": order.charged / 100 if order.cost else None,
        "state": order.state,
        "reason": order.reason,
        "detail": order.detail,
        "in_stock": order.in_stock,
        "failed_joins": order.failed_joins,
        "attempt": order.attempt,
        "created_at": order.created_at,
        "submitted_at": order.submitted_at,
        "settled_at": order.settled_at,
        "deadline": order.deadline,
        "task": order.receipt.task if order.receipt else None,
        "request_id": order.receipt.request_id if order.receipt else None,
        "instances": sorted(order.instances),
    }


def _currency_units(amount: Money) -> float | None:
    """Money is hundredths. A price is never 0: no cost is one that nobody told."""
    return amount / 100 if amount else None


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
