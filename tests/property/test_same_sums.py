"""Sums that are kept between two questions are what adding up anew gives, after every order and every release."""

from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.executor.sums import Sums
from autoscaler.model.act import EVERYWHERE, Act, ActKind
from autoscaler.model.names import InstanceId, RegionId
from autoscaler.model.order import Order, OrderState
from tests.property import policy_strategies as any_
from tests.unit.policy import builders
from tests.unit.policy.builders import NOW

DAYS = 86_400.0


@st.composite
def told(draw: st.DrawFn) -> Order:
    """An order, new or a later version of one that was told before, for its own region or for another one."""
    number = draw(st.integers(0, 3))
    return builders.order(
        draw(st.sampled_from(OrderState)),
        draw(st.integers(1, 4)),
        id=f"order-{number}",
        region=any_.FLEET[0],
        for_region=any_.FLEET[1] if number % 2 else None,
        created_ago=draw(st.sampled_from((60.0, 2 * DAYS, 32 * DAYS, 34 * DAYS))),
        settled_ago=draw(st.sampled_from((None, 1.0, 3000.0))),
        instances=draw(st.sampled_from((frozenset(), builders.ids("ready", 2)))),
        receipt=draw(st.sampled_from((None, builders.TOLD))),
        cost=draw(st.sampled_from((0, 70))),
    )


def nodes(region: RegionId) -> frozenset[InstanceId] | None:
    return builders.ids("ready", 1) if region == any_.FLEET[0] else None


def release(subject: str, ago: float) -> Act:
    return Act(ActKind.RELEASE, subject, "looked at it", "ops", NOW - ago, done_at=NOW - ago, outcome="released")


releases = st.builds(release, st.sampled_from((*any_.FLEET[:2], EVERYWHERE)), st.sampled_from((0.0, 2.0, 4000.0)))


def note(sums: Sums, news: Order | Act) -> None:
    if isinstance(news, Order):
        sums.note(news)
    else:
        sums.release(news.subject, news.at)


@settings(deadline=None, max_examples=150)
@given(story=st.lists(told() | releases, max_size=8), later=st.sampled_from((0.0, 2 * DAYS)))
def test_sums_that_were_asked_in_between_are_those_added_up_anew(story: list[Order | Act], later: float) -> None:
    asked = Sums()
    for length in range(len(story) + 1):
        anew = Sums()
        for news in story[:length]:
            note(anew, news)
        if length:
            note(asked, story[length - 1])
        for region in any_.FLEET:
            for now in (NOW, NOW + later):
                assert asked.tally(region, now, nodes) == anew.tally(region, now, nodes)
        assert sorted(map(repr, asked.charges(NOW))) == sorted(map(repr, anew.charges(NOW)))
        assert all(charge.at >= NOW - 33 * DAYS for charge in asked.charges(NOW))


def test_what_the_ledger_no_longer_holds_is_counted_from_the_moment_it_is_told() -> None:
    sums = Sums()
    assert sums.tally(any_.FLEET[0], NOW, nodes).bought == 0
    sums.restore({any_.FLEET[0]: 7}, ())
    assert sums.tally(any_.FLEET[0], NOW, nodes).bought == 7
