"""Capacity known: no order on an unread or an old count of nodes (acting on a wrong size is how fleets double)."""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.trust import CLOCK_SKEW


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold while the region's nodes were not read, or not lately."""
    capacity = situation.facts.capacity
    if capacity is None:
        return situation.hold("capacity", desired, Reason.CAPACITY_UNKNOWN, "the region's nodes have not been read")
    age, max_age = situation.now - capacity.at, situation.policies.capacity_max_age
    if age > max_age:
        message = f"the region's nodes were read {age:.0f} s ago, at most {max_age:.0f} s"
        return situation.hold("capacity", desired, Reason.CAPACITY_UNKNOWN, message)
    if age < -CLOCK_SKEW:
        message = f"the region's nodes were read {-age:.0f} s in the future: the clock was set back"
        return situation.hold("capacity", desired, Reason.CAPACITY_UNKNOWN, message)
    return None
