"""Account stop: the API refused the account (permissions, credentials, balance), so nothing is ordered anywhere.

After a time one order tries again. That it stays at one over several plans is the executor's doing.
"""

from autoscaler.model.act import EVERYWHERE
from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold while the stop is fresh, and later for every region but the first of the plan."""
    stop = situation.fleet.stop
    if stop is None:
        return None
    refused = f"the API refused the account ({stop.reason}: {stop.detail})"
    left = stop.at + situation.brakes.account_stop_seconds - situation.now
    first = situation.basket.first
    if left > 0:
        message = f"{refused}; next try in {left:.0f} s, or after: autoscaler release '{EVERYWHERE}' --reason ..."
    elif first is not None:
        message = f"{refused}; one order at a time tries again, and that is the one of {first}"
    else:
        return None
    return situation.hold("account", desired, Reason.ACCOUNT_STOPPED, message)
