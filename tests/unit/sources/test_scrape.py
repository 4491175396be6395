"""A pass over a job's targets: every target has its status, and its trouble is its own."""

import asyncio
import gzip
from collections.abc import Sequence

import pytest
from aiohttp import web

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Sample, TargetStatus, Wave
from autoscaler.ports import SampleSource
from autoscaler.sources.scrape import ScrapeSource
from tests.unit.sources.fakes import (
    LABEL,
    NOW,
    REGION,
    StillClock,
    address,
    closed_port,
    group,
    job,
    page,
    scraping,
    serving,
)


def faults(wave: Wave) -> dict[str, Reason]:
    return {target.target.rpartition("/")[2]: target.reason for target in wave.targets}


def values(wave: Wave) -> Sequence[float]:
    return [sample.value for sample in wave.samples]


async def test_a_wave_lists_every_target_and_the_wanted_samples() -> None:
    body = 'load{cpu="0"} 1.5 1699999990000\nload{cpu="1"} 2.5\nother 9\n'
    async with serving({"/metrics": page(body)}) as server, scraping(job(group(address(server))), "load") as source:
        wave = await source.collect()
        instance = address(server)
    url = f"http://{instance}/metrics"
    labels = {"job": "edge", "instance": instance, LABEL: REGION}
    region = RegionId(REGION)
    assert wave == Wave(
        source="edge",
        at=NOW,
        took=0.0,
        targets=(TargetStatus(url, region, up=True, reason=Reason.UP),),
        samples=(
            Sample(region, url, "load", {**labels, "cpu": "0"}, 1.5, NOW - 10),
            Sample(region, url, "load", {**labels, "cpu": "1"}, 2.5, NOW),
        ),
    )


async def test_a_source_is_named_and_paced_as_its_job() -> None:
    async with scraping(job(scrape_interval="5s")) as made:
        source: SampleSource = made
        assert (source.name, source.interval) == ("edge", 5.0)
        assert (await source.collect()).targets == ()


async def test_a_sample_is_as_old_as_the_start_of_its_scrape_and_not_its_end() -> None:
    clock = StillClock()

    async def slow(_request: web.Request) -> web.Response:
        clock.elapsed += 7
        return web.Response(text="m 1\n")

    async with serving({"/metrics": slow}) as server, scraping(job(group(address(server))), "m", clock=clock) as source:
        wave = await source.collect()
    assert [sample.at for sample in wave.samples] == [NOW]
    assert (wave.at, wave.took) == (NOW + 7, 7.0)


