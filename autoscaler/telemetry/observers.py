"""One observer for the shell, several behind it.

Events come in and go to every observer in turn. It must not let one of them stop the others or the shell.
"""

from collections.abc import Iterable

import structlog

from autoscaler.model.events import Event
from autoscaler.ports import Observer


class Observers:
    """An Observer that passes every event on, in the order of `observers`, and never raises.

    An observer that raises keeps getting events (its next one may be fine) and is logged the first time only: it
    would otherwise fill the log at the pace of the loop.
    """

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)
        self._failed: set[int] = set()

    def notice(self, event: Event) -> None:
        """Pass the event to every observer."""
        for place, observer in enumerate(self._observers):
            try:
                observer.notice(event)
            except Exception:  # noqa: BLE001  # whatever telemetry trips over, the loop must go on ordering nodes
                self._tell(place, observer, event)

    def _tell(self, place: int, observer: Observer, event: Event) -> None:
        if place in self._failed:
            return
        self._failed.add(place)
        structlog.get_logger("autoscaler.telemetry").error(
            "an observer failed; it is told only once",
            observer=type(observer).__name__,
            noticed=type(event).__name__,
            exc_info=True,
        )
