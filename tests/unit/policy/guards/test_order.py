"""The order of the guards is part of the documented behaviour."""

import re

from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy import guards
from autoscaler.policy.guards import ORDER
from tests.unit.policy import builders


def test_what_the_number_may_be_comes_before_what_may_stop_a_purchase() -> None:
    assert [guard.__module__.rpartition(".")[2] for guard in ORDER] == [
        "scale_out_only",
        "bounds",
        "elsewhere",
        "quota",
        "capacity",
        "unsettled",
        "account",
        "fleet",
        "dark",
        "latch",
        "breaker",
        "backoff",
        "cooldown",
        "stock",
        "call_limit",
        "budget",
    ]


def test_every_guard_is_in_the_order_once() -> None:
    assert len(set(ORDER)) == len(ORDER) == 16


def test_the_first_guard_that_stops_a_purchase_names_the_reason_and_the_later_ones_are_silent() -> None:
    failed = builders.order(OrderState.FAILED, id="f", settled_ago=1, reason=Reason.REJECTED)
    ready = builders.order(OrderState.READY, id="r", settled_ago=1)
    orders = [builders.order(OrderState.PLANNED, 1, id="p"), failed, ready]
    facts = builders.region_facts([builders.signal(5000.0)], builders.capacity(3), orders)
    decision = builders.decided(builders.policy(), facts)
    assert [step.guard for step in decision.steps] == ["bounds", "unsettled"]
    assert (decision.desired, decision.delta, decision.reason) == (4, 0, Reason.ORDER_UNSETTLED)


def test_the_minimum_is_not_bought_while_the_capacity_is_unknown() -> None:
    decision = builders.decided(builders.policy(minNodes=3), builders.region_facts())
    assert [step.guard for step in decision.steps] == ["votes", "bounds", "capacity"]
    assert (decision.desired, decision.delta) == (0, 0)


def test_the_documentation_of_the_guards_lists_them_in_their_order() -> None:
    listed = re.findall(r"^\d+\. `(\w+)`", guards.__doc__ or "", re.MULTILINE)
    assert listed == [guard.__module__.rpartition(".")[2] for guard in ORDER]
