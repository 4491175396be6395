"""What the region could not sell is not asked again at once: another type is, or nothing."""

import pytest

from autoscaler.model.decision import GuardStep
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.guards.stock import guard
from tests.unit.policy.builders import LARGE, SMALL, offer, operation, order, policy
from tests.unit.policy.situations import situation

SERVED = policy(scale_up={"stockBackoffSeconds": 900})
BOTH = (offer(SMALL), offer(LARGE))


def out(kind: str = SMALL, ago: float = 200, left: int | None = None, name: str = "out") -> Order:
    """An order that was turned down for stock `ago` seconds ago; the region said that it has `left`."""
    return order(
        OrderState.FAILED,
        id=f"{name}-{kind}",
        settled_ago=ago,
        reason=Reason.OUT_OF_STOCK,
        by=operation(kind=kind),
        in_stock=left,
    )


def test_a_type_in_stock_is_bought_without_a_word() -> None:
    assert guard(situation(3, served=SERVED, offers=BOTH), 5) is None


def test_the_next_type_is_bought_instead_of_one_that_is_out_of_stock() -> None:
    step = guard(situation(3, served=SERVED, offers=BOTH, orders=[out()]), 5)
    message = "ens.sn1.large instead of ens.sn1.small for 700 s more (out of stock)"
    assert step == GuardStep("stock", 5, 5, Reason.ALTERNATIVE_TYPE, message)


def test_the_region_waits_when_every_type_is_out_of_stock() -> None:
    step = guard(situation(3, served=SERVED, offers=BOTH, orders=[out(), out(LARGE, 100)]), 5)
    message = "out of stock: ens.sn1.small for 700 s more, ens.sn1.large for 800 s more"
    assert step == GuardStep("stock", 5, 3, Reason.STOCK_BACKOFF, message)


@pytest.mark.parametrize(("ago", "held"), [(899.5, True), (900, False)])
def test_a_stock_out_ends_on_its_last_second(ago: float, held: bool) -> None:
    assert (guard(situation(3, served=SERVED, orders=[out(ago=ago)]), 5) is not None) is held


@pytest.mark.parametrize(("left", "after"), [(1, 4), (2, 5), (5, 8), (6, 9)])
def test_what_the_region_said_it_has_left_may_be_bought(left: int, after: int) -> None:
    step = guard(situation(3, served=SERVED, offers=BOTH, orders=[out(left=left)]), 9)
    if after == 9:
        assert step is None
    else:
        message = f"ens.sn1.small: {left} were left in stock"
        assert step == GuardStep("stock", 9, after, Reason.STOCK_LIMITED, message)


def test_what_was_left_is_used_up_by_the_order_for_it() -> None:
    taken = order(OrderState.ACCEPTED, 2, id="taken", created_ago=100)
    older = order(OrderState.READY, 8, id="older", created_ago=3600, settled_ago=3000)
    step = guard(situation(5, served=SERVED, orders=[out(left=3), taken, older]), 9)
    assert step is not None
    assert (step.after, step.reason) == (6, Reason.STOCK_LIMITED)


def test_the_newest_word_about_the_stock_counts() -> None:
    orders = [out(left=5, ago=300, name="older"), out(left=0, ago=100, name="newer")]
    for known in (orders, orders[::-1]):
        step = guard(situation(3, served=SERVED, orders=known), 5)
        assert step is not None
        assert (step.reason, step.message) == (Reason.STOCK_BACKOFF, "out of stock: ens.sn1.small for 800 s more")


def test_a_limited_alternative_names_both_types() -> None:
    step = guard(situation(3, served=SERVED, offers=BOTH, orders=[out(), out(LARGE, left=1)]), 5)
    message = "ens.sn1.large instead of ens.sn1.small for 700 s more (out of stock): 1 were left in stock"
    assert step == GuardStep("stock", 5, 4, Reason.STOCK_LIMITED, message)


@pytest.mark.parametrize(
    "other",
    [
        order(OrderState.FAILED, settled_ago=1, reason=Reason.REJECTED),
        order(OrderState.PARTIAL, settled_ago=1, reason=Reason.SOME_NODES_FAILED),
        order(OrderState.PLANNED),
    ],
)
def test_nothing_else_is_a_stock_out(other: Order) -> None:
    assert guard(situation(3, served=SERVED, orders=[other]), 5) is None


def test_a_region_that_nobody_says_how_to_buy_in_buys_nothing() -> None:
    step = guard(situation(3, offers=()), 5)
    assert step == GuardStep("stock", 5, 3, Reason.NO_OFFER, "no NodeTemplate says how to buy nodes here")


def test_a_stock_out_says_nothing_when_nothing_was_to_be_bought() -> None:
    assert guard(situation(3, served=SERVED, orders=[out()]), 3) is None
    assert guard(situation(3, served=SERVED, offers=BOTH, orders=[out()]), 3) is None
    assert guard(situation(3, offers=()), 3) is None
