"""A human's way out: an order in doubt or overdue is resolved by word, with the reason kept, and only then."""

import pytest

from autoscaler.executor.acts import carry_out_offline
from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.errors import Forbidden
from autoscaler.model.events import ActDone
from autoscaler.model.names import OrderId
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from tests.unit.executor.stand import BEIJING, Stand, refusing, running, scenario

S = OrderState
BOUGHT, NOT_BOUGHT = ActKind.RESOLVE_BOUGHT, ActKind.RESOLVE_NOT_BOUGHT


async def say(stand: Stand, kind: ActKind, subject: str, reason: str = "looked at the console") -> Act:
    return await stand.ledger.file(Act(kind, subject, reason, "operator", stand.clock.now()))


async def closed(stand: Stand) -> Act:
    """The newest act, after the next poll."""
    await stand.clock.advance(stand.settings.poll_interval + 1)
    act = (await stand.ledger.acts())[-1]
    assert act.done_at is not None
    return act


async def in_doubt(stand: Stand) -> Order:
    """An order whose answer is lost while nothing can be read."""
    stand.cloud.faults.append("lost_answer")
    await stand.buy(2)
    await stand.clock.advance(0.1)
    stand.cloud.readable = False
    await stand.clock.advance(1)
    order = await stand.only_order()
    assert order.state is S.IN_DOUBT
    return order


async def overdue(stand: Stand) -> Order:
    """An order whose nodes do not come before its deadline."""
    await stand.buy(2)
    await stand.clock.advance(stand.settings.node_deadline + 2 * stand.settings.poll_interval)
    order = await stand.only_order()
    assert order.state is S.OVERDUE
    return order


async def test_a_doubt_resolved_as_bought_is_accepted_and_followed_to_its_nodes() -> None:
    async with running() as stand:
        order = await in_doubt(stand)
        await say(stand, BOUGHT, order.id)
        act = await closed(stand)
        accepted = await stand.only_order()
        assert accepted.state is S.ACCEPTED
        assert "accepted" in act.outcome

        stand.cloud.readable = True
        await stand.clock.advance(120)
        assert (await stand.only_order()).state is S.READY
        line = next(one for one in await stand.ledger.history(order.id) if one.reason is Reason.RESOLVED_BOUGHT)
        assert line.detail == "operator: looked at the console (act 1)"


async def test_a_doubt_resolved_as_not_bought_fails_and_is_never_sent_again() -> None:
    async with running() as stand:
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(1)
        order = await stand.only_order()
        await say(stand, NOT_BOUGHT, order.id)
        await closed(stand)
        failed = await stand.only_order()
        assert (failed.state, failed.reason, failed.bought) == (S.FAILED, Reason.RESOLVED_NOT_BOUGHT, 0)
        await stand.clock.advance(300)
        assert stand.cloud.calls == 1


async def test_an_overdue_order_resolved_as_bought_is_abandoned_and_stays_paid() -> None:
    async with running(scenario(join_seconds=1e6)) as stand:
        order = await overdue(stand)
        await say(stand, BOUGHT, order.id)
        await closed(stand)
        abandoned = await stand.only_order()
        assert (abandoned.state, abandoned.reason, abandoned.bought) == (S.ABANDONED, Reason.RESOLVED_BOUGHT, 2)


async def test_an_overdue_order_whose_instances_are_known_can_not_be_called_not_bought() -> None:
    async with running(scenario(join_seconds=1e6)) as stand:
        order = await overdue(stand)
        await say(stand, NOT_BOUGHT, order.id)
        act = await closed(stand)
        assert act.outcome == f"refused: 2 instances of order {order.id} are known: it was bought"
        assert (await stand.only_order()).state is S.OVERDUE


@pytest.mark.parametrize("kind", [BOUGHT, NOT_BOUGHT])
async def test_an_order_that_settles_itself_is_left_alone(kind: ActKind) -> None:
    async with running() as stand:
        await stand.buy(2)
        await stand.clock.advance(5)
        order = await stand.only_order()
        await say(stand, kind, order.id)
        assert (await closed(stand)).outcome == f"refused: order {order.id} is accepted, which settles itself"
        await say(stand, kind, "o-unknown")
        assert (await closed(stand)).outcome.startswith("refused: ")


async def test_an_act_whose_step_was_written_before_the_process_died_is_done_and_not_refused() -> None:
    async with running() as stand:
        order = await in_doubt(stand)
        act = await say(stand, NOT_BOUGHT, order.id)
        stand.ledger.close_act = _dies  # type: ignore[method-assign]  # the process dies between the two writes
        await stand.clock.advance(stand.settings.poll_interval + 1)
        assert (await stand.only_order()).state is S.FAILED
        await stand.die()
        del stand.ledger.close_act
        await stand.restart()
        done = (await stand.ledger.acts())[-1]
        assert done.id == act.id
        assert done.outcome == f"order {order.id} is failed: ResolvedNotBought"


async def test_the_same_words_said_again_about_an_order_are_meant_again() -> None:
    """Bought, said of the doubt, lets it be followed; said of the order that is overdue then, it closes it."""
    async with running(scenario(join_seconds=1e6)) as stand:
        order = await in_doubt(stand)
        await say(stand, BOUGHT, order.id)
        await closed(stand)
        stand.cloud.readable = True
        await stand.clock.advance(stand.settings.node_deadline + 2 * stand.settings.poll_interval)
        assert (await stand.only_order()).state is S.OVERDUE
        await say(stand, BOUGHT, order.id)
        act = await closed(stand)
        assert (await stand.only_order()).state is S.ABANDONED
        assert act.outcome == f"order {order.id} is abandoned: ResolvedBought"


async def _dies(act: int, at: float, outcome: str) -> Act:
    raise OSError("the process is gone")


async def test_a_human_is_told_what_came_of_it() -> None:
    async with running() as stand:
        await say(stand, ActKind.RELEASE, BEIJING)
        act = await closed(stand)
        assert act.outcome == f"released {BEIJING}"
        assert ActDone(act) in stand.listener.events
        assert BEIJING in stand.rung


async def test_a_release_of_everything_ends_the_stop_of_the_account() -> None:
    async with running() as stand:
        refusing(stand, Forbidden("ScaleOutCluster", "Forbidden.RAM"), 1)
        await stand.buy(2)
        await stand.clock.advance(1)
        assert stand.executor.fleet().stop is not None
        await say(stand, ActKind.RELEASE, EVERYWHERE)
        await closed(stand)
        assert stand.executor.fleet().stop is None


async def test_without_a_daemon_the_same_code_carries_acts_out() -> None:
    stand = Stand()
    await stand.start()
    order = await in_doubt(stand)
    await stand.die()
    await say(stand, NOT_BOUGHT, order.id)
    (act,) = await carry_out_offline(stand.ledger, stand.clock, stand.listener)
    assert act.outcome == f"order {order.id} is failed: ResolvedNotBought"
    assert (await stand.ledger.get(OrderId(order.id))).state is S.FAILED
    assert await carry_out_offline(stand.ledger, stand.clock, stand.listener) == []
