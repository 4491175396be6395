"""Where the rounds take place: a cloud, a demand that is set by hand, and one ledger that outlives every daemon.

A nursery and a folder come in; daemons that start on the folder's ledger, and both sides' books, go out. Cloud and
demand are HTTP servers on the test's own event loop.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

from aiohttp import web

from autoscaler.clock import SystemClock
from autoscaler.ledger.sqlite import SqliteLedger
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order, OrderEvent
from autoscaler.simulator.scenario import RegionScenario, Scenario
from autoscaler.simulator.server import Simulator
from tests.integration.kills.forks import Fork, Nursery
from tests.integration.kills.wire import wire
from tests.integration.servers import free_port

REGIONS = tuple(RegionId(name) for name in ("cn-beijing-cmcc-2", "cn-chengdu-cmcc", "cn-xian-unicom"))
PER_NODE = 100
"""Requests per second that a node is to carry."""
SETTLE_AFTER = 1
"""Seconds; no call of these rounds is held by the simulator for half as long."""
_CLUSTER = "c82e6987e2961451182edacd74faf0000"
_MUCH = 100_000

_CONFIG = Template("""\
alibaba:
  region: cn-hangzhou
  cs_endpoint: $simulator
  ens_endpoint: $simulator
  allow_http: true
  timeout: 800ms
  credentials: { type: access_key, access_key_id: simulated-key, access_key_secret: simulated-secret }
scrape_configs:
  - job_name: edge
    scrape_interval: 150ms
    static_configs:
$targets
policies: policies
ledger: { path: ledger.db }
loop: { interval: 200ms, coalesce: 10ms }
executor:
  purchases: { per_minute: 6000, burst: 20, concurrency: 4 }
  reads: { per_second: 500, burst: 500 }
  backoff: { first: 100ms, longest: 500ms }
  settle_after: ${settle_after}ms
  poll_interval: 120ms
  node_deadline: 60s
  capacity_max_age: 3s
log: { format: json, level: info }
""")
_TARGET = "      - targets: ['$page']\n        labels: { ens_region_id: $region, __metrics_path__: /demand/$region }\n"
_FLEET = """\
apiVersion: autoscaler/v1
kind: Fleet
metadata: { name: kills }
spec:
  clusters: [{ clusterId: %s, template: tiny, regions: [%s] }]
---
apiVersion: autoscaler/v1
kind: NodeTemplate
metadata: { name: tiny }
spec:
  worker_instance_type: ens.sn1.tiny
  worker_image_id: centos_7_06_64_20G_alibase_20190101
  ens_internet_charge_type: BandwidthByDay
  worker_period: 1
  login_password: Simulated-2026
  worker_system_disk_size: 40
  worker_data_disk_size: 0
---
apiVersion: autoscaler/v1
kind: ScalingPolicy
metadata: { name: kills }
spec:
  regions: ["cn-*"]
  minNodes: 1
  maxNodes: 5000
  signals:
    - name: requests
      scrape: { job: edge, metric: edge_requests_per_second, reduce: sum }
      maxAgeSeconds: 5
      minCoverage: 1
  rules:
    - type: TargetTracking
      signal: requests
      target: { type: AverageValue, value: %d }
      tolerance: 0
  behavior:
    scaleUp: { cooldownSeconds: 0, failureBackoffSeconds: 0 }
"""


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger says at one moment, oldest order first."""

    orders: Sequence[Order]
    histories: Mapping[str, Sequence[OrderEvent]]


class Ground:
    """One cloud, one ledger, and at most one daemon at a time. `wanted` is what the demand has asked for so far."""

    def __init__(self, home: Nursery, folder: Path, simulator: Simulator, api: int, page: int, plant: str) -> None:
        self.books = simulator.books
        self.faults = simulator.faults
        self.wanted = dict.fromkeys(REGIONS, 0)
        self._home = home
        self._plant = plant
        self._port = free_port()
        self._folder = folder
        self._started = 0
        self.ledger = folder / "ledger.db"
        targets = "".join(Template(_TARGET).substitute(page=f"127.0.0.1:{page}", region=region) for region in REGIONS)
        config = _CONFIG.substitute(
            simulator=f"http://127.0.0.1:{api}", targets=targets, settle_after=SETTLE_AFTER * 1000
        )
        (folder / "autoscaler.yaml").write_text(config, encoding="utf-8")
        (folder / "policies").mkdir()
        fleet = _FLEET % (_CLUSTER, ", ".join(REGIONS), PER_NODE)
        (folder / "policies" / "fleet.yaml").write_text(fleet, encoding="utf-8")

    async def daemon(self) -> Fork:
        """Start a daemon on the ledger that the last one has left."""
        self._started += 1
        log = self._folder / f"daemon-{self._started:04d}.log"
        return await self._home.daemon(self._folder / "autoscaler.yaml", log, self._port, self._plant)

    def raise_demand(self, rises: Mapping[RegionId, int]) -> None:
        """Let each region need that many nodes more, from the next scrape on."""
        for region, nodes in rises.items():
            self.wanted[region] += nodes

    def demand(self, region: RegionId) -> int:
        """Requests per second that the region is sent: full load for the node it began with and all it needs."""
        return PER_NODE * (1 + self.wanted[region])

    async def settled(self) -> bool:
        """Whether no order is open."""
        ledger = await SqliteLedger.connect(self.ledger, read_only=True)
        try:
            return not await ledger.open()
        finally:
            await ledger.close()

    async def account(self, since: float = 0.0) -> Account:
        """All orders, and the histories of those that were made at or after `since` (Unix seconds)."""
        ledger = await SqliteLedger.connect(self.ledger, read_only=True)
        try:
            orders = tuple(reversed(await ledger.all(_MUCH)))
            recent = [order.id for order in orders if order.created_at >= since]
            return Account(orders, {order: await ledger.history(order) for order in recent})
        finally:
            await ledger.close()


@asynccontextmanager
async def ground(home: Nursery, folder: Path, scene: Mapping[str, object], plant: str = "") -> AsyncIterator[Ground]:
    """Cloud and demand, both listening. `scene` are fields of the Scenario; every daemon gets the bug `plant`."""
    regions = [RegionScenario(region=region, initial_nodes=1, stock=_MUCH) for region in REGIONS]
    usual = {"task_seconds": 0.1, "join_seconds": 0.1, "node_quota": _MUCH}
    simulator = Simulator(
        Scenario.model_validate({"regions": regions, "cluster_id": _CLUSTER, **usual, **scene}), SystemClock()
    )
    await simulator.start()
    host, _, port = simulator.address.rpartition(":")
    page = free_port()
    try:
        async with wire(host, int(port)) as api:
            made = Ground(home, folder, simulator, api, page, plant)
            async with _demand_page(made, page):
                yield made
    finally:
        await simulator.stop()


@asynccontextmanager
async def _demand_page(ground: Ground, port: int) -> AsyncIterator[None]:
    """One page for each region, as its edge gateway would have it."""

    async def demand(request: web.Request) -> web.Response:
        return web.Response(text=f"edge_requests_per_second {ground.demand(RegionId(request.match_info['region']))}\n")

    app = web.Application()
    app.router.add_get("/demand/{region}", demand)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()
