"""Spillover: what a region can not buy because it is out of stock is bought in the sibling regions of its policy.

Drafts of all regions come in, and are replaced by those with the purchases that siblings make for others. A sibling
passes all of its own guards: its maximum, quota, budget and brakes hold for another region's shortfall too. Never more
is bought than the shortfall, less what was bought elsewhere before (see guards/elsewhere.py).
"""

from collections.abc import Iterator

from autoscaler.model.decision import GuardStep
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.policy.basket import Basket
from autoscaler.policy.draft import Draft, urgency


def spill(drafts: dict[RegionId, Draft], basket: Basket) -> None:
    """Let siblings take every shortfall, of the most urgent region first, in the order that its policy names."""
    missing = {region: nodes for region, one in drafts.items() if (nodes := one.missing()) > 0}
    for origin in sorted(missing, key=lambda o: (-urgency(missing[o], drafts[o].situation.committed), o)):
        for step in tuple(_spread(drafts, origin, missing[origin], basket)):
            drafts[origin] = drafts[origin].noting(step)


def _spread(drafts: dict[RegionId, Draft], origin: RegionId, nodes: int, basket: Basket) -> Iterator[GuardStep]:
    """Ask one sibling after the other. Gives the steps that tell the origin what came of it."""
    desired, refusals = drafts[origin].desired, list[str]()
    for sibling in drafts[origin].situation.policy.siblings(origin):
        if nodes == 0:
            break
        asked = drafts.get(sibling)
        if asked is None or asked.purchase is not None:
            refusals.append(f"{sibling} {'is not decided in this tick' if asked is None else 'buys for itself'}")
            continue
        taking = asked.receiving(nodes, origin)
        if taking.purchase is None:
            refusals.append(f"{sibling} {_why(taking)}")
            continue
        drafts[sibling] = taking
        basket.add(sibling, taking.purchase.cost)
        nodes -= taking.purchase.nodes
        message = f"{taking.purchase.nodes} to {sibling}: out of stock here"
        yield GuardStep("spillover", desired, desired, Reason.SPILLED_OVER, message)
    if nodes and refusals:
        message = f"nobody takes {nodes}: {', '.join(refusals)}"
        yield GuardStep("spillover", desired, desired, Reason.STOCK_BACKOFF, message)


def _why(draft: Draft) -> str:
    stopped = [step for step in draft.steps if step.after < step.before]
    return f"is held by {stopped[-1].reason}" if stopped else "buys nothing"
