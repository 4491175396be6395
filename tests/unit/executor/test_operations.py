"""The four purchase operations, from the intent to ready nodes: each is sent the number that it takes."""

from dataclasses import replace

import pytest

from autoscaler.model.capacity import Pool
from autoscaler.model.operation import (
    Delta,
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    Operation,
    PoolOperation,
    Quantity,
    ScaleClusterNodePool,
    Total,
)
from autoscaler.model.order import OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.settings.sections import ReadLimits
from tests.unit.executor.pools import CS, ENS, by_pool, with_pools
from tests.unit.executor.stand import BEIJING, SETTINGS, Stand, intent, operation, running

S = OrderState


def quantities(stand: Stand) -> list[Quantity]:
    """Everything that is sent, from now on."""
    sent: list[Quantity] = []
    buy = stand.cloud.purchase

    async def purchase(operation: Operation, quantity: Quantity) -> Receipt:
        sent.append(quantity)
        return await buy(operation, quantity)

    stand.cloud.purchase = purchase  # type: ignore[method-assign]  # a spy
    return sent


@pytest.mark.parametrize(
    ("bought_by", "first", "second"),
    [
        (operation(BEIJING), Delta(2), Delta(3)),
        (by_pool(ScaleClusterNodePool, CS), Delta(2), Delta(3)),
        (by_pool(ModifyClusterNodePool, CS), Total(3), Total(6)),
        (by_pool(EnsScaleClusterNodePool, ENS), Total(3), Total(6)),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
async def test_every_operation_brings_its_nodes_and_no_more(
    bought_by: Operation, first: Quantity, second: Quantity
) -> None:
    async with running(with_pools()) as stand:
        sent = quantities(stand)
        await stand.place(intent(2, operation=bought_by))
        await stand.clock.advance(70)
        assert (await stand.only_order()).state is S.READY
        await stand.place(intent(3, operation=bought_by))
        await stand.clock.advance(70)
        assert [order.state for order in await stand.orders()] == [S.READY, S.READY]
        assert sent == [first, second]
        assert stand.books.sold(BEIJING) == 5
        assert {sale.action for sale in stand.books.purchases} == {bought_by.name}
        capacity = stand.executor.capacity(BEIJING)
        assert capacity is not None
        assert len(capacity.ready) == 2 + 1 + 5


@pytest.mark.parametrize("total", [3, 7])
async def test_a_pool_that_has_more_nodes_than_it_is_told_to_have_is_sent_no_total(total: int) -> None:
    """A total above the one and below the other would remove nodes that are paid for."""
    settings = SETTINGS.model_copy(update={"decision_valid_for": 300.0})
    async with running(with_pools(), settings) as stand:
        sent = quantities(stand)
        read = stand.cloud.pool

        async def shrinking(operation: PoolOperation) -> Pool:
            return replace(await read(operation), desired=1, total=total)

        stand.cloud.pool = shrinking  # type: ignore[method-assign]  # somebody makes the pool smaller
        await stand.place(intent(2, operation=by_pool(ModifyClusterNodePool, CS)))
        await stand.clock.advance(60)
        order = await stand.only_order()
        assert (order.state, order.reason, sent) == (S.PLANNED, Reason.POOL_BUSY, [])
        assert f"is told to have 1 nodes and has {total}" in order.detail

        stand.cloud.pool = read  # type: ignore[method-assign]  # it has become smaller
        await stand.clock.advance(120)
        assert (await stand.only_order()).state is S.READY
        assert sent == [Total(3)]


async def test_a_pool_whose_size_can_not_be_read_is_sent_nothing() -> None:
    """The size is read before the instances: nothing that another reading tells replaces it."""
    async with running(with_pools(), SETTINGS.model_copy(update={"reads": ReadLimits(per_second=100)})) as stand:
        sent = quantities(stand)
        stand.cloud.readable = False
        await stand.place(intent(2, operation=by_pool(EnsScaleClusterNodePool, ENS)))
        await stand.clock.advance(40)
        order = await stand.only_order()
        assert (order.state, order.reason, sent) == (S.PLANNED, Reason.BASELINE_UNREADABLE, [])
