"""Scale-out only: nodes are prepaid, so the desired number never falls below what is committed."""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Raise the number to `committed`."""
    committed = situation.committed
    if desired >= committed:
        return None
    return GuardStep("scale_out_only", desired, committed, Reason.SCALE_OUT_ONLY, f"{committed} nodes are prepaid")
