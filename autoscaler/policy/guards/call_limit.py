"""Call limit: one call buys no more nodes than the operation takes. The rest is decided when this order is settled."""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Reduce to one call's worth."""
    operation = situation.pick.offer.operation if situation.pick.offer else None
    if operation is None or operation.per_call is None:
        return None
    message = f"one call of {operation.name} adds at most {operation.per_call} nodes"
    return situation.at_most(operation.per_call, "call_limit", desired, Reason.CALL_LIMITED, message)
