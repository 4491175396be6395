"""Who asked which target when: what a target server counts. Pure; times (seconds, any origin) come in."""

from dataclasses import dataclass, field

_LATE = 1.5
"""A gap longer than so many intervals means that a scrape was left out: nobody's jitter is half an interval."""


@dataclass(slots=True)
class Visits:
    """One client's scrapes of the targets, `interval` seconds apart if none is missed."""

    interval: float
    answers: int = 0
    missed: int = 0
    versions: dict[int, int] = field(default_factory=dict)
    last: dict[int, float] = field(default_factory=dict)

    def asked(self, target: int, now: float) -> int:
        """Note a scrape; gives the version of the page that this client has not seen from this target."""
        self.missed += self._left_out(now - self.last.get(target, now))
        self.last[target] = now
        version = self.versions.get(target, 0)
        self.versions[target] = version + 1
        return version

    def answered(self) -> None:
        """Note that an answer went out whole."""
        self.answers += 1

    def begin(self, now: float) -> None:
        """Forget what was missed so far: the measurement begins. Gaps that are open count from here."""
        self.missed = 0
        self.last = dict.fromkeys(self.last, now)

    def missed_by(self, now: float) -> int:
        """Scrapes missed since the beginning, those that should have come by now included."""
        return self.missed + sum(self._left_out(now - last) for last in self.last.values())

    def _left_out(self, gap: float) -> int:
        return round(gap / self.interval) - 1 if gap > _LATE * self.interval else 0
