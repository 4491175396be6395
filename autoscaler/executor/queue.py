"""The queue of planned orders: the most urgent first, and the longer one waits the more urgent it is.

Orders of one action come in and go out one at a time, whenever the limiter has a turn to give.
"""

import asyncio

from autoscaler.model.names import OrderId
from autoscaler.model.order import Order
from autoscaler.ports import Clock

WAIT_THAT_WEIGHS_AS_MUCH = 60.0
"""Seconds of waiting that outweigh the whole shortfall of another region: so no region starves."""


def shortfall(order: Order) -> float:
    """The order's nodes relative to the need of its region (0 to 1): a region with nothing has 1."""
    return order.nodes / max(order.desired, order.nodes)


class OrderQueue:
    """Waiting orders. One consumer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[OrderId, tuple[Order, float]] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, order: Order) -> None:
        """Let an order wait. One that waits already keeps the time since which it does."""
        _, since = self._waiting.get(order.id, (order, self._clock.monotonic()))
        self._waiting[order.id] = (order, since)
        self._filled.set()

    async def filled(self) -> None:
        """Wait until an order waits."""
        await self._filled.wait()

    def pop(self) -> Order:
        """The most urgent order now. Raises IndexError when none waits."""
        if not self._waiting:
            raise IndexError("no order waits")
        now = self._clock.monotonic()
        order, _ = min(self._waiting.values(), key=lambda entry: (-_urgency(entry[0], now - entry[1]), entry[0].id))
        del self._waiting[order.id]
        if not self._waiting:
            self._filled.clear()
        return order


def _urgency(order: Order, waited: float) -> float:
    return shortfall(order) + waited / WAIT_THAT_WEIGHS_AS_MUCH
