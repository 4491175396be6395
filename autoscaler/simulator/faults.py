"""Faults: what can befall a call on its way, and the queue of those that tests asked for.

A call takes a fault out; nothing happens here. Chaos (beside this file) gives faults by a seed, with the same `take`.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, get_args

from pydantic import Field

from autoscaler.settings.base import Duration, Strict

FaultKind = Literal[
    "lose_answer",
    "lose_request",
    "delay_answer",
    "hang_before",
    "throttle",
    "error_500_json",
    "error_500_html",
    "call_interface",
    "drip",
    "duplicate",
    "truncate",
    "garbage",
    "accepted_202",
    "xml",
    "refuse",
]
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
PURCHASES = frozenset(
    {"ScaleOutCluster", "ScaleClusterNodePool", "ModifyClusterNodePool", "EnsScaleClusterNodePool", "RunInstances"}
)
"""The calls that sell. Where CS and ENS share a name, the ENS operation has the prefix Ens here."""
ANY = "*"


class Fault(Strict):
    """One misfortune of one call.

    `lose_answer`: executed, then the connection is closed. `lose_request`: closed, never executed.
    `delay_answer`: executed, answered after `seconds`. `hang_before`: held for `seconds`, then executed, even if the
    caller has left. `throttle`: refused with `status`, never executed. `error_500_json`, `error_500_html`: a 5xx that
    tells nothing; `call_interface`: ENS's 4xx that is a server's fault; in all three `executed` says what really
    happened. `drip`: executed, the body comes byte by byte over `seconds`. `duplicate`: a proxy sends the request
    twice, the caller gets the second answer. `truncate`: executed, the body breaks off. `garbage`: executed, answered
    with 200 and a page that is no API answer. `accepted_202`, `xml`: executed, answered in an unusual way.
    `refuse`: refused with `code` and `status`, never executed.
    """

    kind: FaultKind
    action: str | None = Field(
        default=None, min_length=1, description="Which call meets it: an action, * for any; purchases if left out."
    )
    seconds: Annotated[Duration, Field(ge=0, allow_inf_nan=False)] = Field(
        default=0.0, description="How long to wait, seconds of the clock."
    )
    status: int | None = Field(default=None, ge=400, le=599, description="HTTP status; the usual one if left out.")
    code: str | None = Field(default=None, min_length=1, description="Error code; the usual one if left out.")
    retry_after: Duration | None = Field(default=None, gt=0, description="Seconds to put in x-acs-retry-after.")
    executed: bool = Field(default=False, description="Whether a call answered by a server's error was executed.")

    def meets(self, action: str) -> bool:
        """Whether a call of that action meets it."""
        return action in PURCHASES if self.action is None else self.action in (ANY, action)


class Misfortune(Protocol):
    """Something that decides which fault a call meets."""

    def take(self, action: str) -> Fault | None:
        """The fault of the present call of that action, if any; asked once per call."""
        ...


class Faults:
    """A queue of one-shot faults."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def next_purchase(
        self,
        kind: FaultKind,
        *,
        seconds: float = 0.0,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        executed: bool = False,
        times: int = 1,
    ) -> None:
        """Let the next `times` purchase calls that are signed correctly meet this fault. See Fault for the words."""
        self.next_call(
            None,
            kind,
            seconds=seconds,
            status=status,
            code=code,
            retry_after=retry_after,
            executed=executed,
            times=times,
        )

    def next_call(
        self,
        action: str | None,
        kind: FaultKind,
        *,
        seconds: float = 0.0,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        executed: bool = False,
        times: int = 1,
    ) -> None:
        """The same for the calls of one action, or of any with `*`."""
        fault = Fault(
            kind=kind,
            action=action,
            seconds=seconds,
            status=status,
            code=code,
            retry_after=retry_after,
            executed=executed,
        )
        self.add(fault, times)

    def add(self, fault: Fault, times: int = 1) -> None:
        """Queue a fault `times` times."""
        self._waiting.extend([fault] * times)

    def take(self, action: str = "ScaleOutCluster") -> Fault | None:
        """The first waiting fault that the present call meets, if any."""
        for index, fault in enumerate(self._waiting):
            if fault.meets(action):
                return self._waiting.pop(index)
        return None

    def __len__(self) -> int:
        return len(self._waiting)


class FirstOf:
    """Several sources of faults, asked in turn until one has a fault for the call."""

    def __init__(self, *sources: Misfortune) -> None:
        self._sources: Sequence[Misfortune] = sources

    def take(self, action: str) -> Fault | None:
        """The first source's fault. Every source is asked, so that the count of calls stays the same for all."""
        taken = [source.take(action) for source in self._sources]
        return next((fault for fault in taken if fault is not None), None)
