"""Stock: where it is asked for, an order that the region can not serve is never sent, and says what is left."""

from autoscaler.model.errors import OutcomeUnknown
from autoscaler.model.operation import Operation
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.simulator.scenario import RegionScenario, Scenario
from tests.unit.executor.stand import BEIJING, SETTINGS, running, scenario

S = OrderState
ASKING = SETTINGS.model_copy(update={"check_stock": True})


def with_stock(nodes: int) -> Scenario:
    return scenario(regions=(RegionScenario(region=BEIJING, initial_nodes=1, stock=nodes),))


async def test_an_order_for_more_than_there_is_fails_unsent_and_says_what_is_left() -> None:
    async with running(with_stock(1), ASKING) as stand:
        await stand.buy(2)
        await stand.clock.advance(5)
        order = await stand.only_order()
        assert (order.state, order.reason, order.in_stock) == (S.FAILED, Reason.OUT_OF_STOCK, 1)
        assert order.detail == f"{BEIJING} has 1 of ens.sn1.tiny in stock, 2 are needed"
        assert stand.cloud.calls == 0


async def test_an_order_for_all_that_there_is_is_sent() -> None:
    async with running(with_stock(2), ASKING) as stand:
        await stand.buy(2)
        await stand.clock.advance(70)
        assert (await stand.only_order()).state is S.READY
        assert stand.books.sold(BEIJING) == 2


async def test_an_order_whose_stock_can_not_be_read_is_not_sent_and_tried_again() -> None:
    async with running(with_stock(2), ASKING) as stand:
        read = stand.cloud.stock

        async def unreadable(operation: Operation) -> int:
            raise OutcomeUnknown("DescribePrePaidInstanceStock", "Timeout")

        stand.cloud.stock = unreadable  # type: ignore[method-assign]  # the API does not tell
        await stand.buy(2)
        await stand.clock.advance(20)
        order = await stand.only_order()
        assert (order.state, order.reason, stand.cloud.calls) == (S.PLANNED, Reason.BASELINE_UNREADABLE, 0)
        stand.cloud.stock = read  # type: ignore[method-assign]  # it tells again
        await stand.clock.advance(35)
        assert stand.books.sold(BEIJING) == 2


async def test_stock_is_not_asked_for_unless_it_is_wanted() -> None:
    async with running(with_stock(1)) as stand:
        await stand.buy(2)
        await stand.clock.advance(5)
        order = await stand.only_order()
        assert (order.state, order.reason, order.in_stock) == (S.FAILED, Reason.OUT_OF_STOCK, None)
        assert stand.cloud.calls == 1
