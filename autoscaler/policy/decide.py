"""The tick: facts and policies in, a plan out."""

from autoscaler.model.decision import Facts, Plan
from autoscaler.model.names import RegionId
from autoscaler.policy.basket import Basket
from autoscaler.policy.draft import Draft, draft
from autoscaler.policy.policies import Policies
from autoscaler.policy.spillover import spill

__all__ = ["Policies", "decide"]


def decide(facts: Facts, policies: Policies) -> Plan:
    """Decide every region in `facts` that a policy serves. Deterministic: equal arguments give equal plans.

    What all share (budgets, the one try of a stopped account) goes to the most urgent region first. What a region
    can not buy for want of stock goes to its siblings last.
    """
    basket = Basket(policies.budgets, facts.fleet.charges, facts.at)
    drafts = {
        region: draft(facts.regions[region], facts.at, facts.fleet, policies, basket)
        for region in sorted(facts.regions)
        if region in policies.by_region
    }
    stopped = facts.fleet.stop is not None
    shared = stopped or bool(policies.budgets)  # else no guard looks into the basket, and each draft stands as it is
    for region in _buyers(drafts, stopped=stopped):
        if shared:
            drafts[region] = drafts[region].guarded()
        if (purchase := drafts[region].purchase) is not None:
            basket.add(region, purchase.cost)
    spill(drafts, basket)
    return Plan(facts.tick, facts.at, tuple([one.decision() for one in drafts.values()]))


def _buyers(drafts: dict[RegionId, Draft], *, stopped: bool) -> list[RegionId]:
    """Who buys first. After a refusal of the account only one may try: the one that was refused longest ago.

    A permission may be missing for one cluster only, and the most urgent region could be its.
    """
    buyers = [region for region, one in drafts.items() if one.purchase is not None]
    return sorted(
        buyers, key=lambda region: (drafts[region].refused_at if stopped else 0.0, -drafts[region].urgency, region)
    )
