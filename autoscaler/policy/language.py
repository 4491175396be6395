"""The policy file's language: `kind: ScalingPolicy`.

Text comes in through `settings`, a frozen ScalingPolicy goes out. Names and meaning follow HPA v2 where HPA has the
idea (Kubernetes documentation, "Horizontal Pod Autoscaling"). What is specific to one algorithm lives in its own file
under rules/, the language of signals in signals/spec.py.
"""

from collections import Counter
from fnmatch import fnmatchcase
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from autoscaler.model.names import RegionId
from autoscaler.policy.base import Parameters
from autoscaler.policy.rules.target_tracking import TargetTracking
from autoscaler.policy.signals.spec import SignalSpec, check_ratios

__all__ = [
    "DAY",
    "Behavior",
    "Metadata",
    "PolicySpec",
    "ScaleUp",
    "ScalingPolicy",
    "SignalSpec",
    "Spillover",
]

DAY = 86_400.0
"""Seconds. Settled orders are remembered for two days: no window may reach further back."""


class ScaleUp(Parameters):
    """How fast a region may grow, and what stops it."""

    cooldown_seconds: float = Field(
        default=300,
        ge=0,
        description="Seconds without a further order, counted from the moment the last order's nodes became ready.",
    )
    failure_backoff_seconds: float = Field(
        default=600,
        ge=0,
        description="Seconds without a further order after the API refused one (quota, rejected).",
    )
    max_nodes_per_day: int | None = Field(
        default=None, ge=0, description="Nodes that may be ordered in the region in any 24 hours; none: no quota."
    )
    max_nodes_ever: int | None = Field(
        default=None, ge=0, description="Nodes that may be bought in the region in its whole life; none: no quota."
    )
    window_seconds: float = Field(
        default=DAY,
        gt=0,
        le=2 * DAY,
        description="Seconds for which nodes that were bought and never came, or are gone, count against maxNodes.",
    )
    breaker_seconds: float = Field(
        default=1800,
        ge=0,
        le=DAY,
        description="Seconds without a further order after one that was taken brought no ready node; doubles with "
        "each such order in a row, up to a day.",
    )
    failed_joins_to_latch: int = Field(
        default=3,
        ge=0,
        description="Nodes that fail to join since an order of the region came whole, and then stop the region until "
        "`autoscaler release`; 0: never.",
    )
    stock_backoff_seconds: float = Field(
        default=900,
        ge=0,
        le=DAY,
        description="Seconds for which an instance type that was out of stock in the region is not ordered there.",
    )
    max_unready_percent: float = Field(
        default=50,
        ge=0,
        le=100,
        description="Percent of the region's nodes that may not answer, of those that have been up; beyond it nothing "
        "is ordered there.",
    )


class Behavior(Parameters):
    """Scaling behavior per direction; there is only one: ENS nodes are prepaid, removing one saves nothing."""

    scale_up: ScaleUp = Field(default=ScaleUp(), description="Growing.")


class Spillover(Parameters):
    """Where a shortfall is bought when the region itself is out of stock."""

    regions: tuple[str, ...] = Field(
        default=(),
        description="`ens_region_id`s of sibling regions, the preferred one first; a region skips itself.",
    )

    @field_validator("regions")
    @classmethod
    def _named_once(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted(region for region, times in Counter(regions).items() if times > 1)
        if twice:
            raise ValueError(f"each region may be named once; named twice: {', '.join(twice)}")
        return regions


class PolicySpec(Parameters):
    """What a ScalingPolicy asks for."""

    regions: tuple[str, ...] = Field(
        description="Globs over the `ens_region_id`s of the fleet, e.g. `cn-beijing-*`.", min_length=1
    )
    min_nodes: int = Field(
        default=0, ge=0, description="Nodes that a region always has; nodes that siblings bought for it count."
    )
    max_nodes: int = Field(ge=0, le=5000, description="Nodes beyond which nothing is ordered, failed ones included.")
    signals: tuple[SignalSpec, ...] = Field(min_length=1, description="The numbers that the rules read.")
    rules: tuple[TargetTracking, ...] = Field(min_length=1, description="The algorithms; the largest vote wins.")
    behavior: Behavior = Field(default=Behavior(), description="How fast a region may grow.")
    spillover: Spillover = Field(
        default=Spillover(), description="Where a shortfall is bought when a region is out of stock."
    )

    @field_validator("signals")
    @classmethod
    def _unique_names(cls, signals: tuple[SignalSpec, ...]) -> tuple[SignalSpec, ...]:
        twice = sorted(name for name, times in Counter(signal.name for signal in signals).items() if times > 1)
        if twice:
            raise ValueError(f"signal names must differ; used twice: {', '.join(twice)}")
        check_ratios(signals)
        return signals

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.min_nodes > self.max_nodes:
            raise ValueError(f"minNodes ({self.min_nodes}) must not exceed maxNodes ({self.max_nodes})")
        known = [signal.name for signal in self.signals]
        for index, rule in enumerate(self.rules):
            if rule.signal not in known:
                raise ValueError(f"rules[{index}].signal: no signal {rule.signal!r}; there is {', '.join(known)}")
        if len(self.regions) == 1 and self.regions[0] in self.spillover.regions:
            raise ValueError(f"spillover.regions: {self.regions[0]} can not spill over to itself")
        return self

    def siblings(self, region: RegionId) -> tuple[RegionId, ...]:
        """The regions that may take this region's shortfall, the preferred one first."""
        return tuple(RegionId(sibling) for sibling in self.spillover.regions if sibling != region)


class Metadata(Parameters):
    """How a document is called."""

    name: str = Field(description="Unique among the documents of its kind.", pattern=r"^[a-z0-9][a-z0-9-]*$")


class ScalingPolicy(Parameters):
    """How many nodes the regions that it names need. Every region of the fleet is served by at most one."""

    api_version: Literal["autoscaler/v1"] = Field(description="Always `autoscaler/v1`.")
    kind: Literal["ScalingPolicy"] = Field(description="Always `ScalingPolicy`.")
    metadata: Metadata = Field(description="Name of the policy.")
    spec: PolicySpec = Field(description="What the policy asks for.")

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.metadata.name

    def serves(self, region: RegionId) -> bool:
        """Whether one of the globs matches the region."""
        return any(fnmatchcase(region, glob) for glob in self.spec.regions)
