"""Prices from the API: no decision waits for one, an order costs what the API says, and no money is spent unknown."""

import asyncio

from autoscaler.executor.prices import GOOD_FOR
from autoscaler.model.errors import OutcomeUnknown
from autoscaler.model.events import OrderRefused
from autoscaler.model.names import Money, RegionId
from autoscaler.model.operation import Operation
from autoscaler.model.reason import Reason
from autoscaler.model.spending import SpendingLimit
from tests.unit.executor.stand import BEIJING, SETTINGS, SHANGHAI, Stand, intent, running

ASKING = SETTINGS.model_copy(update={"price_from": "api"})
ONE = Money(100_00)
"""What one node costs in the stand's scenario."""


def asked(stand: Stand) -> list[RegionId]:
    """The regions whose price is asked for, from now on."""
    regions: list[RegionId] = []
    tell = stand.cloud.price

    async def price(operation: Operation, nodes: int) -> Money:
        assert nodes == 1
        regions.append(operation.ens_region_id)
        return await tell(operation, nodes)

    stand.cloud.price = price  # type: ignore[method-assign]  # a spy
    return regions


def hanging(stand: Stand) -> None:
    """Let the API take its time for every price."""

    async def price(operation: Operation, nodes: int) -> Money:
        await stand.clock.sleep(30)
        raise OutcomeUnknown("DescribePrice", "Timeout")

    stand.cloud.price = price  # type: ignore[method-assign]  # a price that hangs


async def priced(stand: Stand, *regions: RegionId) -> None:
    """Have the prices of these regions told."""
    await stand.place(*(intent(1, region) for region in regions))
    await stand.clock.advance(1)
    stand.listener.events.clear()


def limited(stand: Stand, most: int) -> None:
    limit = SpendingLimit("budget b, day", None, 0.0, Money(most))
    stand.limits = lambda region, at: (limit,)


async def test_the_first_order_waits_for_the_price_and_the_region_is_decided_again_when_it_is_told() -> None:
    async with running(settings=ASKING) as stand:
        stand.rung.clear()
        await stand.buy(2)
        assert stand.refusals() == [OrderRefused(BEIJING, Reason.PRICE_UNKNOWN, "the price is being asked for")]
        assert await stand.orders() == []
        await stand.clock.advance(1)
        assert BEIJING in stand.rung
        await stand.buy(2)
        assert (await stand.only_order()).cost == 2 * ONE


async def test_a_price_that_hangs_holds_up_no_decision() -> None:
    async with running(settings=ASKING) as stand:
        hanging(stand)
        placing = asyncio.create_task(stand.place(*(intent(1, RegionId(f"cn-{number}")) for number in range(100))))
        await stand.clock.advance(0)
        assert placing.done()
        assert len(stand.refusals()) == 100


async def test_a_price_that_is_not_told_is_a_reason_and_no_order() -> None:
    async with running(settings=ASKING) as stand:
        hanging(stand)
        await stand.buy(2)
        await stand.clock.advance(31)
        await stand.buy(2)
        assert stand.refusals()[-1] == OrderRefused(BEIJING, Reason.PRICE_UNKNOWN, "DescribePrice: Timeout")
        assert await stand.orders() == []


async def test_a_price_that_was_not_told_is_asked_for_again_and_once_at_a_time() -> None:
    async with running(settings=ASKING) as stand:
        tell = stand.cloud.price
        hanging(stand)
        await stand.buy(2)
        await stand.clock.advance(31)
        stand.cloud.price = tell  # type: ignore[method-assign]  # it answers again
        regions = asked(stand)
        await stand.buy(2)
        await stand.buy(2)
        await stand.clock.advance(1)
        assert regions == [BEIJING]
        await stand.buy(2)
        assert (await stand.only_order()).cost == 2 * ONE


async def test_an_order_is_cut_to_the_nodes_that_the_budget_affords() -> None:
    async with running(settings=ASKING) as stand:
        await priced(stand, BEIJING, SHANGHAI)
        limited(stand, 350_00)
        await stand.buy(1, SHANGHAI)
        await stand.buy(5)
        _, order = await stand.orders()
        assert (order.nodes, order.cost) == (2, 2 * ONE)
        await stand.clock.advance(80)
        assert stand.books.sold(BEIJING) == 2


async def test_a_budget_without_money_for_one_node_is_told_as_the_budget() -> None:
    async with running(settings=ASKING) as stand:
        await priced(stand, BEIJING)
        limited(stand, 99_99)
        await stand.buy(2)
        told = "budget b, day: one node costs 100.00, and 99.99 is left"
        assert stand.refusals() == [OrderRefused(BEIJING, Reason.BUDGET_EXHAUSTED, told)]
        assert await stand.orders() == []


async def test_a_price_is_good_for_an_hour() -> None:
    async with running(settings=ASKING) as stand:
        regions = asked(stand)
        await priced(stand, BEIJING)
        await stand.clock.advance(GOOD_FOR - 10)
        await stand.buy(1)
        assert (regions, len(await stand.orders())) == ([BEIJING], 1)
        await stand.clock.advance(100)
        await stand.buy(1)
        assert stand.refusals()[-1].reason is Reason.PRICE_UNKNOWN
        assert len(await stand.orders()) == 1


async def test_a_stop_asks_for_no_more_prices() -> None:
    async with running(settings=ASKING) as stand:
        hanging(stand)
        await stand.buy(2)
        await stand.clock.advance(1)
        draining = asyncio.create_task(stand.executor.drain(1.0))
        await stand.clock.advance(0)
        assert draining.done()
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("price in")]


async def test_prices_of_the_template_are_not_asked_for() -> None:
    async with running() as stand:
        regions = asked(stand)
        await stand.place(intent(2, cost=Money(7)))
        await stand.clock.advance(1)
        assert (regions, (await stand.only_order()).cost) == ([], 7)
