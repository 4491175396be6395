"""What a seed decides about a round: the demand, the faults, and where in the time of submitting the kill falls.

A seed comes in, a RoundPlan goes out; nothing happens here. Real time does the rest, so a seed repeats the plan of a
round and not its every microsecond.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from autoscaler.model.names import RegionId
from autoscaler.simulator.faults import Fault, FaultKind
from tests.integration.kills.ground import REGIONS, SETTLE_AFTER

LONGEST_HOLD = 0.3
"""Seconds for which the simulator holds a call: much less than settle_after, as the API's lag must be."""
assert LONGEST_HOLD * 3 < SETTLE_AFTER
_TROUBLE = 0.7
"""Share of the rounds in which a purchase call meets a fault."""
_AGAIN = 0.2
"""Chance that a daemon which has just been started is killed, too."""
_BEYOND = 1.25
"""Kills fall up to this many usual times of submitting after its beginning: some of them after its end."""
_SLOW: Sequence[FaultKind] = ("delay_answer", "hang_before", "drip")
_DOUBTFUL: Sequence[FaultKind] = ("lose_answer", "lose_request", "truncate")
KINDS = frozenset({*_SLOW, *_DOUBTFUL, "throttle", "error_500_html", "error_500_html, executed"})
"""All faults there are, as `named` names them."""
_DOUBT_TAKES = 0.15
"""Seconds in which an order in doubt is usually looked into for the first time."""


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """One round. `rises` are the nodes that each region needs more, `faults` those of the next purchase calls.

    `at` (0 to 1) is the share of the time of submitting after which the kill falls, `longer` the seconds by which the
    faults lengthen it; `again` holds, for each daemon that is killed while it recovers, the seconds after its start.
    """

    seed: str
    rises: Mapping[RegionId, int]
    faults: tuple[Fault, ...]
    at: float
    longer: float
    again: tuple[float, ...]

    def kill_after(self, usual: float) -> float:
        """Seconds from the moment in which the order stands in the ledger; `usual` is an undisturbed submission's."""
        return self.at * (usual * _BEYOND + self.longer)


def round_plan(seed: str) -> RoundPlan:
    """The plan that belongs to a seed."""
    dice = Random(seed)  # noqa: S311  # to be repeated, not to be kept secret
    regions = dice.sample(REGIONS, dice.choice((1, 1, 2)))
    rises = {region: dice.randint(1, 3) for region in regions}
    faults: tuple[Fault, ...] = ()
    longer = 0.0
    if dice.random() < _TROUBLE:
        fault, longer = _fault(dice)
        faults = (fault,) * dice.randint(1, len(regions))
    again = []
    while dice.random() < _AGAIN:
        again.append(dice.uniform(0.02, 0.5))
    return RoundPlan(seed, rises, faults, dice.random(), longer, tuple(again))


def _fault(dice: Random) -> tuple[Fault, float]:
    """A misfortune, and the seconds by which it makes submitting longer."""
    hold, pause = dice.uniform(0.02, LONGEST_HOLD), dice.uniform(0.02, 0.1)
    slow = [(Fault(kind=kind, seconds=hold), hold) for kind in _SLOW]
    doubtful = [(Fault(kind=kind), _DOUBT_TAKES) for kind in _DOUBTFUL]
    failed = [(Fault(kind="error_500_html", executed=executed), _DOUBT_TAKES) for executed in (True, False)]
    throttled = (Fault(kind="throttle", status=dice.choice((400, 429, 503)), retry_after=pause), pause)
    return dice.choice([*slow, *slow, *doubtful, *failed, throttled])


def named(fault: Fault) -> str:
    """A fault's kind, with what really happened where the answer does not tell."""
    return f"{fault.kind}, executed" if fault.executed else fault.kind
