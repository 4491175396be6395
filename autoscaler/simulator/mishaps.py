"""What befalls a call over HTTP: carries out a fault around the execution of the call.

A fault, the call's execution and the clock come in, the answer goes out, or none. It decides no fault and sells nothing
by itself.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from autoscaler.ports import Clock
from autoscaler.simulator.answers import as_xml, gateway_page, login_page
from autoscaler.simulator.broken import cut, drip
from autoscaler.simulator.faults import PURCHASES, Fault, FaultKind
from autoscaler.simulator.records import Refusal, Style

_THROTTLED = "Request was denied due to user flow control."
_INTERNAL = "The request processing has failed due to some unknown error."


class CloseConnection(Exception):
    """Close the connection without an answer."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One call that can be executed. `style` is how its product writes errors.

    `told()` executes it, and its refusal is what the caller is told; `unheard()` executes it, and whatever comes of it
    stays unknown to the caller; `refuse(refusal)` refuses and counts it; `error(refusal)` answers a server's error,
    which refuses nothing; `again()` is what a second delivery is answered.
    """

    action: str
    style: Style
    clock: Clock
    told: Callable[[], web.Response]
    unheard: Callable[[], None]
    refuse: Callable[[Refusal], web.Response]
    error: Callable[[Refusal], web.Response]
    again: Callable[[], web.Response]


async def befall(fault: Fault, call: Execution) -> web.StreamResponse:
    """Execute the call with this fault. Raises CloseConnection."""
    return await _WAYS[fault.kind](fault, call)


async def _lose_answer(_fault: Fault, call: Execution) -> web.StreamResponse:
    call.unheard()
    raise CloseConnection


async def _lose_request(_fault: Fault, _call: Execution) -> web.StreamResponse:
    raise CloseConnection


async def _delay_answer(fault: Fault, call: Execution) -> web.StreamResponse:
    answer = call.told()
    await call.clock.sleep(fault.seconds)
    return answer


async def _hang_before(fault: Fault, call: Execution) -> web.StreamResponse:
    await call.clock.sleep(fault.seconds)
    return call.told()


async def _throttle(fault: Fault, call: Execution) -> web.StreamResponse:
    milliseconds = None if fault.retry_after is None else max(1, round(fault.retry_after * 1000))
    headers = {} if milliseconds is None else {"x-acs-retry-after": str(milliseconds)}
    code, status = fault.code or "Throttling.User", fault.status or 400
    return call.refuse(Refusal(code, _THROTTLED, status=status, headers=headers))


async def _error_500_json(fault: Fault, call: Execution) -> web.StreamResponse:
    if fault.executed:
        call.unheard()
    status = fault.status or 500
    code = fault.code or ("ServiceUnavailable" if status == 503 else "InternalError")
    return call.error(Refusal(code, _INTERNAL, status=status, style=call.style))


async def _error_500_html(fault: Fault, call: Execution) -> web.StreamResponse:
    if fault.executed:
        call.unheard()
    return gateway_page(fault.status or 500)


async def _call_interface(fault: Fault, call: Execution) -> web.StreamResponse:
    if fault.executed:
        call.unheard()
    return call.error(Refusal(fault.code or "CallInterface", "Failed to call the interface.", style="ens"))


async def _drip(fault: Fault, call: Execution) -> web.StreamResponse:
    return drip(call.told(), fault.seconds, call.clock)


async def _duplicate(_fault: Fault, call: Execution) -> web.StreamResponse:
    call.unheard()
    return call.again()


async def _truncate(_fault: Fault, call: Execution) -> web.StreamResponse:
    return cut(call.told())


async def _garbage(_fault: Fault, call: Execution) -> web.StreamResponse:
    call.unheard()
    return login_page()


async def _accepted_202(_fault: Fault, call: Execution) -> web.StreamResponse:
    answer = call.told()
    if answer.status == 200:
        answer.set_status(202)
    return answer


async def _xml(_fault: Fault, call: Execution) -> web.StreamResponse:
    answer = call.told()
    known = call.action in PURCHASES and answer.content_type == "application/json" and answer.status < 300
    return as_xml(answer, answer.status) if known else answer


async def _refuse(fault: Fault, call: Execution) -> web.StreamResponse:
    why = "The request is refused for now."
    return call.refuse(Refusal(fault.code or "InvalidParameter", why, status=fault.status or 400, style=call.style))


_WAYS: dict[FaultKind, Callable[[Fault, Execution], Awaitable[web.StreamResponse]]] = {
    "lose_answer": _lose_answer,
    "lose_request": _lose_request,
    "delay_answer": _delay_answer,
    "hang_before": _hang_before,
    "throttle": _throttle,
    "error_500_json": _error_500_json,
    "error_500_html": _error_500_html,
    "call_interface": _call_interface,
    "drip": _drip,
    "duplicate": _duplicate,
    "truncate": _truncate,
    "garbage": _garbage,
    "accepted_202": _accepted_202,
    "xml": _xml,
    "refuse": _refuse,
}
