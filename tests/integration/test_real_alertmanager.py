"""A real Alertmanager drives the alert source: what it posts becomes a signal, and ends when it says so."""

import asyncio
import datetime as dt
import json
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from autoscaler.clock import SystemClock
from autoscaler.loop.bell import Bell
from autoscaler.loop.collect import collect_forever
from autoscaler.loop.signals import SignalBoard
from autoscaler.model.events import Event
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.settings.alertmanager import AlertReceiver
from autoscaler.settings.web_tls import TlsServer
from autoscaler.sources.alerts import AlertSource
from autoscaler.web.alerts import POSTS, AlertPage
from autoscaler.web.server import WebServer
from tests.integration.servers import RealServer, alertmanager, wait_until
from tests.unit.policy import builders
from tests.unit.web.client_certificates import Authority
from tests.unit.web.test_alert_page import Quiet

LABEL = "ens_region_id"
REGION, OTHER = RegionId("cn-beijing-cmcc-2"), RegionId("cn-wuxi-telecom-4")
POLICY = builders.policy(
    signals=[{"name": "rps", "alert": {"receiver": "edge", "alertname": "EdgeBusy", "matchLabels": {"tier": "web"}}}]
)
AT_ONCE = {"group_wait": "0s", "group_interval": "1s", "group_by": ["alertname"]}
WITHIN = 15.0


class Deaf:
    """An observer that does not listen."""

    def notice(self, event: Event) -> None: ...


@dataclass(frozen=True)
class Intake:
    """The daemon's side: a web server, the source behind it, and the board that its waves are posted to."""

    url: str
    board: SignalBoard
    registry: CollectorRegistry

    def signal(self, region: RegionId = REGION) -> Signal | None:
        """What the policy's signal says of a region."""
        return self.board.signals(POLICY, region).get("rps")

    async def until(self, check: Callable[[Signal | None], bool], what: str, region: RegionId = REGION) -> Signal:
        """The region's signal once it is so."""
        await asyncio.to_thread(wait_until, lambda: check(self.signal(region)), what, WITHIN)
        signal = self.signal(region)
        assert signal is not None
        return signal

    def posts(self, outcome: str) -> float:
        """How many of Alertmanager's posts ended so."""
        return self.registry.get_sample_value(POSTS, {"receiver": "edge", "outcome": outcome}) or 0.0


@asynccontextmanager
async def intake(tls: TlsServer | None = None, **settings: object) -> AsyncIterator[Intake]:
    clock, registry, quiet = SystemClock(), CollectorRegistry(), Quiet()
    receiver = AlertReceiver.model_validate({"name": "edge", **settings})
    board = SignalBoard({REGION: POLICY, OTHER: POLICY})
    source = AlertSource(receiver, region_label=LABEL, clock=clock)
    page = AlertPage([(receiver, source)], registry)
    server = WebServer(quiet, quiet, host="127.0.0.1", port=0, version="1", alerts=page, tls=tls)
    collecting = asyncio.create_task(collect_forever(source, board, Bell(clock, 0.05), clock, Deaf()))
    try:
        await server.start()
        yield Intake(f"{server.url}/api/v1/alerts/edge", board, registry)
    finally:
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
        await server.stop()
        await source.close()


@asynccontextmanager
async def driven(
    folder: Path, to: Intake, repeat_interval: str = "1h", **http_config: Any
) -> AsyncIterator[RealServer]:
    """An Alertmanager that posts to the intake."""
    webhook = {"url": to.url, "send_resolved": True, "http_config": http_config}
    async with AsyncExitStack() as stack:
        manager = alertmanager(folder, {"webhook_configs": [webhook]}, {**AT_ONCE, "repeat_interval": repeat_interval})
        server = await asyncio.to_thread(manager.__enter__)
        stack.push_async_callback(asyncio.to_thread, manager.__exit__, None, None, None)
        yield server


def time_ago(seconds: float) -> str:
    return (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)).isoformat()


async def tell(server: RealServer, *alerts: Mapping[str, object]) -> None:
    """Give alerts to Alertmanager, as Prometheus does (API v2)."""
    request = urllib.request.Request(  # noqa: S310  # our own server
        f"{server.url}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
    )

    def send() -> int:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  # as above
            return int(answer.status)

    assert await asyncio.to_thread(send) == 200


