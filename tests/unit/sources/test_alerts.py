"""Alerts as a signal source, in virtual time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Column, TargetStatus, Wave
from autoscaler.ports import SampleSource
from autoscaler.settings.alertmanager import AlertReceiver
from autoscaler.simulator.clock import VirtualClock
from autoscaler.sources import alerts, alerts_firing
from autoscaler.sources.alerts import AlertSource
from autoscaler.sources.alerts_firing import LATE
from tests.unit.sources.alert_posts import alert, notification
from tests.unit.sources.fakes import LABEL, NOW

A, B = RegionId("cn-a"), RegionId("cn-b")
EXPIRY = 600.0


class Post:
    """A source, its clock, and what it reported."""

    def __init__(self, **settings: object) -> None:
        self.clock = VirtualClock(NOW)
        self.reported: list[str] = []
        receiver = AlertReceiver.model_validate(
            {"name": "edge", "bearer_token": "t", "expires_after": EXPIRY, **settings}
        )
        self.source = AlertSource(receiver, region_label=LABEL, clock=self.clock, report=self.reported.append)

    async def news(self, *alerts: dict[str, object], **more: object) -> Wave:
        """The wave that follows a notification."""
        await self.source.take(notification(*alerts, **more))
        return await self.wave()

    async def wave(self) -> Wave:
        """The wave that there must be news for."""
        async with asyncio.timeout(5):
            return await self.source.collect()

    async def silent(self) -> bool:
        """Whether there is no news."""
        task = asyncio.create_task(self.source.collect())
        await self.clock.advance(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    made = Post()
    yield made
    await made.source.close()


def up(region: RegionId, detail: str = "", **columns: Column) -> TargetStatus:
    return TargetStatus("edge", region, True, Reason.UP, detail, {LABEL: region}, columns)


def names(wave: Wave) -> dict[str, set[str]]:
    """The names of the alerts that fire in each region of the wave."""
    return {one.region: set(one.columns) for one in wave.targets if one.up}


async def test_a_firing_alert_is_a_series_of_the_value_one_in_its_region(post: Post) -> None:
    source: SampleSource = post.source
    assert (source.name, source.pause()) == ("edge", 0.0)
    wave = await post.news(alert(A, labels={"severity": "page"}), alert(A, labels={"severity": "warn"}), alert(B))
    two = Column(wave.targets[0].columns["EdgeBusy"].series, (1.0, 1.0), NOW)
    assert wave == Wave(
        "edge",
        NOW,
        0.0,
        (up(A, EdgeBusy=two), up(B, EdgeBusy=Column(({"alertname": "EdgeBusy"},), (1.0,), NOW))),
        frozenset({A, B}),
    )
    assert sorted(series["severity"] for series in two.series) == ["page", "warn"]
    assert all(LABEL not in series for series in two.series)


async def test_collecting_waits_for_news_and_covers_only_what_it_is_about(post: Post) -> None:
    assert await post.silent()
    assert (await post.news(alert(A), alert(B))).regions == frozenset({A, B})
    assert await post.silent()
    waiting = asyncio.create_task(post.source.collect())
    await post.clock.advance(5)
    assert not waiting.done()
    await post.source.take(notification(alert(B)))
    assert (await waiting).regions == frozenset({B})


async def test_a_resolved_alert_ends_and_its_region_is_covered_without_it(post: Post) -> None:
    await post.news(alert(A), alert(A, "EdgeHot"))
    await post.clock.advance(60)
    wave = await post.news(alert(A, ends=NOW + 50))
    assert names(wave) == {A: {"EdgeHot"}}
    last = await post.news(alert(A, "EdgeHot", ends=NOW + 50))
    assert last.targets == (up(A),)
    assert last.regions == frozenset({A})


async def test_the_age_of_an_alert_is_when_it_was_last_heard_of(post: Post) -> None:
    await post.news(alert(A, labels={"n": "1"}), alert(A, labels={"n": "2"}))
    await post.clock.advance(60)
    (status,) = (await post.news(alert(A, labels={"n": "1"}))).targets
    column = status.columns["EdgeBusy"]
    at = dict(zip((series["n"] for series in column.series), column.at, strict=True))  # type: ignore[arg-type]  # two times
    assert at == {"1": NOW + 60, "2": NOW}
    assert column.oldest == NOW


async def test_an_unchanged_alert_keeps_its_series_object(post: Post) -> None:
    first = await post.news(alert(A), alert(A, "EdgeHot"))
    second = await post.news(alert(A))
    assert first.targets[0].columns["EdgeBusy"].series is second.targets[0].columns["EdgeBusy"].series


async def test_an_alert_that_nobody_speaks_of_expires_and_is_neither_firing_nor_resolved(post: Post) -> None:
    await post.news(alert(A))
    waiting = asyncio.create_task(post.source.collect())
    await post.clock.advance(EXPIRY - 1)
    assert not waiting.done()
    await post.clock.advance(1)
    wave = await waiting
    (status,) = wave.targets
    assert (status.region, status.up, status.reason, status.columns) == (A, False, Reason.ALERTS_EXPIRED, {})
    assert status.detail == "no news of 1 alerts for 10m: EdgeBusy"
    assert (wave.at, wave.regions) == (NOW + EXPIRY, frozenset({A}))


async def test_every_notification_puts_the_expiry_off(post: Post) -> None:
    for _ in range(3):
        assert names(await post.news(alert(A))) == {A: {"EdgeBusy"}}
        await post.clock.advance(EXPIRY - 1)
    assert await post.silent()


async def test_what_expired_beside_a_firing_alert_is_unknown_until_there_is_news_of_the_region(post: Post) -> None:
    await post.news(alert(A))
    await post.clock.advance(EXPIRY - 10)
    await post.news(alert(A, "EdgeHot"))
    await post.clock.advance(10)
    wave = await post.wave()
    assert [(one.up, one.reason, set(one.columns)) for one in wave.targets] == [
        (True, Reason.UP, {"EdgeHot"}),
        (False, Reason.ALERTS_EXPIRED, set()),
    ]
    assert [one.up for one in (await post.news(alert(A, "EdgeHot"))).targets] == [True]


async def test_an_expired_region_that_is_heard_of_again_is_well(post: Post) -> None:
    await post.news(alert(A))
    await post.clock.advance(EXPIRY)
    await post.wave()
    assert (await post.news(alert(A, ends=NOW + 5))).targets == (up(A),)


async def test_a_notification_taken_twice_changes_nothing_but_the_time(post: Post) -> None:
    once = await post.news(alert(A), alert(B))
    twice = await post.news(alert(A), alert(B))
    assert once == twice


async def test_a_resolution_of_an_earlier_occurrence_does_not_end_a_later_one(post: Post) -> None:
    await post.news(alert(A, starts=NOW))
    await post.source.take(notification(alert(A, starts=NOW - 100, ends=NOW - 50)))
    assert await post.silent()
    assert names(await post.news(alert(A))) == {A: {"EdgeBusy"}}


async def test_a_late_word_of_an_occurrence_that_ended_does_not_raise_it_again(post: Post) -> None:
    await post.news(alert(A))
    await post.news(alert(A, ends=NOW + 5))
    await post.source.take(notification(alert(A)))
    assert await post.silent()
    later = await post.news(alert(A, starts=NOW + 6))
    assert names(later) == {A: {"EdgeBusy"}}


async def test_the_same_occurrence_fires_again_if_it_is_told_so_long_after(post: Post) -> None:
    await post.news(alert(A))
    await post.news(alert(A, ends=NOW + 5))
    await post.clock.advance(LATE)
    assert names(await post.news(alert(A))) == {A: {"EdgeBusy"}}


async def test_a_resolution_of_what_was_never_heard_of_covers_the_region(post: Post) -> None:
    assert (await post.news(alert(A, ends=NOW))).targets == (up(A),)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (alert(None), "has no label ens_region_id"),
        (alert(""), "has no label ens_region_id"),
        (alert(A, ""), "has no label alertname"),
    ],
)
async def test_alerts_without_a_place_are_refused_and_the_others_taken(
    post: Post, wrong: dict[str, object], why: str
) -> None:
    with pytest.raises(ValueError, match=rf"1 of 2 alerts were not taken; the first: alert \w+ {why}"):
        await post.source.take(notification(wrong, alert(B)))
    assert names(await post.wave()) == {B: {"EdgeBusy"}}


async def test_the_region_s_label_can_be_the_receiver_s_own() -> None:
    post = Post(region_label="site")
    wave = await post.news(alert(None, labels={"site": "cn-a"}))
    assert [(one.region, one.labels) for one in wave.targets] == [(A, {"site": "cn-a"})]


async def test_alerts_that_were_cut_off_are_reported_and_stand_with_the_regions(post: Post) -> None:
    for _ in range(2):
        (status,) = (await post.news(alert(A), truncatedAlerts=7)).targets
        assert status.detail.startswith("7 more alerts of its group were cut off: raise max_alerts")
    assert len(post.reported) == 1
    assert post.reported[0].startswith("edge: 7 more alerts")
    assert (await post.news(alert(A))).targets[0].detail == ""


async def test_no_more_alerts_are_kept_than_there_is_room_for(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts_firing, "MOST_ALERTS", 2)
    with pytest.raises(ValueError, match=r"1 of 3 alerts were not taken; .* 2 alerts fire already"):
        await post.source.take(notification(alert(A), alert(A, "EdgeHot"), alert(B)))
    assert names(await post.news(alert(A), alert(A, "EdgeHot", ends=NOW))) == {A: {"EdgeBusy"}}
    assert names(await post.news(alert(B))) == {B: {"EdgeBusy"}}


async def test_a_large_notification_is_taken_as_a_small_one_is(post: Post) -> None:
    many = [alert(A, labels={"n": f"{number:06}"}) for number in range(300)]
    (status,) = (await post.news(*many)).targets
    assert len(status.columns["EdgeBusy"].values) == 300


async def test_what_one_wave_has_no_room_for_is_in_the_next(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "REGIONS_A_WAVE", 2)
    regions = [RegionId(f"cn-{number}") for number in range(3)]
    first = await post.news(*(alert(region) for region in regions))
    second = await post.wave()
    assert (first.regions, second.regions) == (frozenset(regions[:2]), frozenset(regions[2:]))
    assert await post.silent()


async def test_nothing_is_kept_of_alerts_that_ended(post: Post) -> None:
    for number in range(50):
        one = {"n": str(number)}
        await post.news(alert(A, f"Edge{number}", labels=one), alert(RegionId(f"cn-{number}")), truncatedAlerts=1)
        await post.news(alert(A, f"Edge{number}", labels=one, ends=NOW), alert(RegionId(f"cn-{number}"), ends=NOW))
    await post.clock.advance(LATE)
    await post.news(alert(B))
    await post.news(alert(B, ends=NOW + 40))
    firing = post.source._firing
    assert (len(firing._alerts), len(firing._regions), len(firing._ended)) == (0, 0, 1)
    assert (post.source._series, post.source._remarks, post.source._expired, post.source._cut_off) == ({}, {}, {}, {})
