"""Promises of the metrics: what a scrape shows after events."""

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import get_args

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import Decision, GuardStep, Plan, Vote
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
from autoscaler.model.names import ClusterId, InstanceId, Money, OrderId, RegionId, TaskId
from autoscaler.model.operation import ScaleOutCluster
from autoscaler.model.order import Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal, TargetStatus, Wave
from autoscaler.ports import Observer
from autoscaler.telemetry.instruments import build_info
from autoscaler.telemetry.metrics import MetricsObserver
from autoscaler.telemetry.names import LABELS

REGION = RegionId("cn-beijing-cmcc-2")
AT = 1_000.0


def an_order(name: str = "order-1", region: RegionId = REGION, nodes: int = 3) -> Order:
    operation = ScaleOutCluster(ClusterId("c1"), "small", region, "ens.sn1", "image", "95BandwidthByMonth", 1, 40)
    return Order(OrderId(name), 7, region, operation, nodes, created_at=AT, deadline=AT + 3600)


def a_signal(name: str = "cpu", value: float | None = 0.8, region: RegionId = REGION) -> Signal:
    return Signal(region, name, value, None if value is None else AT - 5, 3, 4)


def a_decision(*signals: Signal, region: RegionId = REGION, ready: int | None = 2, desired: int = 5) -> Decision:
    nodes = frozenset(InstanceId(f"i-{n}") for n in range(ready or 0))
    empty: frozenset[InstanceId] = frozenset()
    capacity = None if ready is None else Capacity(region, nodes, empty, empty, empty, AT)
    votes = (Vote("track", desired, Reason.ABOVE_TARGET),)
    return Decision(region, "default", AT, capacity, 4, signals, votes, (), desired)


def a_plan(*decisions: Decision) -> PlanMade:
    return PlanMade(Plan(1, AT, decisions), 0.002)


def a_wave(*targets: TargetStatus) -> WaveArrived:
    return WaveArrived(Wave("nodes", AT, 0.7, targets))


DOWN = TargetStatus("t-down", REGION, up=False, reason=Reason.TIMED_OUT)
EVENTS: tuple[Event, ...] = (
    a_wave(TargetStatus("t-up", REGION, up=True, reason=Reason.UP), DOWN),
    SourceFailed("nodes", "gone"),
    CapacityRead((), AT),
    CapacityUnreadable("throttled"),
    a_plan(a_decision(a_signal())),
    OrderChanged(an_order(), None),
    CloudCalled("ScaleOutCluster", "ok", 1.5),
    LimiterWaited("ScaleOutCluster", 0.2),
    LedgerFailed("disk is full"),
    LedgerMended(),
    OrderRefused(REGION, Reason.BUDGET_EXHAUSTED, "budget north, day"),
    ActDone(Act(ActKind.RELEASE, REGION, "mended", "ann", AT, 1, AT, "released")),
)


