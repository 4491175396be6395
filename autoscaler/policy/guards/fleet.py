"""Fleet: while too many nodes of the whole fleet do not answer, nothing is ordered anywhere.

A cut of the wide area network looks like that, and every number that is read through it is in doubt.
"""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold while more nodes are unready than always may be, and more than the share that may be."""
    fleet, brakes = situation.fleet, situation.policies.brakes
    if fleet.unready <= brakes.ok_unready_nodes or fleet.unready <= brakes.max_unready_share * fleet.nodes:
        return None
    share = brakes.max_unready_share
    message = f"{fleet.unready} of the fleet's {fleet.nodes} nodes do not answer, at most {share:.0%} may"
    return situation.hold("fleet", desired, Reason.FLEET_UNREADY, message)
