"""From decisions to orders: what a plan asks to buy."""

from collections.abc import Mapping

from autoscaler.model.decision import Plan
from autoscaler.model.names import RegionId
from autoscaler.model.operation import Operation
from autoscaler.model.order import OrderIntent


def intents(plan: Plan, operations: Mapping[RegionId, Operation]) -> tuple[OrderIntent, ...]:
    """One intent for every decision that wants more nodes than are committed."""
    return tuple(
        OrderIntent(plan.tick, decision.region, operations[decision.region], decision.delta)
        for decision in plan.decisions
        if decision.delta > 0
    )
