"""A scrape job in virtual time: every region at its own moment, and a target's trouble is its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import TargetStatus, Wave
from autoscaler.ports import SampleSource
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.settings.target_groups import StaticConfig
from autoscaler.simulator.clock import VirtualClock
from autoscaler.sources.http import Answer, FetchFailed
from autoscaler.sources.scrape import GROUP, ScrapeSource
from autoscaler.sources.targets import Target, build_targets

LABEL = "ens_region_id"
NOW = 1_700_000_000.0
A, B = RegionId("cn-beijing-cmcc-2"), RegionId("cn-xian-telecom")
TEXT = "text/plain; version=0.0.4"
Page = Callable[[], Coroutine[None, None, Answer]]


def answer(body: str, status: int = 200, kind: str = TEXT) -> Answer:
    return Answer(status, "OK" if status == 200 else "Service Unavailable", kind, body.encode())


class Pages:
    """A PageFetcher: `pages` says what comes of each address, a text or what to await. It notes who was asked, when."""

    def __init__(self, clock: VirtualClock, pages: Mapping[str, str | Page]) -> None:
        self.clock = clock
        self.pages = dict(pages)
        self.asked: list[tuple[float, str]] = []
        self.headers: list[Mapping[str, str]] = []
        self.closed = False
        self.under_way: set[asyncio.Task[None]] = set()

    async def fetch(self, *_: object, **__: object) -> Answer:
        raise AssertionError("pages are asked for in waves")

    def start(
        self,
        url: str,
        *,
        within: float,
        body_limit: int,
        headers: Mapping[str, str],
        on_done: Callable[[Answer | FetchFailed], None],
    ) -> asyncio.Task[None]:
        del body_limit
        host = url.split("/")[2].partition(":")[0]
        self.asked.append((self.clock.now() - NOW, host))
        self.headers.append(headers)
        task = asyncio.create_task(self._answer(host, within, on_done))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)
        return task

    async def _answer(self, host: str, within: float, on_done: Callable[[Answer | FetchFailed], None]) -> None:
        page = self.pages[host]
        if isinstance(page, str):
            on_done(answer(page))
            return
        coming, deadline = asyncio.create_task(page()), asyncio.create_task(self.clock.sleep(within))
        try:
            done, _ = await asyncio.wait({coming, deadline}, return_when=asyncio.FIRST_COMPLETED)
            on_done(coming.result() if coming in done else FetchFailed(Reason.TIMED_OUT, "too slow"))
        except FetchFailed as failed:
            on_done(failed)
        finally:
            coming.cancel()
            deadline.cancel()

    async def close(self) -> None:
        self.closed = True
        for task in self.under_way:
            task.cancel()
        await asyncio.gather(*self.under_way, return_exceptions=True)

    def times(self, host: str) -> list[float]:
        return [at for at, asked in self.asked if asked == host]


class Run:
    """A source whose waves are collected while virtual time passes."""

    def __init__(self, source: ScrapeSource, clock: VirtualClock) -> None:
        self.source = source
        self.clock = clock
        self.waves: list[tuple[float, Wave]] = []

    async def collect(self) -> None:
        while True:
            await self.clock.sleep(self.source.pause())
            wave = await self.source.collect()
            self.waves.append((self.clock.now() - NOW, wave))

    async def let(self, seconds: float) -> None:
        """Let time pass in steps, and what is done in threads be done in between."""
        for _ in range(round(seconds / 0.1)):
            await self.clock.until_asleep()
            await self.clock.advance(0.1)

    def statuses(self) -> list[TargetStatus]:
        return [status for _, wave in self.waves for status in wave.targets]

    def reasons(self) -> dict[str, Reason]:
        return {status.target.split("/")[2].partition(":")[0]: status.reason for status in self.statuses()}

    def first(self, region: RegionId) -> float:
        return next(at for at, wave in self.waves if region in (wave.regions or ()))


def group(*targets: str, region: str = A) -> dict[str, object]:
    return {"targets": [f"{target}:9100" for target in targets], "labels": {LABEL: region}}


def job(*groups: Mapping[str, object], **settings: object) -> ScrapeConfig:
    return ScrapeConfig.model_validate({"job_name": "edge", "static_configs": groups, **settings})


@asynccontextmanager
async def scraping(config: ScrapeConfig, pages: Mapping[str, str | Page], clock: VirtualClock) -> AsyncIterator[Run]:
    fetcher = Pages(clock, pages)
    problems: list[str] = []
    source = ScrapeSource(
        config,
        wanted=frozenset({"load", "other_total"}),
        region_label=LABEL,
        clock=clock,
        fetcher=fetcher,
        report=problems.append,
    )
    run = Run(source, clock)
    collecting = asyncio.create_task(run.collect())
    try:
        yield run
    finally:
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
        await source.close()
        assert fetcher.closed


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


def asked(run: Run) -> Pages:
    fetcher = run.source._fetcher
    assert isinstance(fetcher, Pages)
    return fetcher


async def hanging() -> Answer:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_wave_tells_what_every_target_of_its_regions_stated(clock: VirtualClock) -> None:
    body = 'load{cpu="0"} 1.5 1699999990000\nload{cpu="1"} 2.5\nunwanted 9\n'
    async with scraping(job(group("a")), {"a": body}, clock) as run:
        await run.let(1)
    (status,) = run.statuses()
    assert (status.target, status.region, status.up) == ("http://a:9100/metrics", A, True)
    assert status.labels == {"job": "edge", "instance": "a:9100", LABEL: A}
    assert set(status.columns) == {"load"}
    column = status.columns["load"]
    assert column.series == ({"cpu": "0"}, {"cpu": "1"})
    assert (list(column.values), list(column.at)) == ([1.5, 2.5], [NOW - 10, NOW])  # type: ignore[arg-type]  # one each
    assert (run.waves[0][1].source, run.waves[0][1].regions) == ("edge", frozenset({A}))


async def test_a_region_is_scraped_once_an_interval_at_its_own_moment(clock: VirtualClock) -> None:
    hosts = {region: [f"{region}-{number}" for number in range(60)] for region in (A, B)}
    groups = [group(*names, region=region) for region, names in hosts.items()]
    pages = {name: "load 1\n" for names in hosts.values() for name in names}
    async with scraping(job(*groups, scrape_interval="15s"), pages, clock) as run:
        await run.let(61)
        moments = [[(NOW + at) % 15.0 for at in asked(run).times(names[0])[1:]] for names in hosts.values()]
    assert all(3 <= len(one) <= 5 and max(one) - min(one) < 0.11 for one in moments)
    assert abs(moments[0][0] - moments[1][0]) == pytest.approx(7.5, abs=0.11)


async def test_the_targets_of_a_region_are_one_wave(clock: VirtualClock) -> None:
    async def slower() -> Answer:
        await clock.sleep(0.5)
        return answer("load 2\n")

    async with scraping(job(group("a", "b", "c")), {"a": "load 1\n", "b": slower, "c": "load 3\n"}, clock) as run:
        await run.let(2)
    (wave,) = (wave for _, wave in run.waves)
    assert [list(status.columns["load"].values) for status in wave.targets] == [[1.0], [3.0], [2.0]]
    assert wave.took == pytest.approx(0.52, abs=0.02)


async def test_a_target_that_hangs_keeps_only_its_own_region_waiting(clock: VirtualClock) -> None:
    config = job(group("a", "a2"), group("b", region=B), scrape_timeout="5s")
    async with scraping(config, {"a": hanging, "a2": "load 1\n", "b": "load 1\n"}, clock) as run:
        await run.let(7)
        assert run.first(B) < 0.5
        assert 5.0 <= run.first(A) < 5.5
    assert run.reasons() == {"a": Reason.TIMED_OUT, "a2": Reason.UP, "b": Reason.UP}


async def test_every_kind_of_trouble_stays_with_its_target(clock: VirtualClock) -> None:
    async def refused() -> Answer:
        raise FetchFailed(Reason.CONNECTION_FAILED, "refused")

    async def failing() -> Answer:
        return answer("load 1\n", 503)

    async def html() -> Answer:
        return answer("<html></html>", kind="text/html")

    pages: dict[str, str | Page] = {
        "good": "load 1\n",
        "refused": refused,
        "failing": failing,
        "html": html,
        "twice": "load 1\nload 2\n",
    }
    async with scraping(job(group(*pages)), pages, clock) as run:
        await run.let(1)
    reasons = run.reasons()
    assert {host for host, reason in reasons.items() if reason is Reason.UP} == {"good"}
    assert (reasons["refused"], reasons["failing"]) == (Reason.CONNECTION_FAILED, Reason.BAD_STATUS)
    assert all(status.detail and not status.columns for status in run.statuses() if not status.up)
    (failed,) = (status for status in run.statuses() if "failing" in status.target)
    assert failed.detail == "HTTP 503 Service Unavailable"


async def test_a_sample_is_as_old_as_the_start_of_its_scrape_and_not_its_end(clock: VirtualClock) -> None:
    async def slow() -> Answer:
        await clock.sleep(3)
        return answer("load 1\n")

    async with scraping(job(group("a")), {"a": slow}, clock) as run:
        await run.let(4)
    (status,) = run.statuses()
    assert status.columns["load"].oldest == NOW


async def test_while_a_page_states_the_same_series_their_labels_are_the_same_object(clock: VirtualClock) -> None:
    async with scraping(job(group("a"), scrape_interval="1s"), {"a": 'load{cpu="0"} 1\n'}, clock) as run:
        await run.let(1.5)
        asked(run).pages["a"] = 'load{cpu="0"} 2\n'
        await run.let(2)
    columns = [status.columns["load"] for status in run.statuses()]
    assert {column.values[0] for column in columns} == {1.0, 2.0}
    assert len({id(column.series) for column in columns}) == 1


async def test_a_target_that_comes_back_is_read_again(clock: VirtualClock) -> None:
    async with scraping(job(group("a"), scrape_interval="1s"), {"a": "load one\n"}, clock) as run:
        await run.let(1.5)
        asked(run).pages["a"] = "load 1\n"
        await run.let(2)
    reasons = [status.reason for status in run.statuses()]
    assert reasons[0] is not Reason.UP
    assert reasons[-1] is Reason.UP


async def test_a_region_that_lost_its_last_target_is_covered_once_more_without_any(
    clock: VirtualClock, tmp_path: Path
) -> None:
    path = tmp_path / "targets.json"

    def write(*groups: Mapping[str, object]) -> None:
        path.write_text(json.dumps(groups), encoding="utf-8")

    write(group("a"), group("b", region=B))
    config = job(file_sd_configs=[{"files": [str(path)]}], scrape_interval="5s")
    async with scraping(config, {"a": "load 1\n", "b": "load 1\n"}, clock) as run:
        await run.let(6)
        write(group("a"))
        await run.let(12)
        last = next(wave for _, wave in reversed(run.waves) if B in (wave.regions or ()))
        assert [status for status in last.targets if status.region == B] == []
        assert [host for at, host in asked(run).asked if at > 12] == ["a"] * len(
            [host for at, host in asked(run).asked if at > 12]
        )


async def test_more_new_targets_than_a_burst_wait_for_their_moments(clock: VirtualClock) -> None:
    many = [group(f"t{number}", region=f"r{number}") for number in range(300)]
    async with scraping(job(*many), {f"t{number}": "load 1\n" for number in range(300)}, clock) as run:
        await run.let(0.1)
        assert len(asked(run).asked) < 60
        await run.let(15.1)
        assert {host for _, host in asked(run).asked} == {f"t{number}" for number in range(300)}


async def test_a_job_without_targets_says_so_once_an_interval(clock: VirtualClock) -> None:
    async with scraping(job(scrape_interval="5s"), {}, clock) as run:
        source: SampleSource = run.source
        assert source.name == "edge"
        await run.let(11)
    assert [(wave.targets, wave.regions) for _, wave in run.waves] == [((), frozenset())] * 3


async def test_series_are_dropped_and_renamed_as_metric_relabel_configs_say(clock: VirtualClock) -> None:
    body = 'load{cpu="0",instance="x"} 1\nload{cpu="1"} 2\nother_total 3\n'
    relabel: Sequence[Mapping[str, object]] = [
        {"source_labels": ["__name__"], "regex": "other_.*", "action": "drop"},
        {"source_labels": ["cpu"], "regex": "1", "action": "drop"},
        {"source_labels": ["cpu"], "target_label": "core"},
    ]
    async with scraping(job(group("a"), metric_relabel_configs=relabel), {"a": body}, clock) as run:
        await run.let(1)
    (status,) = run.statuses()
    assert set(status.columns) == {"load"}
    (series,) = status.columns["load"].series
    assert list(status.columns["load"].values) == [1.0]
    names = ("cpu", "core", "exported_instance", "instance", LABEL)
    assert [status.label(series, name) for name in names] == ["0", "0", "x", "a:9100", A]


@pytest.mark.parametrize(("honored", "instance", "exported"), [(False, "a:9100", "x"), (True, "x", "")])
async def test_labels_of_the_page_win_only_where_they_are_honored(
    clock: VirtualClock, honored: bool, instance: str, exported: str
) -> None:
    config = job(group("a"), honor_labels=honored)
    async with scraping(config, {"a": f'load{{instance="x",{LABEL}="elsewhere"}} 1\n'}, clock) as run:
        await run.let(1)
    (status,) = run.statuses()
    (series,) = status.columns["load"].series
    assert status.region == A, "a page does not move to another region by what it says"
    assert (status.label(series, "instance"), status.label(series, "exported_instance")) == (instance, exported)


async def test_a_target_is_told_how_long_it_has_and_which_formats_are_read(clock: VirtualClock) -> None:
    async with scraping(job(group("a"), scrape_timeout="4s"), {"a": "load 1\n"}, clock) as run:
        await run.let(1)
        (headers,) = asked(run).headers
    assert headers["X-Prometheus-Scrape-Timeout-Seconds"] == "4"
    assert headers["Accept"].startswith("application/openmetrics-text")


async def test_a_source_that_is_closed_gives_up_what_is_under_way(clock: VirtualClock) -> None:
    async with scraping(job(group("a")), {"a": hanging}, clock) as run:
        await run.let(1)
    assert run.statuses() == []


class Listed:
    """A Discovery that a test changes under way. It takes no thread, so that virtual time does not run ahead of it."""

    def __init__(self, run: Run, *groups: Mapping[str, object]) -> None:
        self._config = run.source._config
        self.targets: tuple[Target, ...] = ()
        self.name(*groups)
        run.source._discovery = self  # type: ignore[assignment]  # the part of it that a source uses

    def name(self, *groups: Mapping[str, object]) -> None:
        stated = [StaticConfig.model_validate(group) for group in groups]
        self.targets = build_targets(stated, self._config, LABEL).targets

    async def refresh(self) -> tuple[Target, ...]:
        return self.targets

    async def close(self) -> None:
        pass


def after(clock: VirtualClock, seconds: float, value: float = 1.0) -> Page:
    async def page() -> Answer:
        await clock.sleep(seconds)
        return answer(f"load {value}\n")

    return page


async def test_answers_of_a_region_that_is_gone_do_not_bring_it_back(clock: VirtualClock) -> None:
    async with scraping(job(), {"a": "load 1\n", "b": after(clock, 8)}, clock) as run:
        listed = Listed(run, group("a"), group("b", region=B))
        await run.let(1)
        listed.name(group("a"))
        await run.let(14)
    told = [wave for _, wave in run.waves if B in (wave.regions or ())]
    assert [[status for status in wave.targets if status.region == B] for wave in told] == [[]]


async def test_a_region_that_is_back_before_its_first_answers_is_asked_anew_and_told_once(clock: VirtualClock) -> None:
    pages: dict[str, str | Page] = {"a": "load 1\n", "b": after(clock, 6.5), "c": after(clock, 3, 2.0)}
    async with scraping(job(group(), scrape_interval="60s", scrape_timeout="10s"), pages, clock) as run:
        listed = Listed(run, group("a"), group("b", region=B))
        await run.let(1)
        listed.name(group("a"))
        await run.let(5)
        listed.name(group("a"), group("c", region=B))
        await run.let(9)
    told = [status.target for status in run.statuses() if status.region == B]
    assert told == ["http://c:9100/metrics"]


async def test_a_target_that_moved_while_it_was_asked_is_not_told_of_in_its_former_region(clock: VirtualClock) -> None:
    pages: dict[str, str | Page] = {"a": "load 1\n", "m": "load 5\n", "slow": after(clock, 8)}
    async with scraping(job(scrape_interval="60s"), pages, clock) as run:
        listed = Listed(run, group("a", "m", "slow"))
        await run.let(1)
        listed.name(group("a", "slow"), group("m", region=B))
        await run.let(9)
    places = {(status.target, status.region) for status in run.statuses()}
    assert places == {
        ("http://a:9100/metrics", A),
        ("http://slow:9100/metrics", A),
        ("http://m:9100/metrics", B),
    }


async def test_a_region_all_of_whose_targets_were_replaced_while_they_were_asked_is_not_told_to_have_none(
    clock: VirtualClock,
) -> None:
    async with scraping(job(), {"old": after(clock, 8), "new": "load 1\n"}, clock) as run:
        listed = Listed(run, group("old"))
        await run.let(1)
        listed.name(group("new"))
        await run.let(25)
    assert {status.target for status in run.statuses()} == {"http://new:9100/metrics"}
    assert all(wave.targets for _, wave in run.waves if A in (wave.regions or ()))


async def test_a_request_that_can_not_even_be_started_is_that_targets_trouble_alone(clock: VirtualClock) -> None:
    async with scraping(job(group("a", "b"), scrape_interval="1s"), {"a": "load 1\n", "b": "load 1\n"}, clock) as run:
        start = asked(run).start

        def tripping(url: str, **how: object) -> asyncio.Task[None]:
            if "//a:" in url and len(asked(run).asked) < 3:
                raise RuntimeError("no room")
            return start(url, **how)  # type: ignore[arg-type]  # passed on as they came

        asked(run).start = tripping  # type: ignore[method-assign]  # the same, but for one target
        await run.let(5)
    of_a = [status for status in run.statuses() if "//a:" in status.target]
    assert (of_a[0].reason, of_a[0].detail) == (Reason.CONNECTION_FAILED, "RuntimeError: no room")
    assert of_a[-1].up


async def test_a_dead_target_does_not_halve_the_pace_of_its_region(clock: VirtualClock) -> None:
    config = job(group("a", "dead"), scrape_interval="5s", scrape_timeout="5s")
    async with scraping(config, {"a": "load 1\n", "dead": hanging}, clock) as run:
        Listed(run, group("a", "dead"))
        await run.let(61)
        assert len(asked(run).times("a")) >= 11


async def test_hundreds_of_requests_are_not_started_in_one_turn_of_the_loop(clock: VirtualClock) -> None:
    hosts = [f"t{number}" for number in range(180)]
    turn, starts = 0, list[int]()

    async def turning() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async with scraping(job(group(*hosts)), dict.fromkeys(hosts, "load 1\n"), clock) as run:
        start = asked(run).start

        def noting(*args: object, **how: object) -> asyncio.Task[None]:
            starts.append(turn)
            return start(*args, **how)  # type: ignore[arg-type]  # passed on as they came

        asked(run).start = noting  # type: ignore[method-assign]  # the same, noted
        turns = asyncio.create_task(turning())
        await run.let(1)
        turns.cancel()
    assert len(starts) == len(hosts)
    assert max(starts.count(one) for one in set(starts)) <= GROUP
    (wave,) = (wave for _, wave in run.waves)
    assert len(wave.targets) == len(hosts)


KEEP_LOAD = {"source_labels": ["cpu"], "regex": "1", "action": "drop"}


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"sample_limit": 2}, Reason.UP),
        ({"sample_limit": 1}, Reason.SAMPLE_LIMIT),
        ({"label_limit": 5}, Reason.UP),
        ({"label_limit": 4}, Reason.LABEL_LIMIT),
        ({"label_value_length_limit": 17}, Reason.UP),
        ({"label_value_length_limit": 16}, Reason.LABEL_LIMIT),
        ({"label_name_length_limit": 12}, Reason.LABEL_LIMIT),
    ],
)
async def test_limits_hold_for_the_wanted_series_that_metric_relabel_configs_leave(
    clock: VirtualClock, limits: Mapping[str, int], reason: Reason
) -> None:
    body = 'load{cpu="0"} 1\nload{cpu="1",too="many",labels="long enough to be over every limit"} 2\nother_total 3\n'
    body += "unwanted 9\n" * 100
    async with scraping(job(group("a"), metric_relabel_configs=[KEEP_LOAD], **limits), {"a": body}, clock) as run:
        await run.let(1)
    (status,) = run.statuses()
    assert (status.reason, bool(status.columns)) == (reason, reason is Reason.UP)


async def test_series_that_metric_relabel_configs_make_the_same_are_not_counted_twice(clock: VirtualClock) -> None:
    rule = {"regex": "cpu", "action": "labeldrop"}
    body = 'load{cpu="0"} 1\nload{cpu="1"} 2\n'
    async with scraping(job(group("a"), metric_relabel_configs=[rule]), {"a": body}, clock) as run:
        await run.let(1)
    (status,) = run.statuses()
    assert (status.reason, status.columns) == (Reason.SERIES_TWICE, {})


async def test_what_a_target_says_about_its_trouble_is_kept_short(clock: VirtualClock) -> None:
    async def wordy() -> Answer:
        return Answer(500, "x" * 60_000, TEXT, b"")

    async with scraping(job(group("a")), {"a": wordy}, clock) as run:
        await run.let(1)
    (status,) = run.statuses()
    assert len(status.detail) == 300


async def test_a_look_at_the_targets_that_hangs_stops_no_scrape(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scraping(job(group("a"), scrape_interval="5s"), {"a": "load 1\n"}, clock) as run:
        await run.let(6)
        before = len(asked(run).asked)

        async def hang() -> tuple[Target, ...]:
            await asyncio.Event().wait()
            raise AssertionError

        monkeypatch.setattr(run.source._discovery, "refresh", hang)
        await run.let(21)
        assert len(asked(run).asked) >= before + 4


async def test_a_look_that_fails_is_told_and_made_again(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    source = ScrapeSource(
        job(group("a")),
        wanted=frozenset({"load"}),
        region_label=LABEL,
        clock=clock,
        fetcher=Pages(clock, {"a": "load 1\n"}),
    )
    refresh = source._discovery.refresh

    async def fail() -> tuple[Target, ...]:
        raise RuntimeError("a bug of this program")

    monkeypatch.setattr(source._discovery, "refresh", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        await source.collect()
    monkeypatch.setattr(source._discovery, "refresh", refresh)
    run = Run(source, clock)
    collecting = asyncio.create_task(run.collect())
    await run.let(6)
    assert [status.up for status in run.statuses()] == [True]
    collecting.cancel()
    await asyncio.gather(collecting, return_exceptions=True)
    await source.close()
