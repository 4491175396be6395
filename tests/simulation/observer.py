"""What the daemon says while it runs: its events and its log, turned into the story and the counts of the table."""

import logging
from collections.abc import Callable

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
from tests.simulation.audit import Audit
from tests.simulation.story import Story


class Listener:
    """Implements ports.Observer for every life of a seed. `deaf` once the seed is over."""

    def __init__(self, story: Story, audit: Audit) -> None:
        self._story = story
        self._audit = audit
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


class LogWatch(logging.Handler):
    """The daemon's log. A traceback in it is a fault of the program, and fails the seed."""

    def __init__(self, story: Story, fail: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._story = story
        self._fail = fail

    def emit(self, record: logging.LogRecord) -> None:
        """Watch one record."""
        text = self.format(record)
        self._story.tell(f"log: {record.getMessage()}")
        self._story.watch(text)
        if record.exc_info:
            self._fail(f"a fault of the program: {text}")