def busy(region: RegionId | None = REGION, node: str = "n1", **times: str) -> dict[str, object]:
    place = {} if region is None else {LABEL: region}
    return {"labels": {"alertname": "EdgeBusy", "tier": "web", "node": node, **place}, **times}


def token_file(folder: Path, text: str = "s3cret") -> Path:
    path = folder / "token"
    path.write_text(text + "\n", encoding="utf-8")
    return path


def bearer(path: Path) -> dict[str, Any]:
    return {"authorization": {"type": "Bearer", "credentials_file": str(path)}}


async def test_alerts_are_a_signal_from_when_they_fire_until_they_are_resolved(tmp_path: Path) -> None:
    token = token_file(tmp_path)
    async with intake(bearer_token_file=token) as ours, driven(tmp_path, ours, **bearer(token)) as server:
        assert ours.signal() is None
        await tell(server, busy(), busy(node="n2"), busy(OTHER), {"labels": {"alertname": "Else", LABEL: REGION}})
        firing = await ours.until(lambda one: one is not None and one.value == 2.0, "both alerts fire")
        assert (firing.reason, firing.coverage) == (Reason.UP, 1.0)
        assert firing.at is not None
        assert abs(firing.at - SystemClock().now()) < WITHIN
        await ours.until(lambda one: one is not None and one.value == 1.0, "the other region's fires", OTHER)
        began = time_ago(60)
        await tell(server, busy(node="n2", startsAt=began, endsAt=time_ago(0)))
        await ours.until(lambda one: one is not None and one.value == 1.0, "one of them is resolved")
        await tell(server, busy(startsAt=began, endsAt=time_ago(0)))
        ended = await ours.until(lambda one: one is not None and one.value is None, "the last one is resolved")
        assert ended.reason is Reason.SERIES_ABSENT
        other = ours.signal(OTHER)
        assert other is not None
        assert other.value == 1.0
    assert (ours.posts("taken") >= 2, ours.posts("unauthorized"), ours.posts("malformed")) == (True, 0, 0)


async def test_repeated_notifications_keep_an_alert_young_and_silence_ends_it(tmp_path: Path) -> None:
    token = token_file(tmp_path)
    async with intake(bearer_token_file=token, expires_after="4s") as ours:
        async with driven(tmp_path, ours, repeat_interval="1s", **bearer(token)) as server:
            await tell(server, busy())
            first = await ours.until(lambda one: one is not None and one.value == 1.0, "the alert fires")
            heard = first.at
            assert heard is not None
            later = await ours.until(lambda one: one is not None and (one.at or 0.0) > heard, "it is heard of again")
            assert later.value == 1.0
        expired = await ours.until(lambda one: one is not None and one.value is None, "it expires, unheard of")
    assert expired.reason is Reason.ALERTS_EXPIRED


async def test_a_wrong_token_is_refused_and_nothing_fires(tmp_path: Path) -> None:
    async with intake(bearer_token="s3cret") as ours:  # noqa: SIM117  # the second needs the first
        async with driven(tmp_path, ours, **bearer(token_file(tmp_path, "guess"))) as server:
            await tell(server, busy())
            await asyncio.to_thread(wait_until, lambda: ours.posts("unauthorized") > 0, "the post is refused", WITHIN)
    assert (ours.signal(), ours.posts("taken")) == (None, 0)


async def test_an_alert_without_a_region_is_refused_and_its_neighbour_fires(tmp_path: Path) -> None:
    token = token_file(tmp_path)
    async with intake(bearer_token_file=token) as ours, driven(tmp_path, ours, **bearer(token)) as server:
        await tell(server, busy(), busy(None))
        await ours.until(lambda one: one is not None and one.value == 1.0, "the alert with a region fires")
        await asyncio.to_thread(wait_until, lambda: ours.posts("malformed") > 0, "the other is refused", WITHIN)


async def test_alertmanager_proves_itself_by_a_client_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ours")
    cert_file, key_file = authority.issue("server")
    client_cert, client_key = authority.issue("alertmanager")
    tls = TlsServer(cert_file=cert_file, key_file=key_file, client_ca_file=authority.ca_file)
    shown = {"ca_file": str(authority.ca_file), "cert_file": str(client_cert), "key_file": str(client_key)}
    async with intake(tls) as ours, driven(tmp_path, ours, tls_config=shown) as server:
        assert ours.url.startswith("https://")
        await tell(server, busy())
        await ours.until(lambda one: one is not None and one.value == 1.0, "the alert fires")
    assert ours.posts("unauthorized") == 0
