"""What happens in the daemon while it runs: its events, turned into the story and the counts of the table."""

from autoscaler.model.events import (
    ActDone,
    CapacityUnreadable,
    CloudCalled,
    Event,
    LedgerFailed,
    OrderChanged,
    OrderRefused,
    PlanMade,
    SourceFailed,
)
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from tests.simulation.audit import Audit
from tests.simulation.story import Story
from tests.simulation.witness import Witness

_BY_A_HUMAN = frozenset({Reason.RESOLVED_BOUGHT, Reason.RESOLVED_NOT_BOUGHT})


class Listener:
    """Implements ports.Observer for every life of a seed. `deaf` once the seed is over."""

    def __init__(self, story: Story, audit: Audit, witness: Witness) -> None:
        self._story = story
        self._audit = audit
        self._witness = witness
        self.deaf = False

    def notice(self, event: Event) -> None:
        """Told at once, in the daemon's own context."""
        if self.deaf:
            return
        story = self._story
        match event:
            case PlanMade(plan=plan):
                self._audit.planned(plan)
            case OrderChanged(order=order, before=before):
                story.tell(f"order {order.id} {before} -> {order.state} v{order.version} {order.reason} {order.detail}")
                if before is OrderState.IN_DOUBT and order.state is not before:
                    story.count(f"doubt: {order.state} ({order.reason})")
                    if order.reason in _BY_A_HUMAN:
                        story.count("mattered: a human settled a doubt")
                    self._witness.settled(order, self._audit.sales.get(order.id))
                if order.state.final:
                    story.count(f"ended: {order.state} ({order.reason})")
            case CloudCalled(action=action, outcome=outcome):
                story.count(f"call: {action} {outcome}")
                if outcome != "ok":
                    story.tell(f"{action}: {outcome}")
            case CapacityUnreadable() | LedgerFailed() | OrderRefused() | SourceFailed() | ActDone():
                story.tell(f"{event}")
            case _:
                pass
