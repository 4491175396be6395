"""Target tracking: keep a metric per node at its target, by HPA's arithmetic.

Source: Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details:
desired = ceil(current * currentMetricValue / targetMetricValue), nothing changes while the ratio is within the
tolerance. `current` is the number of *ready* nodes: nodes that are still on their way carry no load yet.
"""

import math
from typing import Literal

from pydantic import Field

from autoscaler.model.decision import Vote
from autoscaler.model.reason import Reason
from autoscaler.policy.base import Parameters
from autoscaler.policy.trust import Reading

_MOST_NODES = 1_000_000
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
        name = f"TargetTracking({self.signal})"
        if reading.value is None:
            return Vote(name, None, reading.reason, reading.detail)
        if self.target.type == "AverageValue":
            return self._compare(name, reading.value, ready)
        current = ready if established is None else established
        if current == 0:
            detail = f"{self.target.type} is a ratio over ready nodes, and there are none"
            return Vote(name, None, Reason.NO_READY_NODES, detail)
        return self._compare(name, reading.value, current)

    def _compare(self, name: str, value: float, ready: int) -> Vote:
        goal = self.target.value
        per_node = self.target.type == "AverageValue"
        capacity = goal * ready if per_node else goal
        ratio = value / capacity if capacity else math.inf
        wanted = value / goal if per_node else ready * ratio
        shown = f"{value:g} against {goal:g}" + (f" x {ready} ready" if per_node else f" at {ready} ready")
        if ready and abs(ratio - 1.0) <= self.tolerance + _ROUNDING:
            return Vote(name, ready, Reason.WITHIN_TOLERANCE, f"{shown}: ratio {ratio:.2f}")
        desired = math.ceil(min(max(wanted, 0.0), _MOST_NODES) - _ROUNDING)  # bounded first: infinity has no ceiling
        reason = Reason.ABOVE_TARGET if ratio > 1.0 and desired > 0 else Reason.BELOW_TARGET
        return Vote(name, desired, reason, shown if math.isinf(ratio) else f"{shown}: ratio {ratio:.2f}")
