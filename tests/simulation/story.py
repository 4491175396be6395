"""The story of a seed: what happened, in order, and a digest of it that two runs of one seed must share."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Sequence

from tests.simulation.processes import PROCESS

_LAST = 40


class Violation(Exception):
    """A promise was broken. The text tells the seed, the moment, the life and the last events."""


class Story:
    """What happened. `now` is seconds of the simulation, `secrets` what must be in no text.

    The digest covers every line told; `leaked` holds the lines that tell a secret.
    """

    def __init__(self, seed: int, now: Callable[[], float], secrets: Sequence[str]) -> None:
        self.seed = seed
        self.counts: Counter[str] = Counter()
        self.leaked: list[str] = []
        self._now = now
        self._secrets = tuple(secrets)
        self._last: deque[str] = deque(maxlen=_LAST)
        self._digest = hashlib.blake2b(digest_size=16)

    def tell(self, text: str) -> None:
        """One line. It must not depend on the order of a set or on an address."""
        process = PROCESS.get()
        line = f"{self._now():12.3f} {process.name if process else 'world':>8} {text}"
        self._last.append(line)
        self._digest.update(line.encode())
        self.watch(line)

    def watch(self, text: str) -> None:
        """Look for secrets in what the daemon puts out."""
        if any(secret in text for secret in self._secrets):
            self.leaked.append(text)

    def count(self, what: str, times: int = 1) -> None:
        """Count something for the table; `kind: word` groups."""
        self.counts[what] += times

    @property
    def digest(self) -> str:
        """The digest of everything told so far."""
        return self._digest.hexdigest()

    def violation(self, promise: str) -> Violation:
        """The error to raise for a broken promise."""
        told = "\n".join(self._last)
        process = PROCESS.get()
        head = f"seed {self.seed}, {self._now():.3f} s, {process.name if process else 'world'}: {promise}"
        return Violation(f"{head}\n{told}")
