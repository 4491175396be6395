"""Elsewhere: nodes that sibling regions bought for this one count, so that the same need is never bought twice.

When the region has stock again, what was spilled over is not bought a second time; only further demand is.
"""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Take off what was bought elsewhere; not from what the region would buy for another one."""
    spilled = situation.facts.tally.spilled
    wanted = desired - situation.committed
    if situation.for_region is not None or spilled == 0 or wanted <= 0:
        return None
    message = f"{spilled} nodes were bought for it in other regions"
    return GuardStep("elsewhere", desired, situation.committed + max(0, wanted - spilled), Reason.SPILLED_OVER, message)
