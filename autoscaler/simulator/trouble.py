"""Trouble: what becomes of each purchase, decided by a seed.

A region and the number of the purchase come in, a script or none goes out: the same seed, rates and purchases give the
same scripts. It is what `ScriptQueue.improvise` may be set to.
"""

from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from autoscaler.settings.base import Duration, Strict
from autoscaler.simulator.dice import Dice, drawn
from autoscaler.simulator.script import Appearance, NodeFate, PurchaseScript, Visibility

Trouble = Literal[
    "task_fails",
    "part_fails",
    "task_pauses",
    "task_canceled",
    "task_odd_word",
    "task_never_ends",
    "task_vanishes",
    "never_ready",
    "never_joins",
    "joins_late",
    "flaps",
    "wrong_count",
    "out_of_stock",
    "out_of_stock_later",
    "seen_late",
]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class TroubleRates(Strict):
    """The share of purchases that meet each kind of trouble, from 0 to 1; all together at most 1.

    `task_fails`: with `fail` or `failed`, and nothing or all of it made. `part_fails`: some nodes fail. `never_ready`:
    the task ends well and the nodes stay initial. `never_joins`: machines that are no nodes. `seen_late`: task,
    instances and nodes are seen only after a lag each, up to `longest`, and are missing once more for a moment.
    """

    rates: dict[Trouble, Share] = Field(default={}, description="Of all purchases that no listed script takes.")
    longest: Annotated[Duration, Field(gt=0, allow_inf_nan=False)] = Field(
        default=60.0, description="Longest lag of what is seen late, seconds; what joins late is 60 times later."
    )

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if sum(self.rates.values()) > 1 + 1e-9:
            raise ValueError("the shares are more than 1 together")
        return self


class SeededTrouble:
    """Scripts by a seed: give it to `ScriptQueue.improvise`."""

    def __init__(self, seed: int, rates: TroubleRates) -> None:
        self._seed = seed
        self._rates = rates

    def __call__(self, region: str, number: int) -> PurchaseScript | None:
        """The script of the purchase with that number, in that region."""
        dice = Dice(f"{self._seed}/trouble/{region}/{number}")
        trouble = drawn(self._rates.rates, dice.share())
        return None if trouble is None else _SCRIPTS[trouble](dice, self._rates.longest)


def _nodes(*fates: NodeFate) -> PurchaseScript:
    return PurchaseScript(nodes=fates)


def _task_fails(dice: Dice, _longest: float) -> PurchaseScript:
    return PurchaseScript(task=dice.one(("fail", "failed")), made=dice.one((0, None)), error="NodeInitFailed")


def _part_fails(dice: Dice, _longest: float) -> PurchaseScript:
    good = tuple(NodeFate() for _ in range(dice.whole(0, 2)))
    bad = dice.one((NodeFate(join="failed"), NodeFate(join="never", result="failed")))
    return PurchaseScript(task=dice.one(("success", "fail")), nodes=(*good, bad, NodeFate()))


def _task_pauses(dice: Dice, longest: float) -> PurchaseScript:
    begin = dice.share() * longest
    return PurchaseScript(meanwhile=((begin, begin + 1 + dice.share() * longest, "paused"),))


def _flaps(dice: Dice, longest: float) -> PurchaseScript:
    down = 1 + dice.share() * longest
    gone: NodeFate = NodeFate.model_validate(
        {
            "status": [(0, "Ready"), (down, dice.one(("NotReady", "Offline", "Unknown"))), (2 * down, "Ready")],
            "repeat": 3 * down,
        }
    )
    return _nodes(gone)


def _seen_late(dice: Dice, longest: float) -> PurchaseScript:
    def late() -> Appearance:
        after = dice.share() * longest
        return Appearance(after=after, missing=((after + longest / 4, after + longest / 3),))

    return PurchaseScript(visible=Visibility(task=late(), tasks=late(), instances=late(), nodes=late()))


_SCRIPTS: dict[Trouble, Callable[[Dice, float], PurchaseScript]] = {
    "task_fails": _task_fails,
    "part_fails": _part_fails,
    "task_pauses": _task_pauses,
    "task_canceled": lambda dice, _: PurchaseScript(task="canceled", made=dice.one((0, None))),
    "task_odd_word": lambda _, __: PurchaseScript(task="never_documented"),
    "task_never_ends": lambda _, __: PurchaseScript(task="running"),
    "task_vanishes": lambda dice, longest: PurchaseScript(vanishes_after=dice.share() * longest),
    "never_ready": lambda _, __: _nodes(NodeFate(join="initial")),
    "never_joins": lambda _, __: _nodes(NodeFate(join="never")),
    "joins_late": lambda dice, longest: _nodes(NodeFate(join_seconds=dice.share() * longest * 60)),
    "flaps": _flaps,
    "wrong_count": lambda dice, _: PurchaseScript(made=dice.whole(0, 3)),
    "out_of_stock": lambda _, __: PurchaseScript(out_of_stock="refuse"),
    "out_of_stock_later": lambda _, __: PurchaseScript(out_of_stock="fail_task"),
    "seen_late": _seen_late,
}
