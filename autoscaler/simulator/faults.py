"""Faults of the purchase call, one call each, in the order in which they were asked for.

Tests and the control page of the simulator put them in; the purchase call takes them out. Nothing happens here.
"""

from collections import deque
from typing import Literal

from pydantic import Field

from autoscaler.settings.base import Duration, Strict

FaultKind = Literal["lose_answer", "delay_answer", "throttle", "error_500_html", "hang_before"]


class Fault(Strict):
    """One misfortune of one purchase call.

    `lose_answer`: executed, then the connection is closed. `delay_answer`: executed, answered after `seconds`.
    `throttle`: refused with `status`, nothing executed. `error_500_html`: a gateway's page that tells nothing;
    `executed` says what really happened. `hang_before`: held for `seconds`, then executed, even if the caller has left.
    """

    kind: FaultKind
    seconds: Duration = Field(default=0.0, ge=0, description="How long to wait, seconds of the clock.")
    status: Literal[400, 429, 503] = Field(default=400, description="HTTP status of a throttled call.")
    retry_after: Duration | None = Field(default=None, gt=0, description="Seconds to put in x-acs-retry-after.")
    executed: bool = Field(default=False, description="Whether a call answered by error_500_html bought.")


class Faults:
    """A queue of one-shot faults."""

    def __init__(self) -> None:
        self._waiting: deque[Fault] = deque()

    def next_purchase(
        self,
        kind: FaultKind,
        *,
        seconds: float = 0.0,
        status: Literal[400, 429, 503] = 400,
        retry_after: float | None = None,
        executed: bool = False,
        times: int = 1,
    ) -> None:
        """Let the next `times` purchase calls that are signed correctly meet this fault. See Fault for the words."""
        fault = Fault(kind=kind, seconds=seconds, status=status, retry_after=retry_after, executed=executed)
        self.add(fault, times)

    def add(self, fault: Fault, times: int = 1) -> None:
        """Queue a fault `times` times."""
        self._waiting.extend([fault] * times)

    def take(self) -> Fault | None:
        """The fault that the present call meets, if any."""
        return self._waiting.popleft() if self._waiting else None

    def __len__(self) -> int:
        return len(self._waiting)
