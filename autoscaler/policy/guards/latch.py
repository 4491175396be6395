"""Latch: after too many failed joins the region buys nothing until a human has looked.

A broken image fails for ever, and each try costs a month of a node.
"""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold while `failedJoinsToLatch` nodes or more failed since an order came whole, or a release."""
    failed, most = situation.facts.tally.failed_joins, situation.scale_up.failed_joins_to_latch
    if not most or failed < most:
        return None
    message = (
        f"{failed} nodes failed to join since an order came whole, failedJoinsToLatch is {most}; "
        f"after a look: autoscaler release {situation.region} --reason ..."
    )
    return situation.hold("latch", desired, Reason.JOINS_LATCHED, message)
