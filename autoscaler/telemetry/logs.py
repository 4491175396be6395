"""Log lines: which events make one (`LogObserver`); how a line looks is told in `log_format`.

Events come in, lines go to the process's logging. It must not repeat what has not changed.
"""

import logging

import structlog

from autoscaler.model.act import Act, ActKind
from autoscaler.model.decision import Decision, Plan
from autoscaler.model.events import (
    ActDone,
    CapacityRead,
    CapacityUnreadable,
    CloudCalled,
    Event,
    LedgerFailed,
    LedgerMended,
    LimiterWaited,
    OrderChanged,
    OrderRefused,
    PlanMade,
    SourceFailed,
    WaveArrived,
)
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.model.signals import TargetStatus, Wave
from autoscaler.policy.explain import summary


class LogObserver:
    """An Observer that writes one line for every event that is news.

    An order's change always is. A decision is when it orders something or when its reason or its number differs from
    the region's last line; a target, a source and the reading of capacity when their fault differs from the last one,
    and so for a refused order, until the region gets one. What a human did always is.
    """

    def __init__(self) -> None:
        self._log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("autoscaler")
        self._decided: dict[RegionId, tuple[Reason, int]] = {}
        self._down: dict[str, dict[RegionId, dict[str, Reason]]] = {}
        self._faults: dict[str, str] = {}
        self._refusals: dict[RegionId, OrderRefused] = {}

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
            case OrderChanged() | OrderRefused() | ActDone() | LedgerFailed() | LedgerMended():
                self._ordered(event)
            case CloudCalled(action, outcome, took):
                level = logging.DEBUG if outcome == "ok" else logging.INFO
                self._log.log(level, "cloud called", action=action, outcome=outcome, seconds=round(took, 3))
            case LimiterWaited(action, waited):
                self._log.debug("waited for the rate limit", action=action, seconds=round(waited, 3))

    def _ordered(self, event: OrderChanged | OrderRefused | ActDone | LedgerFailed | LedgerMended) -> None:
        match event:
            case OrderChanged(order, before):
                self._order(order, before)
            case OrderRefused():
                self._refused(event)
            case ActDone(act):
                self._act(act)
            case LedgerFailed(detail):
                self._log.error("the ledger refused a write", detail=detail)
            case LedgerMended():
                self._log.info("the ledger takes writes again")

    def _wave(self, wave: Wave) -> None:
        known = self._down.setdefault(wave.source, {})
        down: dict[RegionId, dict[str, Reason]] = {}
        for target in wave.targets:
            last = known.get(target.region, {}).get(target.target)
            if not target.up:
                down.setdefault(target.region, {})[target.target] = target.reason
            if (last is not None) if target.up else (last != target.reason):
                self._target(wave.source, target)
        for covered in list(known) if wave.regions is None else wave.regions:
            known.pop(covered, None)
        known.update(down)

    def _target(self, source: str, target: TargetStatus) -> None:
        place = {"source": source, "target": target.target, "region": target.region, "reason": target.reason}
        if target.up:
            self._log.info("target answers again", **place)
        else:
            self._log.warning("target is down", **place, detail=target.detail)

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
        self._refusals.pop(order.region, None)
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
            cost=order.cost / 100 if order.cost else None,  # Money is hundredths
            for_region=order.for_region,
            attempt=order.attempt,
            tick=order.tick,
            task=order.receipt.task if order.receipt else None,
            request_id=order.receipt.request_id if order.receipt else None,
        )

    def _refused(self, refusal: OrderRefused) -> None:
        if self._refusals.get(refusal.region) == refusal:
            return
        self._refusals[refusal.region] = refusal
        # An order in the way is how things should be; every other refusal leaves a shortfall that somebody may miss.
        level = logging.INFO if refusal.reason is Reason.ORDER_UNSETTLED else logging.WARNING
        self._log.log(level, "order refused", region=refusal.region, reason=refusal.reason, detail=refusal.detail)

    def _act(self, act: Act) -> None:
        place = {"region": act.subject} if act.kind is ActKind.RELEASE else {"order": act.subject}
        self._log.info(
            "act done", act=act.id, kind=act.kind, **place, reason=act.reason, by=act.by, outcome=act.outcome
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
_FOR_A_HUMAN = frozenset({Reason.FORBIDDEN, Reason.BALANCE_EXHAUSTED, Reason.QUOTA_EXCEEDED, Reason.REJECTED})
"""Reasons for which nothing gets better until somebody does something."""


def _level(order: Order, before: OrderState | None) -> int:
    if order.state == before:
        return logging.INFO  # a note: the transition itself has been told at its own level
    if order.state is OrderState.FAILED and order.reason in _FOR_A_HUMAN:
        return logging.ERROR
    return _LEVELS.get(order.state, logging.INFO)
