"""Chaos: which fault a call meets, decided by a seed.

An action and its sequence number come in, a fault or none goes out: the same seed, rates and calls give the same
faults, in whatever order calls of different actions are mixed.
"""

from collections import Counter
from typing import Annotated, Self

from pydantic import Field, model_validator

from autoscaler.settings.base import Duration, Strict
from autoscaler.simulator.dice import Dice, drawn
from autoscaler.simulator.faults import PURCHASES, Fault, FaultKind

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_WAITS = frozenset({"delay_answer", "hang_before", "drip"})
_FAILS = frozenset({"error_500_json", "error_500_html", "call_interface"})
_PURCHASES_ONLY = frozenset({"accepted_202", "xml"})
_STATUS: dict[FaultKind, tuple[int, ...]] = {"throttle": (400, 429, 503), "error_500_json": (500, 502, 503)}
_CODES: dict[FaultKind, tuple[str, ...]] = {
    "call_interface": ("CallInterface", "ens.interface.error"),
    "refuse": ("ErrorClusterState", "QuotaExceeded.Node", "InvalidParameter.Count"),
}


class ChaosRates(Strict):
    """The share of calls that meet each kind of fault, from 0 to 1; all together at most 1."""

    purchases: dict[FaultKind, Share] = Field(default={}, description="Of the calls that sell.")
    reads: dict[FaultKind, Share] = Field(default={}, description="Of all other calls.")
    longest: Annotated[Duration, Field(gt=0, allow_inf_nan=False)] = Field(
        default=30.0, description="Longest wait of a delay, a hang or a drip, seconds."
    )

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for name, rates in (("purchases", self.purchases), ("reads", self.reads)):
            if sum(rates.values()) > 1 + 1e-9:
                raise ValueError(f"the shares of {name} are more than 1 together")
        unfit = sorted(_PURCHASES_ONLY & self.reads.keys())
        if unfit:
            raise ValueError(f"reads do not know {', '.join(unfit)}")
        return self


class Chaos:
    """Faults by a seed. Without rates there are none."""

    def __init__(self, seed: int = 0, rates: ChaosRates | None = None) -> None:
        self._calls: Counter[str] = Counter()
        self._seed = seed
        self._rates = rates or ChaosRates()

    def set(self, seed: int, rates: ChaosRates) -> None:
        """Begin anew with this seed and these rates; the calls of each action are counted from 1 again."""
        self._calls.clear()
        self._seed, self._rates = seed, rates

    def stop(self) -> None:
        """No further faults; calls go on being counted."""
        self._rates = ChaosRates()

    def take(self, action: str) -> Fault | None:
        """The fault of the next call of that action."""
        self._calls[action] += 1
        return self.fault(action, self._calls[action])

    def fault(self, action: str, number: int) -> Fault | None:
        """The fault of the call with that number, from 1."""
        rates = self._rates.purchases if action in PURCHASES else self._rates.reads
        if not rates:
            return None
        dice = Dice(f"{self._seed}/{action}/{number}")
        kind = drawn(rates, dice.share())
        return None if kind is None else self._shaped(kind, action, dice)

    def _shaped(self, kind: FaultKind, action: str, dice: Dice) -> Fault:
        """The fault with all that its kind leaves open."""
        return Fault(
            kind=kind,
            action=action,
            seconds=dice.share() * self._rates.longest if kind in _WAITS else 0.0,
            status=dice.one(_STATUS[kind]) if kind in _STATUS else None,
            code=dice.one(_CODES[kind]) if kind in _CODES else None,
            retry_after=dice.one((None, 1.0, 2.5, 8.0)) if kind == "throttle" else None,
            executed=dice.one((False, True)) if kind in _FAILS else False,
        )
