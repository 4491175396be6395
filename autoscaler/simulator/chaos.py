"""Chaos: which fault a call meets, decided by a seed.

An action and its sequence number come in, a fault or none goes out: the same seed, rates and calls give the same
faults, in whatever order calls of different actions are mixed.
"""

import hashlib
from collections import Counter
from typing import Annotated, Self, TypeVar

from pydantic import Field, model_validator

from autoscaler.settings.base import Duration, Strict
from autoscaler.simulator.faults import PURCHASES, Fault, FaultKind

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_WAITS = frozenset({"delay_answer", "hang_before", "drip"})
_FAILS = frozenset({"error_500_json", "error_500_html", "call_interface"})
_PURCHASES_ONLY = frozenset({"accepted_202", "xml"})
_REFUSALS = ("ErrorClusterState", "QuotaExceeded.Node", "InvalidParameter.Count")
_STATUS: dict[str, tuple[int, ...]] = {"throttle": (400, 429, 503), "error_500_json": (500, 502, 503)}
_INTERFACE = ("CallInterface", "ens.interface.error")
_ACCURACY = 2**48
T = TypeVar("T")


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
        dice = _Dice(f"{self._seed}/{action}/{number}")
        drawn = dice.share()
        for kind in sorted(rates):
            drawn -= rates[kind]
            if drawn < 0:
                return self._shaped(kind, action, dice)
        return None

    def _shaped(self, kind: FaultKind, action: str, dice: "_Dice") -> Fault:
        """The fault with all that its kind leaves open. Every throw is made, so that no kind moves another's."""
        seconds, status, code, executed = dice.share(), dice.share(), dice.share(), dice.share() < 0.5
        told = dice.share()
        codes = _INTERFACE if kind == "call_interface" else _REFUSALS if kind == "refuse" else ()
        return Fault(
            kind=kind,
            action=action,
            seconds=seconds * self._rates.longest if kind in _WAITS else 0.0,
            status=_one(_STATUS.get(kind, ()), status),
            code=_one(codes, code),
            retry_after=1.0 + told * 8 if kind == "throttle" and told < 0.5 else None,
            executed=executed if kind in _FAILS else False,
        )


class _Dice:
    """Throws that follow from a text alone."""

    def __init__(self, text: str) -> None:
        self._rolled = hashlib.sha512(text.encode()).digest()
        self._next = 0

    def share(self) -> float:
        """From 0 to 1, 1 excluded; at most ten times."""
        part = self._rolled[self._next : self._next + 6]
        self._next += 6
        return int.from_bytes(part, "big") / _ACCURACY


def _one(choices: tuple[T, ...], share: float) -> T | None:
    return choices[int(share * len(choices))] if choices else None
