"""Three planted bugs, each a wrapper of a port, so that the daemon around them is the shipped one.

They are what a hasty hand would write: send again after a timeout, write the intent after the call, and forget at a
restart what was in doubt. The simulation must catch each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler.model.errors import OutcomeUnknown, Unavailable
from autoscaler.model.operation import Operation, Quantity
from autoscaler.model.order import Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from tests.simulation.faulty_ledger import FaultyLedger
from tests.simulation.life import WatchedCloud


@dataclass(frozen=True, slots=True)
class Wiring:
    """Which cloud and which ledger the daemon of a seed gets: the right ones, or one with a planted bug."""

    cloud: type[WatchedCloud] = WatchedCloud
    ledger: type[FaultyLedger] = FaultyLedger


class ResendOnTimeout(WatchedCloud):
    """Takes a lost answer for a request that never left."""

    async def purchase(self, operation: Operation, quantity: Quantity) -> Receipt:
        try:
            return await super().purchase(operation, quantity)
        except OutcomeUnknown as error:
            raise Unavailable(error.action, error.code) from error


class LedgerAfterCall(FaultyLedger):
    """Writes that an order is being sent only when the next step of that order is written: after the call."""

    late: tuple[Order, Order, float] | None = None

    async def replace(self, before: Order, after: Order, at: float) -> None:
        if after.state is OrderState.SUBMITTING:
            self.late = (before, after, at)
            return
        if self.late is not None and self.late[1].id == after.id:
            late, self.late = self.late, None
            await super().replace(*late)
        await super().replace(before, after, at)


class ForgetInDoubt(FaultyLedger):
    """At a restart, takes what was in doubt for not bought."""

    async def open(self) -> Sequence[Order]:
        found = await super().open()
        for order in found:
            if order.state is OrderState.IN_DOUBT:
                at = order.submitted_at or order.created_at
                await super().replace(order, order.moved(OrderState.FAILED, Reason.EXPIRED_UNSENT, at), at)
        return [order for order in found if order.state is not OrderState.IN_DOUBT]


AS_SHIPPED = Wiring()
PLANTED: Mapping[str, Wiring] = {
    "resend-on-timeout": Wiring(cloud=ResendOnTimeout),
    "ledger-after-call": Wiring(ledger=LedgerAfterCall),
    "forget-in-doubt": Wiring(ledger=ForgetInDoubt),
}
"""The planted bugs by their names for `--planted`."""
