"""Rate limits as the vendor would measure them: from the calls that arrive, whatever the daemon believes."""


class Meter:
    """`rate` calls a second and `burst` at once; `slack` more are forgiven. Times are seconds of the simulation."""

    def __init__(self, rate: float, burst: float, slack: float = 0.0) -> None:
        self._rate = rate
        self._most = burst + slack
        self._left = self._most
        self._at = 0.0

    def exceeded(self, now: float) -> bool:
        """Count a call; whether it is one too many."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate) - 1.0
        self._at = now
        return self._left < -1e-6
