"""The series that call a human, and the count of what humans did.

Decisions, orders and acts come in, the instruments change. What calls a human is judged by `policy.attention`; this
module remembers what that needs: each region's last decision and its orders. It is asked when a scrape wants to know,
a bounded number of regions at a time (`exposition.Backlog`), and not at every decision.
"""

from collections.abc import Collection, Iterable
from itertools import islice

from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.decision import Decision
from autoscaler.model.names import OrderId, RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.attention import attention
from autoscaler.telemetry.families import Labels, Series
from autoscaler.telemetry.instruments import HumanInstruments
from autoscaler.telemetry.names import REASON, REGION

_TOLD_BY_REFUSAL = frozenset({Reason.BUDGET_EXHAUSTED, Reason.PRICE_UNKNOWN})
"""Why a decision did not become an order, where no decision and no order says so."""
_ACCOUNT_REFUSED = frozenset({Reason.FORBIDDEN, Reason.BALANCE_EXHAUSTED})


class HumanSeries:
    """Keeps the series of `instruments`."""

    def __init__(self, instruments: HumanInstruments) -> None:
        self._is = instruments
        self._decisions: dict[RegionId, Decision] = {}
        self._orders: dict[RegionId, dict[OrderId, Order]] = {}
        self._needed: dict[RegionId, dict[Reason, Series]] = {}
        self._waiting: dict[RegionId, None] = {}
        self._refused: dict[RegionId, Reason] = {}
        self._stopped_at: float | None = None
        self._is.account_stopped.set(0)

    def restore(self, orders: Iterable[Order]) -> None:
        """Take these orders as the present ones: the open ones, and the last that was settled where it is known."""
        self._orders = {}
        for order in orders:
            self._remember(order)
        self._waiting.update(dict.fromkeys([*self._needed, *self._orders]))

    def decided(self, decision: Decision) -> None:
        """A region was decided."""
        self._decisions[decision.region] = decision
        if decision.purchase is None:
            self._refused.pop(decision.region, None)  # nothing is wanted any more
        if self._stopped_at is None and any(step.reason is Reason.ACCOUNT_STOPPED for step in decision.steps):
            self._stop(decision.at)  # the ledger remembers a refusal that a former process got
        self._waiting[decision.region] = None

    def order_refused(self, region: RegionId, reason: Reason) -> None:
        """A decision did not become an order."""
        if reason in _TOLD_BY_REFUSAL:
            self._refused[region] = reason
            self._waiting[region] = None

    def order_changed(self, order: Order) -> None:
        """An order was written."""
        self._refused.pop(order.region, None)
        self._remember(order)
        self._note_account(order)
        self._waiting[order.region] = None

    def act_done(self, act: Act) -> None:
        """A human's act was carried out or refused."""
        self._is.acts.labels(act.kind).inc()
        if act.kind is ActKind.RELEASE and act.subject == EVERYWHERE:
            self._resume()

    def keep(self, regions: Collection[RegionId]) -> None:
        """Forget the decisions of all other regions; their orders stay, since they were paid."""
        for region in [known for known in self._decisions if known not in regions]:
            del self._decisions[region]
            self._waiting[region] = None

    def __len__(self) -> int:
        """Regions of which something was told that is not in their series yet."""
        return len(self._waiting)

    def write(self, most: int) -> None:
        """Write the series of at most so many regions, the longest waiting first."""
        for region in list(islice(self._waiting, most)):
            del self._waiting[region]
            self._show(region)

    def _remember(self, order: Order) -> None:
        """Every open order of a region and the last that was settled: that is what attention asks for."""
        of_region = self._orders.setdefault(order.region, {})
        of_region[order.id] = order
        settled = [one for one in of_region.values() if one.state.final]
        for old in sorted(settled, key=lambda one: (one.settled_at or 0.0, one.id))[:-1]:
            del of_region[old.id]

    def _note_account(self, order: Order) -> None:
        """The newest word of the API about the account counts: a refusal, or a sale."""
        if order.state is OrderState.FAILED and order.reason in _ACCOUNT_REFUSED and order.settled_at is not None:
            self._stop(order.settled_at)
        elif (
            order.receipt is not None and self._stopped_at is not None and self._stopped_at < (order.submitted_at or 0)
        ):
            self._resume()

    def _stop(self, at: float) -> None:
        self._stopped_at = at
        self._is.account_stopped.set(1)

    def _resume(self) -> None:
        self._stopped_at = None
        self._is.account_stopped.set(0)

    def _show(self, region: RegionId) -> None:
        orders = tuple(self._orders.get(region, {}).values())
        now = {one.reason for one in attention(self._decisions.get(region), orders)}
        if region in self._refused:
            now.add(self._refused[region])
        shown = self._needed.pop(region, {})
        for gone in shown.keys() - now:
            shown.pop(gone).set(None)
        for reason in sorted(now - shown.keys()):
            shown[reason] = self._is.needed.series(Labels({REGION: region, REASON: reason}))
            shown[reason].set(1)
        if shown:
            self._needed[region] = shown
