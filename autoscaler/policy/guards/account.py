"""Account stop: the API refused the account (permissions, credentials, balance), so nothing is ordered anywhere.

After a time one order tries again. That it stays at one over several plans is the executor's doing.
"""

from autoscaler.model.act import EVERYWHERE
from autoscaler.model.decision import GuardStep
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.situation import Situation
from autoscaler.policy.trust import CLOCK_SKEW


def guard(situation: Situation, desired: int) -> GuardStep | None:
    """Hold while the stop is fresh, and later for every region but the first of the plan."""
    stop = situation.fleet.stop
    if stop is None:
        return None
    refused = f"the API refused the account ({stop.reason}: {stop.detail})"
    # A refusal of the future was stamped by a clock that was ahead for a while.
    lasts = 0.0 if stop.at > situation.now + CLOCK_SKEW else situation.policies.brakes.account_stop_seconds
    left = stop.at + lasts - situation.now if lasts else 0.0
    first = situation.basket.first
    if left > 0:
        message = f"{refused}; next try in {left:.0f} s, or after: autoscaler release '{EVERYWHERE}' --reason ..."
    elif first is not None:
        message = f"{refused}; one order at a time tries again, and that is the one of {first}"
    else:
        return None
    return situation.hold("account", desired, Reason.ACCOUNT_STOPPED, message)