async def test_every_kind_of_trouble_stays_with_its_target() -> None:
    hanging = asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        await hanging.wait()
        return web.Response()

    async def moved(_request: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently("/good")

    async def failing(_request: web.Request) -> web.Response:
        return web.Response(status=503, text="m 1\n")

    routes = {
        "/good": page("m 1\n"),
        "/empty": page(""),
        "/slow": slow,
        "/moved": moved,
        "/failing": failing,
        "/html": page("<html></html>", "text/html"),
        "/large": page("# " + "x" * 5000),
    }
    async with serving(routes) as server:
        groups = [group(address(server), __metrics_path__=path) for path in (*routes, "/absent")]
        groups.append(group(f"127.0.0.1:{closed_port()}", __metrics_path__="/closed"))
        groups.append(group(address(server), __metrics_path__="/tls", __scheme__="https"))
        groups.append(group("a..b:1", __metrics_path__="/name"))
        config = job(*groups, scrape_timeout="1500ms", body_size_limit=4096)
        async with scraping(config, "m") as source:
            wave = await source.collect()
            hanging.set()
    assert faults(wave) == {
        "good": Reason.UP,
        "empty": Reason.UP,
        "slow": Reason.TIMED_OUT,
        "moved": Reason.BAD_STATUS,
        "failing": Reason.BAD_STATUS,
        "html": Reason.UNPARSABLE,
        "large": Reason.TOO_LARGE,
        "absent": Reason.BAD_STATUS,
        "closed": Reason.CONNECTION_FAILED,
        "tls": Reason.TLS_FAILED,
        "name": Reason.DNS_FAILED,
    }
    assert {target.target.rpartition("/")[2] for target in wave.targets if target.up} == {"good", "empty"}
    assert all(target.detail for target in wave.targets if not target.up)
    assert values(wave) == [1.0]
    (failed,) = (target for target in wave.targets if target.target.endswith("/failing"))
    assert failed.detail == "HTTP 503 Service Unavailable"


async def test_openmetrics_is_asked_for_and_read_by_its_content_type() -> None:
    asked = []

    async def either(request: web.Request) -> web.Response:
        asked.append(request.headers)
        body = gzip.compress(b"m_total 3 1700000001.5 # {} 1\n# EOF\n")
        kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        return web.Response(body=body, headers={"Content-Type": kind, "Content-Encoding": "gzip"})

    async with serving({"/metrics": either}) as server, scraping(job(group(address(server))), "m_total") as source:
        wave = await source.collect()
    assert [(sample.value, sample.at) for sample in wave.samples] == [(3.0, NOW + 1.5)]
    assert asked[0]["Accept"].startswith("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4")
    assert asked[0]["Accept-Encoding"] == "gzip"
    assert asked[0]["X-Prometheus-Scrape-Timeout-Seconds"] == "10"


async def test_a_series_that_names_its_own_region_does_not_move_there() -> None:
    body = f'm{{{LABEL}="elsewhere",instance="x",zone="a"}} 1\n'
    async with serving({"/metrics": page(body)}) as server, scraping(job(group(address(server))), "m") as source:
        (sample,) = (await source.collect()).samples
        instance = address(server)
    assert sample.region == REGION
    assert sample.labels == {
        "job": "edge",
        "instance": instance,
        LABEL: REGION,
        f"exported_{LABEL}": "elsewhere",
        "exported_instance": "x",
        "zone": "a",
    }


async def test_targets_that_were_down_wait_behind_the_others() -> None:
    order: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        order.append(request.path)
        return web.Response(status=500 if request.path == "/dead" else 200)

    async with serving({"/dead": handler, "/a": handler, "/b": handler}) as server:
        groups = [group(address(server), __metrics_path__=path) for path in ("/dead", "/a", "/b")]
        async with scraping(job(*groups), "m", concurrency=1) as source:
            await source.collect()
            await source.collect()
    assert order == ["/dead", "/a", "/b", "/a", "/b", "/dead"]


async def test_at_most_so_many_targets_are_asked_at_a_time() -> None:
    running, most = 0, 0

    async def handler(_request: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return web.Response()

    async with serving({f"/{n}": handler for n in range(8)}) as server:
        groups = [group(address(server), __metrics_path__=f"/{n}") for n in range(8)]
        async with scraping(job(*groups), "m", concurrency=3) as source:
            wave = await source.collect()
    assert most == 3
    assert len(wave.targets) == 8


async def test_a_target_whose_turn_does_not_come_within_the_interval_is_not_asked() -> None:
    clock, asked = StillClock(), 0

    async def handler(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        clock.elapsed += 8
        return web.Response()

    async with serving({f"/{n}": handler for n in range(3)}) as server:
        groups = [group(address(server), __metrics_path__=f"/{n}") for n in range(3)]
        config = job(*groups, scrape_interval="15s")
        async with scraping(config, "m", clock=clock, concurrency=1) as source:
            wave = await source.collect()
    assert asked == 2
    assert faults(wave) == {"0": Reason.UP, "1": Reason.UP, "2": Reason.TIMED_OUT}
    assert wave.targets[2].detail == "its turn did not come within the interval"


async def test_a_target_that_comes_back_is_read_again() -> None:
    broken = True

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(text="no metrics" if broken else "m 1\n")

    async with serving({"/metrics": handler}) as server, scraping(job(group(address(server))), "m") as source:
        assert faults(await source.collect()) == {"metrics": Reason.UNPARSABLE}
        broken = False
        assert values(await source.collect()) == [1.0]


async def test_targets_left_out_are_logged_where_nobody_else_listens(caplog: pytest.LogCaptureFixture) -> None:
    config = job(group("h:1", region=""))
    source = ScrapeSource(config, wanted=frozenset({"m"}), region_label=LABEL, clock=StillClock())
    try:
        assert (await source.collect()).targets == ()
    finally:
        await source.close()
    assert caplog.messages == ["edge: 1 targets have no label ens_region_id and are not scraped: h:1"]
