"""Timers: what the ledger says about when, read with the distrust that a clock deserves.

Orders come in, those that a timer may count from go out.
"""

from collections.abc import Iterable, Iterator

from autoscaler.model.order import Order
from autoscaler.policy.trust import CLOCK_SKEW


def settled(orders: Iterable[Order], now: float) -> Iterator[Order]:
    """The settled orders, less those of the future: a clock that was ahead for a while must hold nobody for a year."""
    for order in orders:
        if order.settled_at is not None and order.settled_at <= now + CLOCK_SKEW:
            yield order
