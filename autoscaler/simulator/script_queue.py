"""Which script a purchase follows: the scenario's list in turn, then whoever improvises, then the standing one.

Purchases come in, scripts go out. It holds the list of those that have not served yet, and nothing else.
"""

from collections.abc import Callable, Iterable

from autoscaler.simulator.script import PurchaseScript

Improvise = Callable[[str, int], PurchaseScript | None]
"""(ens_region_id, number of the purchase from 1) -> its script, or None for the standing one."""


class ScriptQueue:
    """Scripts that wait for their purchase. `improvise` may be set to decide purchases that no listed script takes."""

    def __init__(self, standing: PurchaseScript, listed: Iterable[PurchaseScript] = ()) -> None:
        self.standing = standing
        self.improvise: Improvise | None = None
        self._waiting = list(listed)
        self._number = 0

    def add(self, script: PurchaseScript, times: int = 1) -> None:
        """Let the next `times` purchases of the script's region follow it."""
        self._waiting.extend([script] * times)

    def take(self, region: str) -> PurchaseScript:
        """The script of the present purchase in that region."""
        self._number += 1
        for index, script in enumerate(self._waiting):
            if script.region in (None, region):
                return self._waiting.pop(index)
        improvised = self.improvise(region, self._number) if self.improvise else None
        return improvised or self.standing

    def __len__(self) -> int:
        return len(self._waiting)
