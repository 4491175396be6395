"""What the daemon puts out: the lines of its real log and the page of its real metrics, read for secrets and faults.

Lines are what an operator's log would hold (JSON, level `info`); pages are rendered when a life ends. Their time stamps
are of the real clock, so only what is said goes into the story.
"""

import io
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import CollectorRegistry, generate_latest

from autoscaler import __version__
from autoscaler.model.events import Event
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order
from autoscaler.model.reason import Reason
from autoscaler.ports import Observer
from autoscaler.telemetry.log_format import configure_logging
from autoscaler.telemetry.logs import LogObserver
from autoscaler.telemetry.metrics import MetricsObserver
from autoscaler.telemetry.names import NEEDS_HUMAN
from autoscaler.telemetry.observers import Observers
from tests.simulation.story import Story

_QUIET = ('"level": "info"', '"level": "debug"')
_TOLD = ("event", "region", "order", "cluster", "reason", "detail")


class LogPage(io.StringIO):
    """The stream that all logging goes to. A traceback in it is a fault of the program, and fails the seed.

    `deaf` once the seed is over: what the dead say while they are buried is nobody's output.
    """

    def __init__(self, story: Story, fail: Callable[[str], None]) -> None:
        super().__init__()
        self._story = story
        self._fail = fail
        self.deaf = False

    def write(self, text: str) -> int:
        """One line, as logging's stream handler writes it."""
        if self.deaf:
            return len(text)
        self._story.watch(text)
        self._story.count("output: lines of the log")
        if not any(quiet in text for quiet in _QUIET):
            line = json.loads(text)
            self._story.tell("log: " + " ".join(str(line[key]) for key in _TOLD if key in line))
            if "exception" in line:
                self._fail(f"a fault of the program: {text}")
        return len(text)


@contextmanager
def all_logging_to(page: LogPage) -> Iterator[None]:
    """Set logging up as the daemon does, and afterwards as it was."""
    root, former = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    configure_logging("json", "info", page)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        structlog.configure(**former)


class Telemetry:
    """The observers of one life, as the daemon joins them; `listener` hears of every event beside them.

    Without `full` the listener is alone.
    """

    def __init__(self, listener: Observer, story: Story, *, full: bool) -> None:
        self._story = story
        self._registry = CollectorRegistry()
        self._metrics = MetricsObserver(self._registry, __version__) if full else None
        self._observers = Observers([self._metrics, LogObserver(), listener] if self._metrics else [listener])

    def notice(self, event: Event) -> None:
        """Implements ports.Observer."""
        self._observers.notice(event)

    def restore(self, orders: Iterable[Order]) -> None:
        """Take the orders of the ledger as the present ones, as the daemon does once it has started."""
        if self._metrics is not None:
            self._metrics.restore(orders)

    def read(self) -> None:
        """Render the page as a scrape would, and look for secrets in it."""
        if self._metrics is not None:
            self._story.watch(generate_latest(self._registry).decode())
            self._story.count("output: pages of metrics")

    def calls_for(self, region: RegionId) -> frozenset[Reason] | None:
        """The reasons for which the series of this life call a human to a region; None where there are no series."""
        if self._metrics is None:
            return None
        series = (one for metric in self._registry.collect() if metric.name == NEEDS_HUMAN for one in metric.samples)
        return frozenset(Reason(one.labels["reason"]) for one in series if one.labels["region"] == region)
