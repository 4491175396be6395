"""Promises of what people read: whole ids, plain text, and nothing that an API could do to a terminal."""

import io
from dataclasses import replace

from autoscaler.cli.orders_text import history, orders_table
from autoscaler.model.act import Act, ActKind
from autoscaler.model.names import ClusterId, Money, NodePoolId, OrderId, RegionId, TaskId
from autoscaler.model.operation import EnsScaleClusterNodePool, ScaleOutCluster
from autoscaler.model.order import Order, OrderEvent, OrderState, Receipt
from autoscaler.model.reason import Reason

REGION = RegionId("cn-beijing-cmcc-2")
AT = 1_700_000_000.0
OPERATION = ScaleOutCluster(ClusterId("c1"), "small", REGION, "ens.sn1.small", "image", "95BandwidthByMonth", 1, 40)
ORDER = Order(
    OrderId("o-20231114-221320-0123456789"),
    7,
    REGION,
    OPERATION,
    3,
    AT,
    AT + 3600,
    state=OrderState.IN_DOUBT,
    reason=Reason.OUTCOME_UNKNOWN,
    cost=Money(123_450),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def table(*orders: Order, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    orders_table(orders, AT + 605, stream)
    return stream.getvalue()


def story(order: Order, *events: OrderEvent, acts: tuple[Act, ...] = ()) -> str:
    stream = io.StringIO()
    history(order, events, acts, AT + 605, stream)
    return stream.getvalue()


def test_an_order_is_one_line_with_everything_a_person_asks_for() -> None:
    (line,) = [line for line in table(ORDER).splitlines() if ORDER.id in line]
    assert line.split() == [
        *(ORDER.id, REGION, "ens.sn1.small", "3", "in_doubt", "OutcomeUnknown", "10m5s", "1234.50"),
    ]


def test_a_piped_table_is_as_wide_as_it_needs_to_be() -> None:
    detail = "a word " * 60
    (line,) = [line for line in table(replace(ORDER, detail=detail)).splitlines() if ORDER.id in line]
    assert detail.strip() in line


def test_an_id_is_whole_on_a_narrow_terminal() -> None:
    text = table(replace(ORDER, detail="a word " * 60), stream=Terminal())
    assert ORDER.id in text


def test_what_an_api_said_is_neither_markup_nor_control() -> None:
    text = table(replace(ORDER, detail="[red]low\x1b[31m stock\n\x07now[/red]"))
    assert "[red]low [31m stock  now[/red]" in text
    assert "\x1b" not in text


def test_a_spilled_order_says_for_whom_it_is() -> None:
    assert f"{REGION} for cn-wuxi" in table(replace(ORDER, for_region=RegionId("cn-wuxi")))


def test_a_cost_that_nobody_told_is_not_zero() -> None:
    assert "0.00" not in table(replace(ORDER, cost=Money(0)))


def test_the_story_of_an_order_has_every_step_with_reason_and_request_id() -> None:
    events = (
        OrderEvent(ORDER.id, AT, None, OrderState.PLANNED, Reason.DECIDED, "", ""),
        OrderEvent(ORDER.id, AT + 1, OrderState.PLANNED, OrderState.SUBMITTING, Reason.SENDING, "", ""),
        OrderEvent(
            ORDER.id, AT + 2, OrderState.SUBMITTING, OrderState.IN_DOUBT, Reason.OUTCOME_UNKNOWN, "cut", "REQ-1"
        ),
    )
    lines = [line.split() for line in story(ORDER, *events).splitlines() if line.startswith("2023-11-14")]
    assert lines == [
        ["2023-11-14", "22:13:20Z", "planned", "Decided", "-"],
        ["2023-11-14", "22:13:21Z", "planned", "submitting", "Sending", "-"],
        ["2023-11-14", "22:13:22Z", "submitting", "in_doubt", "OutcomeUnknown", "REQ-1", "cut"],
    ]


def test_the_story_tells_the_receipt_the_pool_and_what_was_in_stock() -> None:
    pool = EnsScaleClusterNodePool(
        ClusterId("c1"), NodePoolId("np1"), "small", REGION, "ens.sn1.small", "95BandwidthByMonth", 1, 40
    )
    receipt = Receipt(TaskId("T-1"), "REQ-9")
    text = story(replace(ORDER, operation=pool, receipt=receipt, in_stock=1, submitted_at=AT + 1, attempt=2))
    for told in ("c1, pool np1", "EnsScaleClusterNodePool", "T-1", "REQ-9", "1 when it was turned down", "attempt 2"):
        assert told in text


def test_the_story_tells_what_humans_said_and_what_came_of_it() -> None:
    done = Act(ActKind.RESOLVE_BOUGHT, ORDER.id, "seen in console", "ann", AT, 1, AT + 5, "order is accepted")
    waiting = Act(ActKind.RESOLVE_BOUGHT, ORDER.id, "once more", "ben", AT, 2)
    text = story(ORDER, acts=(done, waiting))
    for told in ("ann", "seen in console", "order is accepted", "ben", "waits for the daemon"):
        assert told in text
