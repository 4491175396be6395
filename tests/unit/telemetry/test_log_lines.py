"""Promises of the log: one line for what is news, none for what is not, and no secret in any."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
import structlog
from pydantic import SecretStr

from autoscaler.model.act import Act, ActKind
from autoscaler.model.decision import Decision, Plan, Vote
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
from autoscaler.model.names import ClusterId, Money, OrderId, RegionId, TaskId
from autoscaler.model.operation import ScaleOutCluster
from autoscaler.model.order import Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.model.signals import TargetStatus, Wave
from autoscaler.telemetry.log_format import configure_logging
from autoscaler.telemetry.logs import LogObserver

REGION = RegionId("cn-beijing-cmcc-2")
AT = 1_000.0
OPERATION = ScaleOutCluster(ClusterId("c1"), "small", REGION, "ens.sn1", "image", "95BandwidthByMonth", 1, 40)
ORDER = Order(OrderId("order-1"), 7, REGION, OPERATION, 3, created_at=AT, deadline=AT + 3600)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


class Log:
    """The lines that an observer's events made."""

    def __init__(self, level: str = "info") -> None:
        self.stream = io.StringIO()
        configure_logging("json", level, self.stream)
        self.observer = LogObserver()

    def notice(self, *events: Event) -> list[dict[str, object]]:
        """The lines of these events alone."""
        self.stream.seek(0)
        self.stream.truncate()
        for event in events:
            self.observer.notice(event)
        return self.lines()

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def log() -> Log:
    return Log()


def a_plan(desired: int, committed: int = 2, reason: Reason = Reason.ABOVE_TARGET, tick: int = 1) -> PlanMade:
    vote = Vote("track", desired, reason, "why")
    decision = Decision(REGION, "default", AT, None, committed, (), (vote,), (), desired)
    return PlanMade(Plan(tick, AT, (decision,)), 0.1)


def a_wave(*, up: bool, reason: Reason = Reason.TIMED_OUT) -> WaveArrived:
    target = TargetStatus("http://edge", REGION, up=up, reason=Reason.UP if up else reason, detail="d")
    return WaveArrived(Wave("nodes", AT, 0.1, (target,)))


def an_order_in(state: OrderState, reason: Reason = Reason.DECIDED) -> Order:
    return replace(ORDER, state=state, reason=reason, receipt=Receipt(TaskId("T-1"), "REQ-1"))


def fails(credential: str) -> None:
    raise RuntimeError(f"after {len(credential)} characters")


