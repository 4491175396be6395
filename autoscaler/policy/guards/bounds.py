"""Bounds: minNodes <= desired <= maxNodes, but never below what is committed.

The maximum counts every node that exists or is ordered, failed ones included: paid is paid.
"""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Clamp the number."""
    low, high = situation.policy.min_nodes, situation.policy.max_nodes
    if desired < low:
        return GuardStep("bounds", desired, low, Reason.BELOW_MINIMUM, f"minNodes is {low}")
    ceiling = max(high, situation.committed)
    if desired > ceiling:
        return GuardStep("bounds", desired, ceiling, Reason.ABOVE_MAXIMUM, f"maxNodes is {high}")
    return None
