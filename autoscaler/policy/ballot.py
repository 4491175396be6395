"""The ballot: what a policy asks of its regions, worked out once when the policies come into force.

A policy's parameters come in, and later the facts of one region after the other; votes go out. It holds nothing that
is not in the policy, so it changes no answer: it saves a thousand regions the way through the policy's own tree.
"""

from dataclasses import dataclass

from autoscaler.model.decision import RegionFacts, Vote
from autoscaler.model.signals import Signal
from autoscaler.policy.committed import established_nodes
from autoscaler.policy.language import PolicySpec, ScalingPolicy
from autoscaler.policy.rules.target_tracking import Tracker
from autoscaler.policy.trust import Reading, read


@dataclass(frozen=True, slots=True)
class Ballot:
    """`signals` are names with their oldest age in seconds and least coverage (0 to 1); `rules` name their signal."""

    policy: str
    spec: PolicySpec
    signals: tuple[tuple[str, float, float], ...]
    rules: tuple[tuple[str, Tracker], ...]

    @classmethod
    def of(cls, policy: ScalingPolicy) -> "Ballot":
        """The ballot of a policy."""
        return cls(
            policy.name,
            policy.spec,
            tuple((signal.name, signal.max_age_seconds, signal.min_coverage) for signal in policy.spec.signals),
            tuple((rule.signal, rule.tracker) for rule in policy.spec.rules),
        )

    def taken(self, facts: RegionFacts, now: float) -> tuple[tuple[Signal, ...], tuple[Vote, ...]]:
        """The signals of one region, less those that are not there, and what the rules say to them.

        `now` is Unix seconds. Both are in the policy's order.
        """
        capacity = facts.capacity
        ready = len(capacity.ready) if capacity else 0
        established = established_nodes(facts) if facts.orders else ready
        signals: list[Signal] = []
        readings: dict[str, Reading] = {}
        known = facts.signals.get
        for name, max_age, min_coverage in self.signals:
            signal = known(name)
            readings[name] = read(signal, max_age=max_age, min_coverage=min_coverage, now=now)
            if signal is not None:
                signals.append(signal)
        return tuple(signals), tuple([rule.vote(readings[signal], ready, established) for signal, rule in self.rules])
