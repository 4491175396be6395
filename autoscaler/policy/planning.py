"""From decisions to orders: what a plan asks to buy."""

from autoscaler.model.decision import Plan
from autoscaler.model.order import OrderIntent


def intents(plan: Plan) -> tuple[OrderIntent, ...]:
    """One intent for every purchase of the plan."""
    return tuple(
        OrderIntent(
            plan.tick,
            decision.region,
            decision.purchase.operation,
            decision.purchase.nodes,
            desired=decision.desired,
            cost=decision.purchase.cost,
            for_region=decision.purchase.for_region,
            at=plan.at,
        )
        for decision in plan.decisions
        if decision.purchase is not None
    )
