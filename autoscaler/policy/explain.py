"""Why a decision is what it is, in words. It prints what `decide` recorded and computes nothing."""

from collections.abc import Iterator

from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import Decision, Purchase
from autoscaler.model.signals import Signal
from autoscaler.policy.money import shown


def summary(decision: Decision) -> str:
    """One line: the region, its numbers and the reason.

    The text of the last guard that changed the number explains best, else of the last that spoke; without one, the
    winning vote does.
    """
    voted = [vote for vote in decision.votes if vote.desired is not None]
    changed = [step for step in decision.steps if step.before != step.after] or decision.steps
    why = changed[-1].message if changed else ""
    if not why and voted:
        why = max(voted, key=lambda vote: vote.desired or 0).detail
    ready = len(decision.capacity.ready) if decision.capacity else 0
    numbers = f"ready {ready}, committed {decision.committed}, desired {decision.desired}"
    return f"{decision.region}: {numbers}: {decision.reason}: {why}"


def explain(decision: Decision) -> Iterator[str]:
    """Signals, votes and guard steps, one line each, in the order in which they were taken."""
    yield f"region {decision.region}, policy {decision.policy}"
    yield f"  capacity  {_capacity(decision.capacity)}; committed {decision.committed}"
    for signal in decision.signals:
        yield f"  signal    {signal.name} = {_value(signal, decision.at)}"
    for vote in decision.votes:
        answer = "abstains" if vote.desired is None else f"wants {vote.desired}"
        yield f"  vote      {vote.rule} {answer}: {vote.reason}: {vote.detail}"
    for step in decision.steps:
        yield f"  guard     {step.guard}: {step.before} -> {step.after}: {step.reason}: {step.message}"
    if decision.purchase is not None:
        yield f"  purchase  {_purchase(decision.purchase)}"
    yield f"  result    desired {decision.desired}, order {decision.delta}: {decision.reason}"


def _purchase(purchase: Purchase) -> str:
    bought = f"{purchase.nodes} x {purchase.operation.worker_instance_type} by {purchase.operation.name}"
    cost = f"for {shown(purchase.cost)}" if purchase.cost else "price unknown"
    return f"{bought}, {cost}" + (f", for {purchase.for_region}" if purchase.for_region else "")


def _capacity(capacity: Capacity | None) -> str:
    if capacity is None:
        return "unknown"
    return (
        f"{len(capacity.ready)} ready, {len(capacity.joining)} joining, "
        f"{len(capacity.unready)} unready, {len(capacity.failed)} failed"
    )


def _value(signal: Signal, now: float) -> str:
    coverage = f"{signal.targets_up}/{signal.targets_total} targets"
    age = signal.age(now)
    if signal.value is None or age is None:
        return f"missing ({signal.detail or signal.reason}; {coverage})"
    remark = f"; {signal.detail}" if signal.detail else ""
    return f"{signal.value:g} ({age:.1f} s old, {coverage}{remark})"
