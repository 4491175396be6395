"""Quota: how many nodes a region may buy in any 24 hours, and in its whole life. A human raises it, nothing else.

What siblings bought for it counts as its own.
"""

from autoscaler.model.decision import GuardStep
from autoscaler.model.order import Order
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.language import DAY
from autoscaler.policy.trust import CLOCK_SKEW


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Reduce to what the tighter of the two quotas has left."""
    scale_up, tally = situation.scale_up, situation.facts.tally
    bought = tally.bought + tally.spilled
    limits: list[tuple[int, Reason, str]] = []
    if scale_up.max_nodes_per_day is not None:
        used = sum(order.bought for order in situation.facts.orders if _of_today(order, situation.now))
        used += tally.spilled_today
        message = f"{used} nodes were ordered in 24 h, maxNodesPerDay is {scale_up.max_nodes_per_day}"
        limits.append((scale_up.max_nodes_per_day - used, Reason.QUOTA_OF_DAY, message))
    if scale_up.max_nodes_ever is not None:
        message = f"{bought} nodes were bought so far, maxNodesEver is {scale_up.max_nodes_ever}"
        limits.append((scale_up.max_nodes_ever - bought, Reason.QUOTA_OF_LIFETIME, message))
    if not limits:
        return None
    left, reason, message = min(limits, key=lambda limit: limit[0])
    return situation.at_most(left, "quota", desired, reason, message)


def _of_today(order: Order, now: float) -> bool:
    """Made in the last 24 hours; one of the future was stamped by a clock that was ahead for a while."""
    return now - DAY < order.created_at <= now + CLOCK_SKEW
