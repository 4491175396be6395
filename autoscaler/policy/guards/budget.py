"""Budget: no plan asks for more than the budgets have left. That no order takes more is the ledger's doing."""

from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.money import shown


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Reduce to what the tightest budget can pay for; a price that nobody told can not be paid."""
    offer = situation.pick.offer
    if offer is None or desired <= situation.committed:
        return None
    tightest = situation.basket.tightest(situation.region)
    if tightest is None:
        return None
    limit, left = tightest
    message = f"{limit.name}: {shown(max(0, left))} of {shown(limit.most)} left"
    if left <= 0:
        return situation.hold("budget", desired, Reason.BUDGET_EXHAUSTED, message)
    if offer.price is None:
        if situation.policies.prices_from_api:
            return None
        message = f"{limit.name} covers it, and {offer.operation.template} has no price"
        return situation.hold("budget", desired, Reason.PRICE_UNKNOWN, message)
    if offer.price <= 0:
        return None
    message += f", a node costs {shown(offer.price)}"
    return situation.at_most(left // offer.price, "budget", desired, Reason.BUDGET_EXHAUSTED, message)
