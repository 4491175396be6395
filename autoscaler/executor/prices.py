"""Prices from the API: asked for once, beside the decisions, and good for a while.

Operations come in, the price of one node goes out, or None while nobody knows it. A decision never waits for a price:
the region is decided again when it is there.
"""

import asyncio
from collections.abc import Callable, Iterable

from autoscaler.model.errors import CloudError
from autoscaler.model.names import Money, RegionId
from autoscaler.model.operation import Operation
from autoscaler.ports import Clock, Cloud

GOOD_FOR = 3600.0
"""Seconds for which a price is taken as it was told."""


class Prices:
    """Prices of one node for its whole period. `wake` hears of the regions whose price was told."""

    def __init__(self, cloud: Cloud, clock: Clock, wake: Callable[[Iterable[RegionId]], None]) -> None:
        self._cloud = cloud
        self._clock = clock
        self._wake = wake
        self._told: dict[Operation, tuple[Money, float]] = {}
        self._failed: dict[Operation, str] = {}
        self._asking: dict[Operation, asyncio.Task[None]] = {}

    def known(self, operation: Operation) -> Money | None:
        """The price, or None: then it is being asked for."""
        price, at = self._told.get(operation, (Money(0), -GOOD_FOR))
        if self._clock.monotonic() - at < GOOD_FOR:
            return price
        if operation not in self._asking:
            task = asyncio.create_task(self._ask(operation), name=f"price in {operation.ens_region_id}")
            self._asking[operation] = task
        return None

    def why_unknown(self, operation: Operation) -> str:
        """What the API answered last, in words."""
        return self._failed.get(operation, "the price is being asked for")

    async def close(self) -> None:
        """Ask no more."""
        asking = tuple(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, operation: Operation) -> None:
        try:
            price = await self._cloud.price(operation, 1)
        except CloudError as error:
            self._failed[operation] = str(error)
        else:
            self._failed.pop(operation, None)
            self._told[operation] = price, self._clock.monotonic()
            self._wake((operation.ens_region_id,))
        finally:
            self._asking.pop(operation, None)
