"""Throws that follow from a text alone: the same text gives the same throws, in the same order."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_ACCURACY = 2**48


class Dice:
    """At most ten throws."""

    def __init__(self, text: str) -> None:
        self._rolled = hashlib.sha512(text.encode()).digest()
        self._next = 0

    def share(self) -> float:
        """From 0 to 1, 1 excluded. Raises IndexError after ten throws."""
        part = self._rolled[self._next : self._next + 6]
        if len(part) < 6:
            raise IndexError("there are ten throws in one text")
        self._next += 6
        return int.from_bytes(part, "big") / _ACCURACY

    def whole(self, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        return least + int(self.share() * (most - least + 1))

    def one(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.whole(0, len(choices) - 1)]


def drawn(rates: dict[T, float], share: float) -> T | None:
    """Which of several things with these shares a throw falls on; None beyond their sum."""
    for thing in sorted(rates, key=str):
        share -= rates[thing]
        if share < 0:
            return thing
    return None
