"""Guards, one file each: a step that may change or stop the desired number, and says so with a reason.

A guard takes the Situation and the number so far, and gives a GuardStep, or None when it has nothing to say.
Their order is fixed in ORDER and is part of the documented behaviour: first what the number may be at all
(scale-out only, bounds), then what may stop a purchase (each of them can only hold, never raise).
"""

from collections.abc import Callable

from autoscaler.model.decision import GuardStep
from autoscaler.policy.guards import backoff, bounds, capacity, cooldown, scale_out_only, unsettled
from autoscaler.policy.guards.situation import Situation

Guard = Callable[[Situation, int], GuardStep | None]

ORDER: tuple[Guard, ...] = (
    scale_out_only.guard,
    bounds.guard,
    capacity.guard,
    unsettled.guard,
    backoff.guard,
    cooldown.guard,
)
