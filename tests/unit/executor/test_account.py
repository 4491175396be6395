"""The account: after a refusal one order at a time tries again, and no region keeps the others from it."""

from collections.abc import Sequence
from itertools import pairwise

from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.decision import Facts, RegionFacts
from autoscaler.model.errors import Forbidden
from autoscaler.model.names import RegionId
from autoscaler.model.operation import Offer
from autoscaler.model.order import OrderState
from autoscaler.model.reason import Reason
from autoscaler.policy.decide import Policies, decide
from autoscaler.policy.planning import intents
from autoscaler.simulator.scenario import RegionScenario
from tests.unit.executor.stand import BEIJING, SHANGHAI, Stand, operation, refusing, running, scenario
from tests.unit.policy import builders

S = OrderState
FORBIDDEN = Forbidden("ScaleOutCluster", "Forbidden.RAM")


async def test_an_old_doubt_of_one_region_does_not_keep_the_account_from_trying_again() -> None:
    async with running(scenario(task_parameters=False)) as stand:
        stand.cloud.faults.append("lost_request")
        await stand.buy(2)
        await stand.clock.advance(2)
        stand.books.buy_by_hand(BEIJING, 5, stand.clock.now())
        await stand.clock.advance(200)
        refusing(stand, FORBIDDEN, 1, SHANGHAI)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(5)
        assert stand.executor.fleet().stop is not None
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(5)
        doubtful, refused, tried = await stand.orders()
        assert [doubtful.state, refused.reason, tried.state] == [S.IN_DOUBT, Reason.FORBIDDEN, S.ACCEPTED]
        assert stand.executor.fleet().stop is None


async def test_while_one_order_tries_the_others_are_told_which() -> None:
    async with running() as stand:
        refusing(stand, FORBIDDEN, 1)
        await stand.buy(1)
        await stand.clock.advance(5)
        await stand.buy(1)
        await stand.buy(1, SHANGHAI)
        trying = (await stand.orders())[-1]
        (told,) = stand.refusals()
        assert (told.region, told.reason) == (SHANGHAI, Reason.ACCOUNT_STOPPED)
        assert f"order {trying.id} in {BEIJING} tries first" in told.detail


async def test_a_release_ends_the_stop_although_the_clock_was_set_back() -> None:
    async with running() as stand:
        refusing(stand, FORBIDDEN, 1)
        await stand.buy(2)
        await stand.clock.advance(1)
        stand.clock.jump(-3600)
        await stand.ledger.file(Act(ActKind.RELEASE, EVERYWHERE, "granted", "operator", stand.clock.now()))
        await stand.clock.advance(11)
        assert stand.executor.fleet().stop is None
        await stand.die()
        await stand.restart()
        assert stand.executor.fleet().stop is None, "nor does it come back with the next process"


async def test_a_stop_withdraws_what_was_decided_before_it_while_its_stock_is_read() -> None:
    """The account is refused between the choice of an order and its call."""
    async with running() as stand:
        listed = stand.cloud.instances

        async def slow(regions: Sequence[RegionId]) -> object:
            if regions == (SHANGHAI,):
                await stand.clock.sleep(5)
            return await listed(regions)

        stand.cloud.instances = slow  # type: ignore[method-assign,assignment]  # the baseline takes its time
        refusing(stand, FORBIDDEN, 1)
        await stand.buy(1, SHANGHAI)
        await stand.clock.advance(0.1)
        await stand.buy(1)
        await stand.clock.advance(8)
        slow_one, refused = await stand.orders()
        assert refused.reason is Reason.FORBIDDEN
        assert (slow_one.state, slow_one.reason) == (S.FAILED, Reason.ACCOUNT_STOPPED)
        assert stand.books.sold_total == 0


async def test_a_region_that_may_not_be_bought_in_does_not_keep_the_others_from_their_try() -> None:
    """The permission is missing for one cluster only, and its region is the most urgent."""
    empty, short = (RegionScenario(region=r, initial_nodes=n, stock=50) for r, n in ((BEIJING, 0), (SHANGHAI, 2)))
    async with running(scenario(regions=(empty, short))) as stand:
        tries = refusing(stand, FORBIDDEN, 10**9)
        served = builders.policy(minNodes=5)
        offers = {region: (Offer(operation(region)),) for region in (BEIJING, SHANGHAI)}
        policies = Policies(dict.fromkeys(offers, served), 120.0, offers)
        for _ in range(12):
            await stand.place(*intents(decide(facts(stand), policies)))
            await stand.clock.advance(450)
        assert stand.books.sold(SHANGHAI) == 3
        assert all(later - earlier >= 600 for earlier, later in pairwise(tries))


def facts(stand: Stand) -> Facts:
    desk = stand.executor
    regions = {
        region: RegionFacts(region, {}, desk.capacity(region), tuple(desk.orders(region)), desk.tally(region))
        for region in (BEIJING, SHANGHAI)
    }
    return Facts(1, stand.clock.now(), regions, desk.fleet())
