"""Dark: a region that does not answer gets no nodes, even when the last samples are still young enough to act on.

A site that lost its uplink shows unready nodes, or no target that answers. What was measured just before says nothing
about it, and new nodes could not join. A region without a node that has been up can not go dark. What an Alertmanager
says does not come from the region: an alert that fires makes no dark region answer, one that is resolved darkens none.
"""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold while too many of the region's nodes do not answer, or none of the targets of any signal does."""
    capacity = situation.facts.capacity
    if capacity is None or not (been_up := len(capacity.ready | capacity.unready)):
        return None
    unready, most = len(capacity.unready), situation.scale_up.max_unready_percent
    if 100 * unready > most * been_up:
        message = f"{unready} of {been_up} nodes that have been up do not answer, at most {most:g} % may"
        return situation.hold("dark", desired, Reason.REGION_DARK, message)
    measured = [spec.name for spec in situation.policy.signals if spec.scrape or spec.promql]
    signals = [situation.facts.signals.get(name) for name in measured]
    asked = [signal for signal in signals if signal is not None and signal.targets_total > 0]
    if asked and all(signal.targets_up == 0 for signal in asked):
        names = ", ".join(signal.name for signal in asked)
        return situation.hold("dark", desired, Reason.REGION_DARK, f"no target of {names} answers")
    return None
