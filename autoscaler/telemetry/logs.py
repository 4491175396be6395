"""Log lines: how they look (`configure_logging`), and which events make one (`LogObserver`).

Events come in, lines go to the one stream that was passed in; lines of libraries (stdlib logging) take the same way.
Nothing is configured by importing this. It must not repeat what has not changed, and must not show a secret.
"""

import logging
import math
import re
from collections.abc import Mapping
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from autoscaler.model.decision import Decision, Plan
from autoscaler.model.events import (
    CapacityRead,
    CapacityUnreadable,
    CloudCalled,
    Event,
    LedgerFailed,
    LimiterWaited,
    OrderChanged,
    PlanMade,
    SourceFailed,
    WaveArrived,
)
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.signals import TargetStatus, Wave
from autoscaler.policy.explain import summary

Format = Literal["auto", "json", "console"]

REDACTED = "[redacted]"
_SECRET = re.compile(r"password|secret|token|authorization", re.IGNORECASE)


def configure_logging(format: Format, level: str, stream: TextIO) -> None:  # noqa: A002  # the operator's own word
    """Send all logging of the process to `stream`, one line per event, from `level` (`debug`, `info`, ...) on.

    `auto` is `console` if the stream is a terminal and `json` otherwise (a cluster). Calling it again replaces the
    former setup.

    Raises:
        ValueError: the level is none of logging's.
    """
    terminal = stream.isatty()
    as_json = format == "json" or (format == "auto" and not terminal)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_json() if as_json else _console(colors=terminal)),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide every value, however deep, whose key sounds like a secret; other values pass.

    Events carry no secrets by nature; this is for the line that somebody adds in a hurry. Numbers that JSON has no
    word for (NaN, infinity) become text here too.
    """
    # A traceback that is still to be rendered is no text yet: the renderer after this one knows its shape.
    return {key: value if key == "exc_info" else _clean(key, value) for key, value in event.items()}


def _clean(key: object, value: object) -> object:
    if isinstance(key, str) and _SECRET.search(key):
        return REDACTED
    if isinstance(value, Mapping):
        return {str(name): _clean(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(None, inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _json() -> list[Processor]:
    # Local variables of a traceback are left out: a credential may be one of them.
    traceback = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(traceback), redact, structlog.processors.JSONRenderer()]


def _console(*, colors: bool) -> list[Processor]:
    plain = structlog.dev.plain_traceback
    return [redact, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]


class LogObserver:
    """An Observer that writes one line for every event that is news.

    An order's change always is. A decision is when it orders something or when its reason or its number differs from
    the region's last line; a target, a source and the reading of capacity when their fault differs from the last one.
    """

    def __init__(self) -> None:
        self._log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("autoscaler")
        self._decided: dict[RegionId, tuple[Reason, int]] = {}
        self._targets: dict[str, dict[str, TargetStatus]] = {}
        self._faults: dict[str, str] = {}

    def notice(self, event: Event) -> None:
        """Write the line of this event, if it is news."""
        match event:
            case WaveArrived(wave):
                self._well(f"source {wave.source}", "source answers again", source=wave.source)
                self._wave(wave)
            case SourceFailed(source, detail):
                self._fault(f"source {source}", detail, "source failed", source=source)
            case CapacityRead(capacities):
                self._well("capacity", "capacity is readable again", regions=len(capacities))
            case CapacityUnreadable(detail):
                self._fault("capacity", detail, "capacity is unreadable")
            case PlanMade(plan):
                self._plan(plan)
            case OrderChanged(order, before):
                self._order(order, before)
            case CloudCalled(action, outcome, took):
                level = logging.DEBUG if outcome == "ok" else logging.INFO
                self._log.log(level, "cloud called", action=action, outcome=outcome, seconds=round(took, 3))
            case LimiterWaited(action, waited):
                self._log.debug("waited for the rate limit", action=action, seconds=round(waited, 3))
            case LedgerFailed(detail):
                self._log.error("the ledger refused a write", detail=detail)

    def _wave(self, wave: Wave) -> None:
        before = self._targets.get(wave.source, {})
        down = {target.target: target for target in wave.targets if not target.up}
        self._targets[wave.source] = down
        for target in wave.targets:
            last = before.get(target.target)
            place = {"source": wave.source, "target": target.target, "region": target.region}
            if not target.up and (last is None or last.reason != target.reason):
                self._log.warning("target is down", **place, reason=target.reason, detail=target.detail)
            elif target.up and last is not None:
                self._log.info("target answers again", **place, reason=target.reason)

    def _plan(self, plan: Plan) -> None:
        for decision in plan.decisions:
            self._decision(plan.tick, decision)

    def _decision(self, tick: int, decision: Decision) -> None:
        news = (decision.reason, decision.desired)
        if decision.delta == 0 and self._decided.get(decision.region) == news:
            return
        self._decided[decision.region] = news
        self._log.info(
            "region decided",
            region=decision.region,
            policy=decision.policy,
            tick=tick,
            reason=decision.reason,
            ready=len(decision.capacity.ready) if decision.capacity else None,
            committed=decision.committed,
            desired=decision.desired,
            delta=decision.delta,
            summary=summary(decision),
        )

    def _order(self, order: Order, before: OrderState | None) -> None:
        self._log.log(
            _level(order, before),
            "order changed",
            region=order.region,
            order=order.id,
            before=before,
            state=order.state,
            reason=order.reason,
            detail=order.detail,
            nodes=order.nodes,
            attempt=order.attempt,
            tick=order.tick,
            task=order.receipt.task if order.receipt else None,
            request_id=order.receipt.request_id if order.receipt else None,
        )

    def _fault(self, what: str, detail: str, line: str, **fields: object) -> None:
        if self._faults.get(what) != detail:
            self._faults[what] = detail
            self._log.warning(line, **fields, detail=detail)

    def _well(self, what: str, line: str, **fields: object) -> None:
        if self._faults.pop(what, None) is not None:
            self._log.info(line, **fields)


_LEVELS = {
    OrderState.IN_DOUBT: logging.WARNING,
    OrderState.OVERDUE: logging.WARNING,
    OrderState.PARTIAL: logging.WARNING,
    OrderState.FAILED: logging.WARNING,
    OrderState.ABANDONED: logging.ERROR,
}
_FOR_A_HUMAN = frozenset({Reason.FORBIDDEN, Reason.QUOTA_EXCEEDED, Reason.REJECTED})
"""Reasons for which nothing gets better until somebody does something."""


def _level(order: Order, before: OrderState | None) -> int:
    if order.state == before:
        return logging.INFO  # a note: the transition itself has been told at its own level
    if order.state is OrderState.FAILED and order.reason in _FOR_A_HUMAN:
        return logging.ERROR
    return _LEVELS.get(order.state, logging.INFO)
