"""The queue of planned orders: the most urgent first, and the longer a region waits the more urgent it is.

Orders of one action come in and go out one at a time, whenever the limiter has a turn to give.
"""

import asyncio
from collections.abc import Callable, Sequence

from autoscaler.model.names import OrderId, RegionId
from autoscaler.model.order import Order
from autoscaler.ports import Clock

WAIT_THAT_WEIGHS_AS_MUCH = 60.0
"""Seconds of waiting that outweigh the whole shortfall of another region: so no region starves."""
_KEPT_FOR = 60.0
"""Seconds after which a region whose order left unsent, and that asked for nothing since, has lost its turn."""


def shortfall(order: Order) -> float:
    """The order's nodes relative to the need of its region (0 to 1): a region with nothing has 1."""
    return order.nodes / max(order.desired, order.nodes)


class OrderQueue:
    """Waiting orders. One consumer.

    A region's wait goes on when its order is dropped for its age and decided afresh; it ends when one is sent.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[OrderId, Order] = {}
        self._since: dict[RegionId, float] = {}
        self._left: dict[RegionId, float] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, order: Order) -> None:
        """Let an order wait."""
        now = self._clock.monotonic()
        if now - self._left.pop(order.region, now) > _KEPT_FOR:
            del self._since[order.region]
        self._since.setdefault(order.region, now)
        self._waiting[order.id] = order
        self._filled.set()

    async def filled(self) -> None:
        """Wait until an order waits."""
        await self._filled.wait()

    def pop(self) -> Order:
        """The most urgent order now. Raises IndexError when none waits."""
        if not self._waiting:
            raise IndexError("no order waits")
        now = self._clock.monotonic()
        order = min(self._waiting.values(), key=lambda one: (-self._urgency(one, now), one.id))
        self._take(order)
        self._since.pop(order.region, None)
        return order

    def drop(self, which: Callable[[Order], bool]) -> Sequence[Order]:
        """Take out the orders that must not be sent any more; their regions keep their turn for a while."""
        dropped = [order for order in self._waiting.values() if which(order)]
        for order in dropped:
            self._take(order)
            self._left[order.region] = self._clock.monotonic()
        return dropped

    def _take(self, order: Order) -> None:
        del self._waiting[order.id]
        if not self._waiting:
            self._filled.clear()

    def _urgency(self, order: Order, now: float) -> float:
        return shortfall(order) + (now - self._since.get(order.region, now)) / WAIT_THAT_WEIGHS_AS_MUCH
