"""Faults of the cloud without HTTP: what a real client would have made of each, as a CloudError.

A fault and a call's execution come in; the result of the call goes out, or the error that the client raises. Where the
client only sees a deadline pass, the deadline is waited for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from autoscaler.model.errors import (
    BalanceExhausted,
    Busy,
    CloudError,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    QuotaExceeded,
    Rejected,
    Throttled,
    Unavailable,
)
from autoscaler.ports import Clock
from autoscaler.simulator.faults import PURCHASES, Fault, FaultKind
from autoscaler.simulator.records import Refusal

T = TypeVar("T")
Word = Literal["lost_answer", "lost_request", "throttled", "never_sent", "crash_after", "hang"]
"""The faults of a purchase that have a short name here; `never_sent` and `crash_after` exist in process only."""
_FOREVER = 1e9
_WORDS: Mapping[str, Fault] = {
    "lost_answer": Fault(kind="lose_answer"),
    "lost_request": Fault(kind="lose_request"),
    "throttled": Fault(kind="throttle", retry_after=2.0),
}
_REFUSALS: Mapping[str, type[CloudError]] = {
    "StockNotEnough": OutOfStock,
    "QuotaExceeded": QuotaExceeded,
    "InsufficientBalance": BalanceExhausted,
    "ErrorClusterState": Busy,
    "ErrorClusterNotFound": NotFound,
    "ErrorNodePoolNotFound": NotFound,
    "ErrorTaskNotFound": NotFound,
    "ErrorCheckAcl": Forbidden,
    "Forbidden": Forbidden,
    "NoPermission": Forbidden,
}
_LOST: Mapping[FaultKind, str] = {
    "lose_answer": "Disconnected",
    "lose_request": "Disconnected",
    "truncate": "AnswerBroken",
    "garbage": "AnswerUnreadable",
    "duplicate": "SignatureNonceUsed",
}
_SERVER_ERRORS: Mapping[FaultKind, tuple[str, int]] = {
    "error_500_json": ("InternalError", 500),
    "error_500_html": ("HTTP 500", 500),
    "call_interface": ("CallInterface", 400),
}
_UNEXECUTED = frozenset({"lose_request"})
_WAITS = frozenset({"delay_answer", "hang_before", "drip"})


def raised(action: str, refusal: Refusal) -> CloudError:
    """What the client raises when it is told no; a purchase that finds nothing to buy from is rejected."""
    if refusal.code.startswith("Throttling"):
        return Throttled(action, refusal.code, refusal.message, status=refusal.status)
    kind = _REFUSALS.get(refusal.code) or _REFUSALS.get(refusal.code.partition(".")[0], Rejected)
    if kind is NotFound and action in PURCHASES:
        kind = Rejected
    return kind(action, refusal.code, refusal.message, status=refusal.status)


@dataclass(frozen=True, slots=True)
class LocalCall(Generic[T]):
    """One call that can be executed: `run` executes it and may raise Refusal.

    `timeout` is the client's deadline in seconds. `later(seconds, execute)` has something executed when the caller has
    left; `unheard(refusal)` notes a refusal that the caller is not told, `told(refusal)` one that it is.
    """

    action: str
    run: Callable[[], T]
    clock: Clock
    timeout: float
    later: Callable[[float, Callable[[], None]], None]
    unheard: Callable[[Refusal], None]
    told: Callable[[Refusal], None]

    def answered(self) -> T:
        """Execute it. Raises CloudError: the call is refused."""
        try:
            return self.run()
        except Refusal as refusal:
            self.told(refusal)
            raise raised(self.action, refusal) from None

    def unanswered(self) -> None:
        """Execute it, whatever comes of it."""
        try:
            self.run()
        except Refusal as refusal:
            self.unheard(refusal)


async def befall(fault: Fault | Word, call: LocalCall[T]) -> T:
    """Execute a call with this fault.

    Raises:
        CloudError: as the client would.
        RuntimeError: for `crash_after`.
    """
    if isinstance(fault, str):
        return await (befall(_WORDS[fault], call) if fault in _WORDS else _only_here(fault, call))
    if fault.kind in _WAITS:
        return await _slow(fault, call)
    if fault.kind in _LOST:
        if fault.kind not in _UNEXECUTED:
            call.unanswered()
        if fault.kind == "duplicate":
            call.told(Refusal(_LOST[fault.kind], ""))
        raise OutcomeUnknown(call.action, _LOST[fault.kind])
    return _answered(fault, call)


def _answered(fault: Fault, call: LocalCall[T]) -> T:
    """The faults that come with an answer."""
    if fault.kind == "throttle":
        refusal = Refusal(fault.code or "Throttling.User", "", fault.status or 400)
        call.told(refusal)
        raise Throttled(call.action, refusal.code, retry_after=fault.retry_after, status=refusal.status)
    if fault.kind == "refuse":
        refusal = Refusal(fault.code or "InvalidParameter", "", fault.status or 400)
        call.told(refusal)
        raise raised(call.action, refusal)
    if fault.kind in _SERVER_ERRORS:
        code, status = _SERVER_ERRORS[fault.kind]
        if fault.executed:
            call.unanswered()
        raise OutcomeUnknown(call.action, fault.code or code, status=fault.status or status)
    return call.answered()


async def _slow(fault: Fault, call: LocalCall[T]) -> T:
    """A call that takes `seconds`: the client waits no longer than its deadline, the server executes all the same."""
    if fault.kind == "hang_before":
        if fault.seconds < call.timeout:
            await call.clock.sleep(fault.seconds)
            return call.answered()
        call.later(fault.seconds, call.unanswered)
        await call.clock.sleep(call.timeout)
        raise OutcomeUnknown(call.action, "Timeout")
    if fault.seconds >= call.timeout:
        call.unanswered()
        await call.clock.sleep(call.timeout)
        raise OutcomeUnknown(call.action, "Timeout")
    try:
        result = call.answered()
    finally:
        await call.clock.sleep(fault.seconds)
    return result


async def _only_here(word: Word, call: LocalCall[T]) -> T:
    if word == "never_sent":
        raise Unavailable(call.action, "ConnectionRefused")
    result = call.answered()
    if word == "crash_after":
        raise RuntimeError("a fault of ours after the call")
    await call.clock.sleep(_FOREVER)
    return result
