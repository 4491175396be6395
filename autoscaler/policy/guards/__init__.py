"""Guards, one file each: a step that may change or stop the desired number, and says so with a reason.

A guard takes the Situation and the number so far, and gives a GuardStep, or None when it has nothing to say. All that
it knows derives from the facts, so a restart changes no answer.

Their order is fixed in ORDER and is part of the documented behaviour. First what the number may be at all:

1. `scale_out_only`: never below what is committed.
2. `bounds`: minNodes, maxNodes; bought nodes that never came, or are gone, count for a while.
3. `elsewhere`: less what sibling regions bought for this one.
4. `quota`: what the region may buy in a day and in its life.

Then what stops a purchase altogether, what lasts longest being named first:

5. `capacity`: no order on an unread or old count of nodes.
6. `unsettled`: no order beside one whose purchase is undecided or can not be told apart.
7. `account`: no order while the API refuses the account.
8. `fleet`: no order anywhere while too much of the fleet does not answer.
9. `dark`: no order in a region that does not answer.
10. `latch`: no order after too many failed joins, until a human says so.
11. `breaker`: no order after one that was taken and brought no ready node.
12. `backoff`: no order for a while after one that was refused.
13. `cooldown`: no order for a while after the last one's nodes became ready.

Then what can be bought by the offer at hand:

14. `stock`: what the region has, by the first type that it has.
15. `call_limit`: what one call may add.
16. `budget`: what the budgets have left.

Only the first two may raise the number; every other guard holds, reduces, or speaks without changing, and has nothing
to say where no more is wanted than is committed. So it is asked only where something would be bought.
"""

from collections.abc import Callable

from autoscaler.model.decision import GuardStep
from autoscaler.policy.guards import (
    account,
    backoff,
    bounds,
    breaker,
    budget,
    call_limit,
    capacity,
    cooldown,
    dark,
    elsewhere,
    fleet,
    latch,
    quota,
    scale_out_only,
    stock,
    unsettled,
)
from autoscaler.policy.guards.situation import Situation

Guard = Callable[[Situation, int], GuardStep | None]

ORDER: tuple[Guard, ...] = (
    scale_out_only.guard,
    bounds.guard,
    elsewhere.guard,
    quota.guard,
    capacity.guard,
    unsettled.guard,
    account.guard,
    fleet.guard,
    dark.guard,
    latch.guard,
    breaker.guard,
    backoff.guard,
    cooldown.guard,
    stock.guard,
    call_limit.guard,
    budget.guard,
)
_MAY_RAISE, _MAY_ONLY_STOP = ORDER[:2], ORDER[2:]


def guarded(situation: Situation, wanted: int) -> tuple[GuardStep, ...]:
    """The steps that all guards take from `wanted` nodes on; what is left is the last one's `after`."""
    steps: list[GuardStep] = []
    for guard in _MAY_RAISE:
        if (step := guard(situation, wanted)) is not None:
            steps.append(step)
            wanted = step.after
    for guard in _MAY_ONLY_STOP:
        if wanted <= situation.committed:
            break
        if (step := guard(situation, wanted)) is not None:
            steps.append(step)
            wanted = step.after
    return tuple(steps)