class Scrape:
    """An observer together with the page that its registry makes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.observer = MetricsObserver(self.registry, "1.2.3")

    def notice(self, *events: Event) -> None:
        for event in events:
            self.observer.notice(event)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"autoscaler_{name}", labels)

    def page(self) -> str:
        return generate_latest(self.registry).decode()


@pytest.fixture
def scrape() -> Scrape:
    return Scrape()


def move(order: Order, *states: OrderState) -> Iterable[Event]:
    """The events of an order that is made and goes through these states, ten seconds each."""
    yield OrderChanged(order, None)
    for step, state in enumerate(states, start=1):
        before, order = order.state, order.moved(state, Reason.DECIDED, AT + 10 * step)
        yield OrderChanged(order, before)


def test_it_is_an_observer(scrape: Scrape) -> None:
    observer: Observer = scrape.observer
    observer.notice(EVENTS[0])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_kind_of_event_changes_the_page(scrape: Scrape, event: Event) -> None:
    if isinstance(event, LedgerMended):
        scrape.notice(LedgerFailed("what is mended"))
    before = scrape.page()
    scrape.notice(event)
    assert scrape.page() != before


def test_no_kind_of_event_is_missing_from_these_tests() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event))


def test_a_decision_shows_the_numbers_of_its_region(scrape: Scrape) -> None:
    scrape.notice(a_plan(a_decision(ready=2, desired=5)))
    shown = {
        name: scrape.value(f"{name}_nodes", region=REGION) for name in ("desired", "ready", "committed", "shortfall")
    }
    assert shown == {"desired": 5, "ready": 2, "committed": 4, "shortfall": 3}
    assert scrape.value("decision_timestamp_seconds", region=REGION) == AT
    assert scrape.value("decisions_total", reason="AboveTarget") == 1
    assert scrape.value("plan_duration_seconds_count") == 1


def test_unknown_capacity_is_no_series_and_not_zero(scrape: Scrape) -> None:
    scrape.notice(a_plan(a_decision(ready=2)))
    assert scrape.value("shortfall_nodes", region=REGION) == 3
    scrape.notice(a_plan(a_decision(ready=None)))
    assert scrape.value("ready_nodes", region=REGION) is None
    assert scrape.value("shortfall_nodes", region=REGION) is None
    assert scrape.value("desired_nodes", region=REGION) == 5


def test_every_signal_of_a_region_has_its_series(scrape: Scrape) -> None:
    other = RegionId("cn-wuxi-telecom-4")
    scrape.notice(
        a_plan(
            a_decision(a_signal("cpu", 0.8), a_signal("sessions", 120.0)),
            a_decision(a_signal("cpu", 0.1, other), region=other),
        )
    )
    assert scrape.value("signal_value", region=REGION, signal="cpu") == 0.8
    assert scrape.value("signal_value", region=REGION, signal="sessions") == 120
    assert scrape.value("signal_value", region=other, signal="cpu") == 0.1
    assert scrape.value("signal_age_seconds", region=REGION, signal="cpu") == 5
    assert scrape.value("signal_coverage_ratio", region=REGION, signal="cpu") == 0.75


def test_a_missing_signal_is_no_series_and_its_coverage_stays(scrape: Scrape) -> None:
    scrape.notice(a_plan(a_decision(a_signal("cpu", 0.8))))
    assert scrape.value("signal_value", region=REGION, signal="cpu") == 0.8
    scrape.notice(a_plan(a_decision(a_signal("cpu", None))))
    assert scrape.value("signal_value", region=REGION, signal="cpu") is None
    assert scrape.value("signal_age_seconds", region=REGION, signal="cpu") is None
    assert scrape.value("signal_coverage_ratio", region=REGION, signal="cpu") == 0.75


def test_a_signal_that_left_the_policy_leaves_the_page(scrape: Scrape) -> None:
    scrape.notice(a_plan(a_decision(a_signal("cpu"), a_signal("sessions"))))
    assert 'signal="sessions"' in scrape.page()
    scrape.notice(a_plan(a_decision(a_signal("cpu"))))
    assert "sessions" not in scrape.page()
    assert 'signal="cpu"' in scrape.page()


def test_a_region_that_is_not_kept_loses_its_gauges_only(scrape: Scrape) -> None:
    other = RegionId("cn-wuxi-telecom-4")
    scrape.notice(a_plan(a_decision(a_signal()), a_decision(a_signal(region=other), region=other)))
    assert scrape.value("desired_nodes", region=REGION) == 5
    scrape.observer.keep({other})
    gauges = [line for line in scrape.page().splitlines() if REGION in line and "_total" not in line]
    assert gauges == []
    assert scrape.value("desired_nodes", region=other) == 5
    assert scrape.value("signal_value", region=other, signal="cpu") == 0.8


def test_a_plan_about_some_regions_leaves_the_others_alone(scrape: Scrape) -> None:
    other = RegionId("cn-wuxi-telecom-4")
    scrape.notice(a_plan(a_decision()), a_plan(a_decision(region=other, desired=9)))
    assert scrape.value("desired_nodes", region=REGION) == 5


def test_nodes_are_counted_as_bought_once_and_only_when_accepted(scrape: Scrape) -> None:
    events = list(move(an_order(nodes=3), OrderState.SUBMITTING, OrderState.IN_DOUBT, OrderState.ACCEPTED))
    scrape.notice(*events[:-1])
    assert scrape.value("order_nodes_total", region=REGION) is None
    scrape.notice(events[-1])
    assert scrape.value("order_nodes_total", region=REGION) == 3
    accepted = events[-1]
    assert isinstance(accepted, OrderChanged)
    note = accepted.order.moved(OrderState.ACCEPTED, Reason.INSTANCES_SEEN, AT + 99)
    scrape.notice(OrderChanged(note, OrderState.ACCEPTED))
    assert scrape.value("order_nodes_total", region=REGION) == 3
    assert scrape.value("orders_total", state="accepted") == 1


def test_the_counter_of_bought_nodes_starts_at_zero_with_the_first_decision(scrape: Scrape) -> None:
    scrape.notice(a_plan(a_decision()))
    assert scrape.value("order_nodes_total", region=REGION) == 0


def test_open_orders_follow_the_state_and_end_with_a_final_one(scrape: Scrape) -> None:
    events = list(move(an_order(), OrderState.SUBMITTING, OrderState.ACCEPTED, OrderState.READY))
    scrape.notice(*events[:3])
    assert scrape.value("open_orders", state="accepted") == 1
    assert scrape.value("open_orders", state="planned") == 0
    scrape.notice(events[3])
    assert scrape.value("open_orders", state="accepted") == 0
    assert scrape.value("open_orders", state="ready") is None


def test_restored_orders_are_open_without_being_transitions(scrape: Scrape) -> None:
    in_doubt = replace(an_order("a"), state=OrderState.IN_DOUBT)
    done = replace(an_order("b"), state=OrderState.READY)
    scrape.observer.restore([in_doubt, done])
    assert scrape.value("open_orders", state="in_doubt") == 1
    assert scrape.value("orders_total", state="in_doubt") == 0
    scrape.notice(OrderChanged(in_doubt.moved(OrderState.ABANDONED, Reason.PAST_DEADLINE, AT), OrderState.IN_DOUBT))
    assert scrape.value("open_orders", state="in_doubt") == 0


def test_the_age_of_the_oldest_order_in_a_state_can_be_told_and_ends_with_it(scrape: Scrape) -> None:
    old, young = an_order("a"), replace(an_order("b"), created_at=AT + 50)
    scrape.observer.restore([replace(young, state=OrderState.IN_DOUBT), replace(old, state=OrderState.IN_DOUBT)])
    assert scrape.value("order_oldest_timestamp_seconds", state="in_doubt") == AT
    accepted = replace(old, state=OrderState.ACCEPTED)
    scrape.notice(OrderChanged(accepted, OrderState.IN_DOUBT))
    assert scrape.value("order_oldest_timestamp_seconds", state="in_doubt") == AT + 50
    assert scrape.value("order_oldest_timestamp_seconds", state="accepted") == AT
    scrape.notice(OrderChanged(replace(young, state=OrderState.ACCEPTED), OrderState.IN_DOUBT))
    assert scrape.value("order_oldest_timestamp_seconds", state="in_doubt") is None


def test_what_was_bought_is_counted_in_units_of_the_currency_once_and_only_when_accepted(scrape: Scrape) -> None:
    order = replace(an_order(), cost=Money(123_450))
    *before, accepted = move(order, OrderState.SUBMITTING, OrderState.IN_DOUBT, OrderState.ACCEPTED)
    scrape.notice(*before)
    assert not scrape.value("order_cost_total", region=REGION)
    scrape.notice(accepted)
    assert scrape.value("order_cost_total", region=REGION) == 1234.5


def test_refused_orders_count_by_reason(scrape: Scrape) -> None:
    refusal = OrderRefused(REGION, Reason.BUDGET_EXHAUSTED, "budget north, day")
    scrape.notice(refusal, refusal)
    assert scrape.value("orders_refused_total", reason="BudgetExhausted") == 2


def test_acts_count_by_kind_and_all_kinds_are_there_from_the_start(scrape: Scrape) -> None:
    assert all(scrape.value("acts_total", kind=kind) == 0 for kind in ActKind)
    scrape.notice(ActDone(Act(ActKind.RESOLVE_BOUGHT, "order-1", "seen", "ann", AT, 1, AT, "accepted")))
    assert scrape.value("acts_total", kind="resolve_bought") == 1


def test_the_ledger_is_unusable_from_a_refused_write_to_the_next_that_is_taken(scrape: Scrape) -> None:
    assert scrape.value("ledger_usable") == 1
    scrape.notice(LedgerFailed("full"))
    assert scrape.value("ledger_usable") == 0
    scrape.notice(OrderChanged(an_order(), None))
    assert scrape.value("ledger_usable") == 1


def refused(reason: Reason, at: float) -> OrderChanged:
    order = replace(an_order("x"), state=OrderState.FAILED, reason=reason, settled_at=at, submitted_at=at - 1)
    return OrderChanged(order, OrderState.SUBMITTING)


def sold(submitted_at: float) -> OrderChanged:
    order = replace(an_order("y"), state=OrderState.ACCEPTED, receipt=Receipt(None, "R"), submitted_at=submitted_at)
    return OrderChanged(order, OrderState.SUBMITTING)


@pytest.mark.parametrize("reason", [Reason.FORBIDDEN, Reason.BALANCE_EXHAUSTED])
def test_the_account_is_stopped_from_its_refusal_to_the_next_sale(scrape: Scrape, reason: Reason) -> None:
    assert scrape.value("account_stopped") == 0
    scrape.notice(refused(reason, AT))
    assert scrape.value("account_stopped") == 1
    scrape.notice(sold(AT - 5))  # sent before the refusal: it says nothing about the account of now
    assert scrape.value("account_stopped") == 1
    scrape.notice(sold(AT + 5))
    assert scrape.value("account_stopped") == 0


def test_a_release_of_everything_ends_the_stop_and_that_of_a_region_does_not(scrape: Scrape) -> None:
    scrape.notice(refused(Reason.FORBIDDEN, AT))
    scrape.notice(ActDone(Act(ActKind.RELEASE, REGION, "why", "ann", AT, 1, AT, "released")))
    assert scrape.value("account_stopped") == 1
    scrape.notice(ActDone(Act(ActKind.RELEASE, EVERYWHERE, "paid in", "ann", AT, 2, AT, "released")))
    assert scrape.value("account_stopped") == 0


def test_an_order_out_of_stock_stops_no_account(scrape: Scrape) -> None:
    scrape.notice(refused(Reason.OUT_OF_STOCK, AT))
    assert scrape.value("account_stopped") == 0


def test_a_stop_that_a_former_process_met_is_known_from_the_decision(scrape: Scrape) -> None:
    step = GuardStep("account", 5, 4, Reason.ACCOUNT_STOPPED, "refused at 10:02")
    scrape.notice(a_plan(a_decision()._replace(steps=(step,))))
    assert scrape.value("account_stopped") == 1


def in_state(state: OrderState, reason: Reason = Reason.DECIDED, settled_at: float | None = None) -> OrderChanged:
    order = replace(an_order(), state=state, reason=reason, settled_at=settled_at)
    return OrderChanged(order, OrderState.SUBMITTING)


def held(reason: Reason) -> PlanMade:
    step = GuardStep("brake", 6, 4, reason, "held at what is committed")
    return a_plan(a_decision(desired=4)._replace(steps=(step,)))


def test_a_human_is_needed_while_an_order_is_in_doubt(scrape: Scrape) -> None:
    needed = {"region": REGION, "reason": "OutcomeUnknown"}
    scrape.notice(in_state(OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN))
    assert scrape.value("needs_human", **needed) == 1
    scrape.notice(in_state(OrderState.ACCEPTED))
    assert scrape.value("needs_human", **needed) is None


def test_a_human_is_needed_while_a_brake_holds_the_region_and_no_longer(scrape: Scrape) -> None:
    scrape.notice(held(Reason.JOINS_LATCHED))
    assert scrape.value("needs_human", region=REGION, reason="JoinsLatched") == 1
    scrape.notice(held(Reason.BREAKER_OPEN))
    assert scrape.value("needs_human", region=REGION, reason="BreakerOpen") == 1
    assert scrape.value("needs_human", region=REGION, reason="JoinsLatched") is None
    scrape.notice(a_plan(a_decision()))
    assert "autoscaler_needs_human{" not in scrape.page()


@pytest.mark.parametrize("reason", [Reason.PRICE_UNKNOWN, Reason.BUDGET_EXHAUSTED])
def test_a_human_is_needed_while_a_need_does_not_become_an_order(scrape: Scrape, reason: Reason) -> None:
    """A price that is not told, a budget that only the ledger sees: no decision and no order says so."""
    refused = OrderRefused(RegionId(REGION), reason, "why")
    for ends in (a_plan(a_decision()), OrderChanged(an_order(), None)):
        scrape.notice(refused)
        assert scrape.value("needs_human", region=REGION, reason=reason) == 1
        scrape.notice(ends)
        assert scrape.value("needs_human", region=REGION, reason=reason) is None
    scrape.notice(OrderRefused(RegionId(REGION), Reason.ORDER_UNSETTLED, "one is there already"))
    assert "autoscaler_needs_human{" not in scrape.page()


def test_a_human_is_needed_for_what_a_former_process_left_in_doubt(scrape: Scrape) -> None:
    scrape.observer.restore([replace(an_order(), state=OrderState.OVERDUE)])
    assert scrape.value("needs_human", region=REGION, reason="PastDeadline") == 1
    scrape.observer.restore([])
    assert "autoscaler_needs_human{" not in scrape.page()


def test_a_failed_order_needs_a_human_while_there_is_a_need_and_until_one_succeeds(scrape: Scrape) -> None:
    needed = {"region": REGION, "reason": "Rejected"}
    scrape.notice(in_state(OrderState.FAILED, Reason.REJECTED, AT), a_plan(a_decision()))
    assert scrape.value("needs_human", **needed) == 1
    newer = replace(an_order("order-2"), state=OrderState.READY, settled_at=AT + 9)
    scrape.notice(OrderChanged(newer, OrderState.ACCEPTED))
    assert scrape.value("needs_human", **needed) is None


def test_what_failed_before_a_restart_needs_a_human_and_only_the_last_settled_order_is_remembered(
    scrape: Scrape,
) -> None:
    failed = replace(an_order("a"), state=OrderState.FAILED, reason=Reason.REJECTED, settled_at=AT + 5)
    older = [replace(an_order(f"b{n}"), state=OrderState.READY, settled_at=AT - n) for n in range(9)]
    scrape.observer.restore([failed, *older])
    assert scrape.value("needs_human", region=REGION, reason="Rejected") == 1
    assert list(scrape.observer._human._orders[REGION]) == ["a"]


def test_a_region_without_a_policy_still_needs_a_human_for_its_orders_and_for_nothing_else(scrape: Scrape) -> None:
    scrape.notice(held(Reason.BREAKER_OPEN), in_state(OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN))
    scrape.observer.keep(())
    assert scrape.value("needs_human", region=REGION, reason="BreakerOpen") is None
    assert scrape.value("needs_human", region=REGION, reason="OutcomeUnknown") == 1


def test_provisioning_is_measured_from_the_making_of_the_order_to_ready_nodes(scrape: Scrape) -> None:
    scrape.notice(*move(an_order("a"), OrderState.SUBMITTING, OrderState.ACCEPTED, OrderState.READY))
    scrape.notice(*move(an_order("b"), OrderState.SUBMITTING, OrderState.ACCEPTED, OrderState.FAILED))
    assert scrape.value("provisioning_duration_seconds_count") == 1
    assert scrape.value("provisioning_duration_seconds_sum") == 30


def test_all_order_states_are_there_before_the_first_order(scrape: Scrape) -> None:
    assert all(scrape.value("orders_total", state=state) == 0 for state in OrderState)
    assert scrape.value("ledger_failures_total") == 0
    assert scrape.value("capacity_read_failures_total") == 0


def test_every_down_target_counts_once_per_wave(scrape: Scrape) -> None:
    up = TargetStatus("t-up", REGION, up=True, reason=Reason.UP)
    scrape.notice(a_wave(up, DOWN), a_wave(up, DOWN))
    assert scrape.value("source_targets", source="nodes", state="up") == 1
    assert scrape.value("source_targets", source="nodes", state="down") == 1
    assert scrape.value("source_failures_total", source="nodes", reason="TimedOut") == 2
    assert scrape.value("source_wave_failures_total", source="nodes") == 0
    assert scrape.value("source_wave_duration_seconds_count", source="nodes") == 2
    assert scrape.value("source_last_wave_timestamp_seconds", source="nodes") == AT


def test_cloud_calls_count_by_action_and_outcome(scrape: Scrape) -> None:
    scrape.notice(CloudCalled("ScaleOutCluster", "ok", 1.5), CloudCalled("ScaleOutCluster", "Throttled", 0.5))
    assert scrape.value("cloud_requests_total", action="ScaleOutCluster", outcome="Throttled") == 1
    assert scrape.value("cloud_request_duration_seconds_sum", action="ScaleOutCluster") == 2


def everything(scrape: Scrape) -> None:
    accepted = replace(
        an_order("01JORDERID"), state=OrderState.ACCEPTED, receipt=Receipt(TaskId("T-taskid"), "REQUESTID")
    )
    scrape.notice(*EVENTS, OrderChanged(accepted, OrderState.SUBMITTING))


def test_ids_never_become_labels(scrape: Scrape) -> None:
    everything(scrape)
    page = scrape.page()
    for secret_of_the_day in ("01JORDERID", "order-1", "T-taskid", "REQUESTID", "i-0", "t-down", "t-up"):
        assert secret_of_the_day not in page
    labels = {label for family in parse(page) for sample in family.samples for label in sample.labels}
    assert labels - {"le"} <= LABELS


def problems_of(family: Metric) -> list[str]:
    """What `promtool check metrics` would say, as far as names, units, types and help go."""
    name, kind = family.name, family.type
    rules = {
        "prefix": name.startswith("autoscaler_"),
        "characters": re.fullmatch(r"[a-z][a-z0-9_]*", name) is not None,
        "help": family.documentation.strip() != "",
        "base units": not re.search(r"_(ms|milliseconds|minutes|hours|percent|kilobytes|bits)(_|$)", name),
        "type in name": not re.search(r"_(gauge|counter|histogram|summary)(_|$)", name),
        "counter": all(s.name.endswith("_total") for s in family.samples) if kind == "counter" else True,
        "not a counter": kind == "counter" or not name.endswith("_total"),
        "suffix of a histogram": kind == "histogram" or not name.endswith(("_sum", "_count", "_bucket")),
        "finite": all(not math.isnan(s.value) for s in family.samples),
    }
    return [f"{name}: {rule}" for rule, kept in rules.items() if not kept]


def test_the_page_keeps_the_naming_rules(scrape: Scrape) -> None:
    everything(scrape)
    families = list(parse(scrape.page()))
    assert len(families) > 20
    assert [problem for family in families for problem in problems_of(family)] == []
    assert [sample.name for family in families for sample in family.samples if sample.name.endswith("_created")] == []


def test_the_page_is_valid_openmetrics(scrape: Scrape) -> None:
    everything(scrape)
    page = generate_openmetrics(scrape.registry).decode()  # type: ignore[no-untyped-call]  # the library left it untyped
    families = list(parse_openmetrics(page))  # type: ignore[no-untyped-call]  # and its parser too
    assert "autoscaler_orders" in {family.name for family in families}


def test_the_running_version_is_shown() -> None:
    registry = CollectorRegistry()
    build_info(registry, "9.9.9")
    assert registry.get_sample_value("autoscaler_build_info", {"version": "9.9.9"}) == 1
