"""Target tracking: keep a metric per node at its target, by HPA's arithmetic.

Source: Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details:
desired = ceil(current * currentMetricValue / targetMetricValue), nothing changes while the ratio is within the
tolerance. `current` is the number of *ready* nodes: nodes that are still on their way carry no load yet.
"""

import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

from pydantic import Field

from autoscaler.model.decision import Vote
from autoscaler.model.reason import Reason
from autoscaler.policy.base import Parameters
from autoscaler.policy.trust import Reading

_MOST_NODES = 1_000_000
_RATIO = ": ratio {:.2f}"
_PER_NODE, _AS_IT_IS = "{:g} against {:g} x {} ready" + _RATIO, "{:g} against {:g} at {} ready" + _RATIO
_ABOVE, _BELOW, _WITHIN = Reason.ABOVE_TARGET, Reason.BELOW_TARGET, Reason.WITHIN_TOLERANCE
_vote = partial(tuple.__new__, Vote)
"""A vote from all four of its fields, at half the cost of `Vote(...)`."""
_ROUNDING = 1e-9
"""3 * 1.1 is 3.3000000000000003: a ceiling must not buy a node for the sixteenth digit."""


class Target(Parameters):
    """The goal, with HPA's three meanings."""

    type: Literal["Utilization", "AverageValue", "Value"] = Field(
        description="AverageValue: the signal is the region's total and `value` is per node. "
        "Utilization: the signal is an average over nodes in percent and `value` is the percentage to hold. "
        "Value: the signal is compared with `value` as it is."
    )
    value: float = Field(gt=0, allow_inf_nan=False, description="The number to hold, in the unit of the signal.")


class TargetTracking(Parameters):
    """Parameters of the rule."""

    type: Literal["TargetTracking"] = Field(description="Always `TargetTracking`.")
    signal: str = Field(description="Name of the signal to hold at its target.")
    target: Target = Field(description="What to hold.")
    tolerance: float = Field(
        default=0.1, ge=0, lt=1, description="Share by which the signal may leave its target before anything changes."
    )

    def vote(self, reading: Reading, ready: int, established: int | None = None) -> Vote:
        """Nodes wanted for this reading of the signal when `ready` nodes carry the load.

        `established` (None: all of `ready`) are the ready nodes that were there before any order that is still
        arriving; a ratio is multiplied by these.

        >>> rule = TargetTracking.model_validate({
        ...     "type": "TargetTracking", "signal": "rps", "target": {"type": "AverageValue", "value": 100}})
        >>> rule.vote(Reading(value=430.0), ready=3).desired      # 430 / (3 x 100) = 1.43, ceil(430 / 100)
        5
        >>> rule.vote(Reading(value=320.0), ready=3).desired      # 1.07 is within the tolerance of 0.1
        3
        """
        return self.tracker.vote(reading, ready, ready if established is None else established)

    @cached_property
    def tracker(self) -> "Tracker":
        """The rule as its arithmetic needs it, worked out once."""
        title, slack = f"TargetTracking({self.signal})", self.tolerance + _ROUNDING
        return Tracker(title, self.target.type, self.target.value, slack)


@dataclass(frozen=True, slots=True)
class Tracker:
    """The rule's arithmetic, its parameters at hand. `slack` is the tolerance, with room for rounding."""

    title: str
    kind: str
    goal: float
    slack: float

    def vote(self, reading: Reading, ready: int, established: int) -> Vote:
        """As TargetTracking.vote."""
        value, goal = reading.value, self.goal
        if value is None:
            return Vote(self.title, None, reading.reason, reading.detail)
        if self.kind == "AverageValue":
            current, capacity, words = ready, goal * ready, _PER_NODE
        else:
            current, capacity, words = established, goal, _AS_IT_IS
            if current == 0:
                detail = f"{self.kind} is a ratio over ready nodes, and there are none"
                return Vote(self.title, None, Reason.NO_READY_NODES, detail)
        ratio = value / capacity if capacity else math.inf
        if current and abs(ratio - 1.0) <= self.slack:
            return _vote((self.title, current, _WITHIN, (words, value, goal, current, ratio)))
        wanted = value / goal if words is _PER_NODE else current * ratio
        if not 0.0 <= wanted <= _MOST_NODES:  # infinity has no ceiling
            wanted = min(max(wanted, 0.0), _MOST_NODES)
        desired = math.ceil(wanted - _ROUNDING)
        if math.isinf(ratio):
            words = words.removesuffix(_RATIO)
        reason = _ABOVE if ratio > 1.0 and desired > 0 else _BELOW
        return _vote((self.title, desired, reason, (words, value, goal, current, ratio)))
