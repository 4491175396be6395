"""Stock: nothing is ordered that the region just could not sell; another type is, where the template allows it."""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold when every type is out of stock, reduce to what the region said it has left, name an alternative."""
    if desired <= situation.committed:
        return None
    offer, most, passed_over = situation.pick.offer, situation.pick.most, situation.pick.passed_over
    out = ", ".join(f"{one.instance_type} for {one.until - situation.now:.0f} s more" for one in passed_over)
    if offer is None and not passed_over:
        return situation.hold("stock", desired, Reason.NO_OFFER, "no NodeTemplate says how to buy nodes here")
    if offer is None:
        return situation.hold("stock", desired, Reason.STOCK_BACKOFF, f"out of stock: {out}")
    kind = offer.operation.worker_instance_type
    instead = f"{kind} instead of {out} (out of stock)" if out else kind
    if most is not None and desired > situation.committed + most:
        return situation.at_most(most, "stock", desired, Reason.STOCK_LIMITED, f"{instead}: {most} were left in stock")
    if passed_over:
        return GuardStep("stock", desired, desired, Reason.ALTERNATIVE_TYPE, instead)
    return None