def test_importing_configures_nothing() -> None:
    code = (
        "import logging, structlog, autoscaler.telemetry.logs, autoscaler.telemetry.log_format\n"
        "import autoscaler.telemetry.observers\n"
        "assert not structlog.is_configured() and not logging.getLogger().handlers"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_line_is_json_with_time_level_and_event(log: Log) -> None:
    lines = log.notice(OrderChanged(ORDER, None), a_plan(5), LedgerFailed("full"))
    assert len(lines) == 3
    for line in lines:
        assert str(line["timestamp"]).endswith("Z")
        assert {"event", "level", "logger"} <= line.keys()


def test_a_change_of_an_order_is_one_line_that_says_who_what_and_why(log: Log) -> None:
    (line,) = log.notice(OrderChanged(an_order_in(OrderState.ACCEPTED, Reason.API_ACCEPTED), OrderState.SUBMITTING))
    told = {key: line[key] for key in ("region", "order", "reason", "before", "state", "nodes", "request_id", "task")}
    assert told == {
        "region": REGION,
        "order": "order-1",
        "reason": "ApiAccepted",
        "before": "submitting",
        "state": "accepted",
        "nodes": 3,
        "request_id": "REQ-1",
        "task": "T-1",
    }


@pytest.mark.parametrize(
    ("state", "reason", "level"),
    [
        (OrderState.ACCEPTED, Reason.API_ACCEPTED, "info"),
        (OrderState.READY, Reason.NODES_READY, "info"),
        (OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN, "warning"),
        (OrderState.OVERDUE, Reason.PAST_DEADLINE, "warning"),
        (OrderState.FAILED, Reason.OUT_OF_STOCK, "warning"),
        (OrderState.FAILED, Reason.FORBIDDEN, "error"),
        (OrderState.FAILED, Reason.BALANCE_EXHAUSTED, "error"),
        (OrderState.ABANDONED, Reason.PAST_DEADLINE, "error"),
    ],
)
def test_an_order_that_needs_attention_is_louder(log: Log, state: OrderState, reason: Reason, level: str) -> None:
    (line,) = log.notice(OrderChanged(an_order_in(state, reason), OrderState.SUBMITTING))
    assert line["level"] == level


def test_a_note_on_an_order_in_doubt_is_not_a_second_warning(log: Log) -> None:
    (line,) = log.notice(OrderChanged(an_order_in(OrderState.IN_DOUBT), OrderState.IN_DOUBT))
    assert line["level"] == "info"


def test_an_order_says_what_it_costs_and_for_whom_it_is(log: Log) -> None:
    spilled = replace(ORDER, cost=Money(123_450), for_region=RegionId("cn-wuxi"))
    (line,) = log.notice(OrderChanged(spilled, None))
    assert (line["cost"], line["for_region"]) == (1234.5, "cn-wuxi")
    assert log.notice(OrderChanged(ORDER, None))[0]["cost"] is None


def a_refusal(reason: Reason = Reason.BUDGET_EXHAUSTED, detail: str = "budget north, day") -> OrderRefused:
    return OrderRefused(REGION, reason, detail)


def test_a_refused_order_is_told_once_until_the_reason_changes_or_an_order_is_made(log: Log) -> None:
    (line,) = log.notice(a_refusal(), a_refusal())
    told = (line["level"], line["region"], line["reason"], line["detail"])
    assert told == ("warning", REGION, "BudgetExhausted", "budget north, day")
    assert len(log.notice(a_refusal(Reason.PRICE_UNKNOWN), a_refusal(Reason.PRICE_UNKNOWN))) == 1
    assert len(log.notice(OrderChanged(ORDER, None), a_refusal(Reason.PRICE_UNKNOWN))) == 2


def test_an_order_that_stands_in_the_way_of_another_is_no_warning(log: Log) -> None:
    assert [line["level"] for line in log.notice(a_refusal(Reason.ORDER_UNSETTLED))] == ["info"]


def test_what_a_human_did_is_a_line_each_time_with_who_why_and_what_came_of_it(log: Log) -> None:
    resolved = ActDone(Act(ActKind.RESOLVE_BOUGHT, "order-1", "seen in console", "ann", AT, 4, AT, "is accepted"))
    released = ActDone(Act(ActKind.RELEASE, REGION, "mended", "ben", AT, 5, AT, "released"))
    first, second, _ = log.notice(resolved, released, released)
    told = {key: first[key] for key in ("order", "kind", "act", "reason", "by", "outcome")}
    assert told == {
        "order": "order-1",
        "kind": "resolve_bought",
        "act": 4,
        "reason": "seen in console",
        "by": "ann",
        "outcome": "is accepted",
    }
    assert (second["region"], second["outcome"]) == (REGION, "released")


def test_a_decision_that_says_the_same_again_is_not_repeated(log: Log) -> None:
    (line,) = log.notice(a_plan(2, tick=4))
    assert (line["region"], line["reason"], line["desired"], line["tick"]) == (REGION, "AboveTarget", 2, 4)
    assert log.notice(a_plan(2, tick=5), a_plan(2, tick=6)) == []


def test_a_decision_with_another_reason_or_number_is_told(log: Log) -> None:
    log.notice(a_plan(2))
    assert len(log.notice(a_plan(2, reason=Reason.WITHIN_TOLERANCE))) == 1
    assert len(log.notice(a_plan(1, reason=Reason.WITHIN_TOLERANCE))) == 1


def test_a_decision_that_orders_is_always_told(log: Log) -> None:
    assert [line["delta"] for line in log.notice(a_plan(5), a_plan(5))] == [3, 3]


def test_a_target_is_told_once_per_change_of_its_reason(log: Log) -> None:
    (line,) = log.notice(a_wave(up=False), a_wave(up=False))
    assert (line["level"], line["target"], line["reason"]) == ("warning", "http://edge", "TimedOut")
    assert len(log.notice(a_wave(up=False, reason=Reason.DNS_FAILED), a_wave(up=False, reason=Reason.DNS_FAILED))) == 1
    assert [line["level"] for line in log.notice(a_wave(up=True), a_wave(up=True))] == ["info"]


def test_a_wave_about_other_regions_makes_a_silent_target_no_news(log: Log) -> None:
    elsewhere = RegionId("cn-elsewhere")
    other = WaveArrived(Wave("nodes", AT, 0.1, (), frozenset({elsewhere})))
    assert [line["event"] for line in log.notice(a_wave(up=False), other, a_wave(up=False))] == ["target is down"]
    assert [line["event"] for line in log.notice(other, a_wave(up=True))] == ["target answers again"]
    of_region = WaveArrived(Wave("nodes", AT, 0.1, (), frozenset({REGION})))  # the target is gone, and comes new
    assert len(log.notice(a_wave(up=False), of_region, a_wave(up=False))) == 2


def test_a_source_that_stays_broken_is_told_once_and_again_when_it_is_back(log: Log) -> None:
    (line,) = log.notice(SourceFailed("nodes", "refused"), SourceFailed("nodes", "refused"))
    assert (line["level"], line["source"], line["detail"]) == ("warning", "nodes", "refused")
    assert [line["event"] for line in log.notice(a_wave(up=True))] == ["source answers again"]
    assert len(log.notice(SourceFailed("nodes", "refused"))) == 1


def test_unreadable_capacity_is_a_warning_and_its_return_is_told(log: Log) -> None:
    assert [line["level"] for line in log.notice(CapacityUnreadable("throttled"))] == ["warning"]
    assert [line["level"] for line in log.notice(CapacityRead((), AT), CapacityRead((), AT))] == ["info"]


def test_a_refusing_ledger_is_an_error_each_time(log: Log) -> None:
    lines = log.notice(LedgerFailed("full"), LedgerFailed("full"), LedgerMended())
    assert [line["level"] for line in lines] == ["error", "error", "info"]


def test_calls_that_went_well_are_told_at_debug_only() -> None:
    calls = (CloudCalled("DescribeTaskInfo", "ok", 0.1), LimiterWaited("DescribeTaskInfo", 0.1))
    assert Log("info").notice(*calls) == []
    assert [line["level"] for line in Log("debug").notice(*calls)] == ["debug", "debug"]


def test_secrets_are_redacted_however_deep(log: Log) -> None:
    structlog.get_logger("x").info(
        "call",
        login_password="hunter2",
        headers={"Authorization": "acs hunter2", "Accept": "json"},
        calls=[{"SecurityToken": "hunter2", "client_secret": "hunter2"}],
        wrapped=SecretStr("hunter2"),
    )
    assert "hunter2" not in log.stream.getvalue()
    (line,) = log.lines()
    assert line["headers"] == {"Authorization": "[redacted]", "Accept": "json"}


def test_secrets_are_redacted_on_a_terminal_and_in_lines_of_libraries() -> None:
    stream = Terminal()
    configure_logging("auto", "info", stream)
    structlog.get_logger("x").info("call", password="hunter2")
    logging.getLogger("aiohttp.client").info("call", extra={"access_token": "hunter2"})
    assert stream.getvalue().count("[redacted]") == 2
    assert "hunter2" not in stream.getvalue()


def test_local_variables_of_a_traceback_are_not_shown(log: Log) -> None:
    try:
        fails(credential="hunter2")
    except RuntimeError:
        structlog.get_logger("x").exception("failed")
    (line,) = log.lines()
    assert "after 7 characters" in json.dumps(line["exception"])
    assert "hunter2" not in log.stream.getvalue()


def test_lines_of_libraries_take_the_same_way(log: Log) -> None:
    logging.getLogger("aiohttp.server").warning("took %s", "long")
    (line,) = log.lines()
    assert (line["event"], line["logger"], line["level"]) == ("took long", "aiohttp.server", "warning")


def test_a_terminal_gets_columns_and_a_pipe_gets_json() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        configure_logging("auto", "info", stream)
        structlog.get_logger("x").info("hello", region=REGION)
    assert "hello" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    assert json.loads(pipe.getvalue())["region"] == REGION


def test_a_terminal_shows_tracebacks() -> None:
    stream = Terminal()
    configure_logging("console", "info", stream)
    try:
        fails(credential="hunter2")
    except RuntimeError:
        structlog.get_logger("x").exception("failed")
        logging.getLogger("aiohttp").exception("failed too")
    assert stream.getvalue().count("RuntimeError: after 7 characters") == 2


def test_numbers_that_json_has_no_word_for_do_not_break_the_line(log: Log) -> None:
    structlog.get_logger("x").info("odd", value=float("nan"))
    assert log.lines()[0]["value"] == "nan"


def test_configuring_twice_does_not_double_the_lines() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure_logging("json", "info", first)
    configure_logging("json", "info", second)
    structlog.get_logger("x").info("once")
    assert first.getvalue() == ""
    assert len(second.getvalue().splitlines()) == 1


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging("json", "loud", io.StringIO())
