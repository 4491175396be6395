"""Scenarios, bodies and signed calls for the tests of the simulator."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import aiohttp
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from autoscaler.simulator.clock import VirtualClock
from autoscaler.simulator.records import ScaleOutBody
from autoscaler.simulator.region_scenario import PoolScenario
from autoscaler.simulator.scenario import RegionScenario, Scenario
from autoscaler.simulator.server import Simulator

Samples = dict[tuple[str, ...], float]

START = 1_790_000_000.0
NEAR, FAR = "cn-beijing-cmcc-2", "cn-suzhou-telecom"
CLUSTER = "c0123456789abcdef0123456789abcdef"
_NONCES = count()


def region(name: str = NEAR, **fields: Any) -> RegionScenario:
    return RegionScenario.model_validate({"region": name, "initial_nodes": 2, "stock": 5, **fields})


def scenario(*regions: RegionScenario, **fields: Any) -> Scenario:
    return Scenario(regions=regions or (region(), region(FAR)), **fields)


def body(**changes: Any) -> dict[str, Any]:
    whole = {
        "count": 2,
        "worker_instance_type": "ens.sn1.tiny",
        "ens_region_id": NEAR,
        "worker_image_id": "m-2QVLO2T8NYgm8CNQVg",
        "ens_internet_charge_type": "BandwidthByDay",
        "worker_period": 1,
        "login_password": "Hello1234!",
        "worker_system_disk_size": 40,
        "is_edge_worker": True,
        "worker_data_disk_size": 0,
        "worker_auto_renew": True,
        "worker_auto_renew_period": 1,
        "timeout_mins": 60,
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def pools(**fields: Any) -> tuple[PoolScenario, PoolScenario]:
    """One pool of each product, both in NEAR."""
    cs = {"id": "np-cs", "region": NEAR, "product": "cs", "initial_nodes": 1, **fields}
    ens = {"id": "np-ens", "region": NEAR, "product": "ens", "initial_nodes": 1, **fields}
    return PoolScenario.model_validate(cs), PoolScenario.model_validate(ens)


def purchase(nodes: int, name: str = NEAR, instance_type: str = "ens.sn1.tiny", **fields: Any) -> ScaleOutBody:
    """A valid order for `nodes` machines."""
    return ScaleOutBody(CLUSTER, name, instance_type, nodes, "m-1", 40, 0, **{"period": 1, **fields})


def text_samples(page: str) -> Samples:
    """(name, label values...) -> value, by the text format's own parser."""
    return _samples(parse_text(page))


def openmetrics_samples(page: str) -> Samples:
    """The same by the OpenMetrics parser, which refuses what the standard forbids."""
    return _samples(parse_openmetrics(page))  # type: ignore[no-untyped-call]  # the library leaves it untyped


def _samples(families: Iterable[Metric]) -> Samples:
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Caller:
    """Signs on its own and calls a simulator that it starts and stops."""

    def __init__(self, given: Scenario, clock: VirtualClock | None = None, speed: float = 1.0) -> None:
        self.clock = clock or VirtualClock(START)
        self.simulator = Simulator(given, self.clock, speed)
        self.secret = given.access_key_secret.get_secret_value()

    async def __aenter__(self) -> Self:
        await self.simulator.start()
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        await self.simulator.stop()

    async def buy(self, **changes: Any) -> Answer:
        path = f"/api/v2/clusters/{self.simulator.scenario.cluster_id}"
        return await self.send("POST", path, "ScaleOutCluster", "2015-12-15", content=json.dumps(body(**changes)))

    async def cs(self, action: str, path: str, **query: str) -> Answer:
        return await self.send("GET", path, action, "2015-12-15", query)

    async def nodes(self, **query: str) -> Answer:
        path = f"/clusters/{self.simulator.scenario.cluster_id}/nodes"
        return await self.cs("DescribeClusterNodes", path, **query)

    async def tasks(self, **query: str) -> Answer:
        path = f"/clusters/{self.simulator.scenario.cluster_id}/tasks"
        return await self.cs("DescribeClusterTasks", path, **query)

    async def task(self, task: str) -> Answer:
        return await self.cs("DescribeTaskInfo", f"/tasks/{task}")

    async def write(self, method: str, action: str, path: str, content: Any) -> Answer:
        """A CS call with a JSON body; `path` begins after the cluster."""
        whole = f"/clusters/{self.simulator.scenario.cluster_id}{path}"
        return await self.send(method, whole, action, "2015-12-15", content=json.dumps(content))

    async def add_to_pool(self, count: Any, pool: str = "np-cs") -> Answer:
        return await self.write("POST", "ScaleClusterNodePool", f"/nodepools/{pool}", {"count": count})

    async def size_pool(self, size: Any, pool: str = "np-cs") -> Answer:
        content = {"scaling_group": {"desired_size": size}}
        return await self.write("PUT", "ModifyClusterNodePool", f"/nodepools/{pool}", content)

    async def pool(self, pool: str = "np-cs") -> Answer:
        path = f"/clusters/{self.simulator.scenario.cluster_id}/nodepools/{pool}"
        return await self.cs("DescribeClusterNodePoolDetail", path)

    async def events(self, **query: str) -> Answer:
        path = f"/clusters/{self.simulator.scenario.cluster_id}/events"
        return await self.cs("DescribeClusterEvents", path, **query)

    async def books(self) -> Any:
        return (await self.get("/_simulator/books")).json

    async def ens(self, action: str, method: str = "POST", **query: str) -> Answer:
        return await self.send(method, "/", action, "2017-11-10", query)

    async def send(
        self,
        method: str,
        path: str,
        action: str,
        version: str,
        query: Mapping[str, str] | None = None,
        content: str = "",
    ) -> Answer:
        return await self.send_signed(
            method, path, query, content, self.signed(method, path, action, version, query, content)
        )

    async def send_signed(
        self, method: str, path: str, query: Mapping[str, str] | None, content: str, headers: Mapping[str, str]
    ) -> Answer:
        url = f"{self.simulator.url}{path}" + (f"?{urlencode(query)}" if query else "")
        async with self._session.request(method, url, data=content.encode() or None, headers=headers) as answer:
            return Answer(answer.status, await answer.text(), answer.headers)

    async def get(self, path: str, accept: str = "") -> Answer:
        async with self._session.get(f"{self.simulator.url}{path}", headers={"Accept": accept}) as answer:
            return Answer(answer.status, await answer.text(), answer.headers)

    async def post(self, path: str, content: str) -> Answer:
        async with self._session.post(f"{self.simulator.url}{path}", data=content) as answer:
            return Answer(answer.status, await answer.text(), answer.headers)

    def signed(
        self, method: str, path: str, action: str, version: str, query: Mapping[str, str] | None, content: str
    ) -> dict[str, str]:
        digest = hashlib.sha256(content.encode()).hexdigest()
        headers = {
            "host": self.simulator.address,
            "x-acs-action": action,
            "x-acs-content-sha256": digest,
            "x-acs-date": datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": f"nonce-{next(_NONCES)}",
            "x-acs-version": version,
        }
        if content:
            headers["content-type"] = "application/json; charset=utf-8"
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        pairs = "&".join(f"{key}={quote(value, safe='~')}" for key, value in sorted((query or {}).items()))
        canonical = f"{method}\n{path}\n{pairs}\n{lines}\n{names}\n{digest}"
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        key = self.simulator.scenario.access_key_id
        headers["Authorization"] = f"ACS3-HMAC-SHA256 Credential={key},SignedHeaders={names},Signature={signature}"
        return headers
