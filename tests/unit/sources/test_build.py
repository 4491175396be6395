"""From autoscaler.yaml to sources that run: a job whose targets an endpoint lists, over real sockets."""

import asyncio
from base64 import b64encode
from pathlib import Path

import pytest
from aiohttp import web

from autoscaler.clock import SystemClock
from autoscaler.model.names import RegionId
from autoscaler.model.signals import TargetStatus
from autoscaler.settings.root import load
from autoscaler.sources import scrape
from autoscaler.sources.build import scrape_sources
from tests.unit.settings import builders
from tests.unit.sources.fakes import address, serving

MAIN = """\
alibaba:
  region: cn-hangzhou
scrape_configs:
  - job_name: gateway
    scrape_interval: 4s
    scrape_timeout: 3s
    enable_compression: false
    authorization: {credentials: for-targets}
    http_sd_configs:
      - url: http://ADDRESS/targets
        basic_auth: {username: sd, password: for-the-list}
  - job_name: unread
    static_configs:
      - targets: ["127.0.0.1:1"]
        labels: {ens_region_id: cn-a-1}
"""


async def test_a_job_with_http_sd_scrapes_what_the_endpoint_lists_and_each_is_shown_its_own_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "LOOK", 0.05)
    lists: list[web.Request] = []
    scrapes: list[web.Request] = []

    async def listing(request: web.Request) -> web.Response:
        lists.append(request)
        return web.json_response([{"targets": [address(server)], "labels": {"ens_region_id": "cn-a-1"}}])

    async def metrics(request: web.Request) -> web.Response:
        scrapes.append(request)
        return web.Response(body=b"rps 7\nunwanted 1\n", headers={"Content-Type": "text/plain; version=0.0.4"})

    async with serving({"/targets": listing, "/metrics": metrics}) as server:
        where = address(server)
        loaded = load(builders.write(tmp_path, main=MAIN.replace("ADDRESS", where)))
        specs = [spec for policy in loaded.policies.values() for spec in policy.spec.signals]
        (source,) = scrape_sources(loaded.settings, specs, SystemClock())
        try:
            async with asyncio.timeout(10):
                status = await _first(source)
        finally:
            await source.close()

    assert (status.region, status.up, status.target) == (RegionId("cn-a-1"), True, f"http://{where}/metrics")
    assert {metric: list(column.values) for metric, column in status.columns.items()} == {"rps": [7.0]}
    assert lists[0].headers["Authorization"] == "Basic " + b64encode(b"sd:for-the-list").decode()
    sent = scrapes[0].headers
    assert sent["Authorization"] == "Bearer for-targets"
    assert sent.getall("Accept-Encoding") == ["identity"]
    assert sent["X-Prometheus-Scrape-Timeout-Seconds"] == "3"


async def _first(source: scrape.ScrapeSource) -> TargetStatus:
    while True:
        for status in (await source.collect()).targets:
            return status
