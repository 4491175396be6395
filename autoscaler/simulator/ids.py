"""Ids in the vendor's forms. A seed and a counter say which, so that a run can be repeated."""

import hashlib


class Ids:
    """Gives no id twice."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._given = 0

    def new(self, kind: str, digits: int) -> str:
        """The next id of a kind: that many hex digits."""
        self._given += 1
        return hashlib.sha256(f"{self._seed}/{kind}/{self._given}".encode()).hexdigest()[:digits]

    def request(self) -> str:
        """The next request id."""
        digits = self.new("request", 32).upper()
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
