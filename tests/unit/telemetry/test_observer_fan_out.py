"""Promises of the fan-out: everybody hears everything, and nobody can stop it."""

import pytest
from structlog.testing import capture_logs

from autoscaler.model.events import Event, LedgerFailed
from autoscaler.ports import Observer
from autoscaler.telemetry.observers import Observers

EVENT = LedgerFailed("full")


class Listener:
    """Remembers what it heard, and raises when told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.heard: list[Event] = []
        self._error = error

    def notice(self, event: Event) -> None:
        self.heard.append(event)
        if self._error:
            raise self._error


def test_a_failing_observer_does_not_stop_the_others() -> None:
    before, broken, after = Listener(), Listener(RuntimeError("boom")), Listener()
    observers: Observer = Observers([before, broken, after])
    with capture_logs():
        observers.notice(EVENT)
        observers.notice(EVENT)
    assert before.heard == after.heard == broken.heard == [EVENT, EVENT]


def test_a_failing_observer_is_logged_once() -> None:
    observers = Observers([Listener(RuntimeError("boom")), Listener(ValueError("bang"))])
    with capture_logs() as lines:
        observers.notice(EVENT)
        observers.notice(EVENT)
    assert [(line["observer"], line["log_level"]) for line in lines] == [("Listener", "error"), ("Listener", "error")]


def test_a_stop_of_the_program_is_not_swallowed() -> None:
    class Interrupted(Listener):
        def notice(self, event: Event) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Observers([Interrupted()]).notice(EVENT)
