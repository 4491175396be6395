"""The daemon's own page at fleet scale, as real tools of Prometheus read it."""

import asyncio
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prometheus_client import CollectorRegistry, generate_latest

from autoscaler.model.decision import Decision, Plan, Vote
from autoscaler.model.events import PlanMade, WaveArrived
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal, TargetStatus, Wave
from autoscaler.telemetry.metrics import MetricsObserver
from autoscaler.web.server import WebServer
from tests.integration.servers import prometheus, wait_until
from tests.integration.test_alert_rules import NothingDecided

AT = 1_700_000_000.5
REGIONS = tuple(RegionId(f"cn-region-{n:04}-cmcc") for n in range(1000))


def told() -> MetricsObserver:
    """What a tick of 1,000 regions and a wave leave."""
    observer = MetricsObserver(CollectorRegistry(), "1.2.3")

    def decided(number: int, region: RegionId) -> Decision:
        signals = (Signal(region, "cpu", number / 7, AT - 3, 3, 4), Signal(region, "rps", 1e9 + number, AT, 4, 4))
        return Decision(region, "default", AT, None, 1, signals, (Vote("track", 2, Reason.ABOVE_TARGET),), (), number)

    decisions = tuple(decided(number, region) for number, region in enumerate(REGIONS))
    observer.notice(PlanMade(Plan(1, AT, decisions), 0.001))
    target = TargetStatus("t", REGIONS[0], up=False, reason=Reason.TIMED_OUT)
    observer.notice(WaveArrived(Wave("nodes", AT, 0.1, (target,))))
    return observer


async def test_promtool_has_nothing_to_say_about_the_page() -> None:
    path = shutil.which("promtool")
    assert path, "promtool is not installed: apt-get install prometheus"
    page = await told().page.render(generate_latest)
    done = await asyncio.to_thread(
        subprocess.run, [path, "check", "metrics"], input=page, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


async def test_a_real_prometheus_stores_every_region_and_the_very_values(tmp_path: Path) -> None:
    """It asks for OpenMetrics and gzip."""
    server = WebServer(NothingDecided(), told().page, host="127.0.0.1", port=0, version="1.2.3")
    await server.start()
    job = {"job_name": "autoscaler", "static_configs": [{"targets": [server.url.removeprefix("http://")]}]}

    def watch() -> None:
        with prometheus(tmp_path, {"scrape_configs": [job]}) as real:

            def asked(query: str) -> dict[str, float]:
                answer: Any = real.get_json(f"/api/v1/query?query={quote(query)}")
                found = answer["data"]["result"]
                return {one["metric"].get("region", ""): float(one["value"][1]) for one in found}

            wait_until(lambda: len(asked("autoscaler_desired_nodes")) == len(REGIONS), "all regions are stored", 30.0)
            assert asked("autoscaler_desired_nodes") == {region: number for number, region in enumerate(REGIONS)}
            assert asked('autoscaler_signal_value{signal="rps"}')[REGIONS[9]] == 1e9 + 9
            assert asked("autoscaler_decision_timestamp_seconds")[REGIONS[9]] == AT

    try:
        await asyncio.to_thread(watch)
    finally:
        await server.stop()
