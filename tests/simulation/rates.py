"""Rate limits as the vendor would measure them: from the calls that leave, whatever the daemon believes."""

import math
from collections.abc import Iterable, Mapping

from autoscaler.settings.sections import ExecutorSettings


class Meter:
    """`rate` calls a second and `burst` at once, from `now` on. Times are seconds of the simulation."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._most = burst
        self._left = burst
        self._at = now
        self._forgiven = 0

    def replay(self, ages: Iterable[float]) -> None:
        """Count calls that were made so many seconds before the meter was."""
        last, left = math.inf, self._most
        for age in sorted((max(0.0, age) for age in ages), reverse=True):
            left = min(self._most, left + (last - age) * self._rate) - 1.0
            last = age
        self._left = min(self._most, left + last * self._rate)

    def forgive(self, calls: int) -> None:
        """Let so many calls, at most, be too many from now on."""
        self._forgiven = calls

    def exceeded(self, now: float) -> bool:
        """Count a call; whether it is one too many."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate) - 1.0
        self._at = now
        if self._left < -1e-6 and self._forgiven:
            self._forgiven -= 1
            self._left += 1.0
        return self._left < -1e-6


class Paces:
    """The meters of one life: a new process knows nothing but what the ledger tells it."""

    def __init__(self, settings: ExecutorSettings) -> None:
        self._settings = settings
        self._meters: dict[str, Meter] = {}

    def begin_life(self, sent: Mapping[str, Iterable[float]], now: float) -> None:
        """Start anew. `sent`: by purchase operation, how many seconds ago the calls left that the ledger tells of."""
        self._meters = {}
        for operation, ages in sent.items():
            self._purchases(operation, now).replay(ages)

    def purchase_exceeds(self, operation: str, now: float) -> bool:
        """Count a purchase that leaves; whether it is one too many."""
        return self._purchases(operation, now).exceeded(now)

    def read_exceeds(self, action: str, now: float) -> bool:
        """The same for a read."""
        if action not in self._meters:
            pace = self._settings.reads.pace(action)
            self._meters[action] = Meter(pace.per_second, pace.burst, now)
        return self._meters[action].exceeded(now)

    def stood_still(self) -> None:
        """The process was stopped and goes on: what had its turn before leaves now, beside what has its turn now.

        No process can know that it was stopped between its last look at the clock and the call.
        """
        for meter in self._meters.values():
            meter.forgive(self._settings.purchases.concurrency)

    def _purchases(self, operation: str, now: float) -> Meter:
        if operation not in self._meters:
            pace = self._settings.purchases.pace(operation)
            self._meters[operation] = Meter(pace.per_minute / 60.0, pace.burst, now)
        return self._meters[operation]
