"""The series of orders and of the ledger that holds them.

Orders come in as they were written, refusals and faults of the ledger as they happened; the instruments change. It
remembers the open orders and nothing else, and goes through them when a scrape asks (`exposition.Backlog`).
"""

from collections.abc import Iterable

from autoscaler.model.events import OrderRefused
from autoscaler.model.names import OrderId, RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.telemetry.families import Labels, Series
from autoscaler.telemetry.instruments import OrderFamilies, OrderInstruments
from autoscaler.telemetry.names import REGION

OPEN_STATES = tuple(state for state in OrderState if not state.final)


class OrderSeries:
    """Keeps the series of `instruments` and `families`."""

    def __init__(self, instruments: OrderInstruments, families: OrderFamilies) -> None:
        self._is = instruments
        self._families = families
        self._bought: dict[RegionId, tuple[Series, Series]] = {}
        self._open: dict[OrderId, Order] = {}
        self._open_changed = False

    def restore(self, orders: Iterable[Order]) -> None:
        """Take these orders as the present ones; final ones among them are passed over."""
        self._open = {order.id: order for order in orders if not order.state.final}
        self._open_changed = True

    def changed(self, order: Order, before: OrderState | None) -> None:
        """An order was written, so the ledger takes writes."""
        self._is.ledger_usable.set(1)
        if order.state.final:
            self._open.pop(order.id, None)
        else:
            self._open[order.id] = order
        self._open_changed = True
        if order.state == before:
            return  # a note, not a transition
        self._is.transitions.labels(order.state).inc()
        if order.state is OrderState.ACCEPTED:  # no path leads back to it: every order passes here at most once
            self.expect(order.region)
            nodes, cost = self._bought[order.region]
            nodes.add(order.nodes)
            cost.add(order.cost / 100)  # Money is hundredths
        if order.state is OrderState.READY and order.settled_at is not None:
            self._is.provisioning.observe(max(0.0, order.settled_at - order.created_at))

    def expect(self, region: RegionId) -> None:
        """Start the region's counters at zero, if they have not begun: their first increase is to be seen as one."""
        if region not in self._bought:
            labels = Labels({REGION: region})
            self._bought[region] = (self._families.nodes.series(labels), self._families.cost.series(labels))
            for series in self._bought[region]:
                series.set(0)

    def refused(self, refusal: OrderRefused) -> None:
        """A decision did not become an order."""
        self._is.refused.labels(refusal.reason).inc()

    def ledger_failed(self) -> None:
        """The ledger refused a write."""
        self._is.ledger_failures.inc()
        self._is.ledger_usable.set(0)

    def ledger_written(self) -> None:
        """The ledger took a write that is no order."""
        self._is.ledger_usable.set(1)

    def __len__(self) -> int:
        """1 if open orders have changed since they were last written, else 0."""
        return int(self._open_changed)

    def write(self, most: int) -> None:
        """Write how many orders are open, and since when; does nothing if `most` is 0."""
        if most:
            self._open_changed = False
            self._show_open()

    def _show_open(self) -> None:
        made: dict[OrderState, list[float]] = {state: [] for state in OPEN_STATES}
        for order in self._open.values():
            made[order.state].append(order.created_at)
        for state, times in made.items():
            self._is.open.labels(state).set(len(times))
            if times:
                self._is.oldest.labels(state).set(min(times))
            else:
                self._is.oldest.remove(state)
