"""Our client and the vendor's SDK, asked for the same, send the same; and the official algorithm signs ours alike.

A server records what each of them sends: method, path, query, body and headers.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from alibabacloud_cs20151215 import models as cs_models
from alibabacloud_cs20151215.client import Client as CsClient
from alibabacloud_ens20171110 import models as ens_models
from alibabacloud_ens20171110.client import Client as EnsClient
from alibabacloud_tea_openapi.utils import Utils
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions
from pydantic import SecretStr

from autoscaler.clock import SystemClock
from autoscaler.cloud.client import AlibabaCloud
from autoscaler.cloud.credentials import Credentials
from autoscaler.model.names import ClusterId, NodePoolId, TaskId
from autoscaler.model.operation import Delta, Total
from tests.unit.cloud import servers
from tests.unit.cloud.servers import CLUSTER, OPERATION, PASSWORD, REGION

# The vendor's SDK asks for the time in a way that Python 3.12 and newer deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
KEY, SECRET = "testid", "testsecret"
TASK = TaskId("T-5a54309c80282e39ea00002f")
ANSWER: Mapping[str, Any] = {
    "cluster_id": CLUSTER,
    "task_id": TASK,
    "request_id": "687C5BAA-D103-4993-884B-C35E4314A1E1",
    "state": "running",
    "task_type": "cluster_scaleout",
    "tasks": [],
    "page_info": {"total_count": 0},
    "nodes": [],
    "page": {"total_count": 0},
    "Instances": {"Instance": []},
    "TotalCount": 0,
    "RequestId": "687C5BAA-D103-4993-884B-C35E4314A1E1",
    "status": {"total_nodes": 1},
    "NodePools": [{"NodepoolInfo": {"NodepoolId": "np1"}, "Status": {"TotalNodes": 1}}],
    "Page": {"TotalCount": 1},
    "AvaliableCount": 1,
    "PriceInfo": {"Price": {"TradePrice": 1.0}},
}
# Ids without stars: how a masked id is escaped in a path is not what is compared here.
CS_SCALE, CS_MODIFY, ENS_SCALE = (
    replace(operation, cluster=ClusterId("c1"), pool=NodePoolId("np1"))
    for operation in (servers.CS_SCALE, servers.CS_MODIFY, servers.ENS_SCALE)
)
EDGE_BODY: Mapping[str, Any] = {
    "count": 3,
    "worker_instance_type": OPERATION.worker_instance_type,
    "ens_region_id": REGION,
    "worker_image_id": OPERATION.worker_image_id,
    "ens_internet_charge_type": "BandwidthByDay",
    "worker_period": 1,
    "login_password": PASSWORD,
    "worker_system_disk_size": 20,
    "is_edge_worker": True,
    "worker_data_disk_size": 0,
    "worker_auto_renew": True,
    "worker_auto_renew_period": 1,
    "timeout_mins": 60,
}


@dataclass(frozen=True)
class Sent:
    """One request as it arrived."""

    method: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Recorder:
    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.address = ""

    async def handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        path = request.raw_path.partition("?")[0]
        self.sent.append(Sent(request.method, path, dict(request.query), headers, await request.read()))
        return web.json_response(ANSWER)

    async def of(self, call: Callable[[], Awaitable[object]]) -> Sent:
        before = len(self.sent)
        with suppress(AttributeError):  # the SDK may miss fields in the short answer; the request has left by then
            await call()
        assert len(self.sent) == before + 1
        return self.sent[-1]


class Given:
    async def get(self) -> Credentials:
        return Credentials(KEY, SecretStr(SECRET))


@pytest.fixture
async def recorder(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Recorder]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)  # the SDK honours these and not their exceptions
    made = Recorder()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.address = "127.0.0.1:" + str(runner.addresses[0][1])
    yield made
    await runner.cleanup()


@pytest.fixture
async def ours(recorder: Recorder) -> AsyncIterator[AlibabaCloud]:
    nonces = iter(f"{number:032x}" for number in range(100))
    url = f"http://{recorder.address}"
    client = AlibabaCloud(
        url, url, Given(), lambda _: SecretStr(PASSWORD), SystemClock(), lambda: next(nonces), timeout=5
    )
    yield client
    await client.close()


def config(recorder: Recorder) -> Config:
    return Config(access_key_id=KEY, access_key_secret=SECRET, endpoint=recorder.address, protocol="HTTP")


def signed_alike(sent: Sent) -> None:
    """The official algorithm, given what arrived, computes the Authorization that arrived."""
    names = sent.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = SimpleNamespace(
        method=sent.method,
        pathname=sent.raw_path,
        query=dict(sent.query),
        headers={name: sent.headers[name] for name in names},
    )
    digest = hashlib.sha256(sent.body).hexdigest()
    expected = Utils.get_authorization(request, "ACS3-HMAC-SHA256", digest, KEY, SECRET)
    assert sent.headers["authorization"] == expected
    assert sent.headers["x-acs-content-sha256"] == digest


def same(official: Sent, our: Sent) -> None:
    assert (our.method, our.raw_path) == (official.method, official.raw_path)
    assert dict(our.query) == dict(official.query)
    for name in ("x-acs-action", "x-acs-version", "accept"):
        assert our.headers[name] == official.headers[name]
    signed_alike(official)
    signed_alike(our)


async def test_scale_out_cluster_with_all_thirteen_fields(recorder: Recorder, ours: AlibabaCloud) -> None:
    params = Params(
        action="ScaleOutCluster",
        version="2015-12-15",
        protocol="HTTPS",
        pathname="/api/v2/clusters/c1",
        method="POST",
        auth_type="AK",
        style="ROA",
        req_body_type="json",
        body_type="json",
    )
    client: Any = CsClient(config(recorder))
    official = await recorder.of(
        lambda: client.call_api_async(params, OpenApiRequest(body=dict(EDGE_BODY)), RuntimeOptions())
    )
    our = await recorder.of(lambda: ours.purchase(replace(OPERATION, cluster=ClusterId("c1")), Delta(3)))

    same(official, our)
    assert json.loads(our.body) == json.loads(official.body) == EDGE_BODY
    assert len(EDGE_BODY) == 13
    assert our.headers["content-type"] == official.headers["content-type"]


async def test_describe_task_info(recorder: Recorder, ours: AlibabaCloud) -> None:
    client: Any = CsClient(config(recorder))
    official = await recorder.of(lambda: client.describe_task_info_async(TASK))
    same(official, await recorder.of(lambda: ours.task(TASK)))


async def test_describe_cluster_tasks(recorder: Recorder, ours: AlibabaCloud) -> None:
    client: Any = CsClient(config(recorder))
    asked = cs_models.DescribeClusterTasksRequest(page_number=1, page_size=100)
    official = await recorder.of(lambda: client.describe_cluster_tasks_async("c1", asked))
    same(official, await recorder.of(lambda: ours.tasks(ClusterId("c1"), 0.0)))


async def test_describe_cluster_nodes(recorder: Recorder, ours: AlibabaCloud) -> None:
    client: Any = CsClient(config(recorder))
    asked = cs_models.DescribeClusterNodesRequest(page_number="1", page_size="100", state="all")
    official = await recorder.of(lambda: client.describe_cluster_nodes_async("c1", asked))
    same(official, await recorder.of(lambda: ours.nodes(ClusterId("c1"))))


async def test_ens_describe_instances(recorder: Recorder, ours: AlibabaCloud) -> None:
    client: Any = EnsClient(config(recorder))
    regions = json.dumps([REGION])
    asked = ens_models.DescribeInstancesRequest(ens_region_ids=regions, page_number="1", page_size="100")
    official = await recorder.of(lambda: client.describe_instances_async(asked))
    same(official, await recorder.of(lambda: ours.instances([REGION])))


async def test_cs_scale_cluster_node_pool(recorder: Recorder, ours: AlibabaCloud) -> None:
    client: Any = CsClient(config(recorder))
    asked = cs_models.ScaleClusterNodePoolRequest(count=3)
    official = await recorder.of(lambda: client.scale_cluster_node_pool_async("c1", "np1", asked))
    our = await recorder.of(lambda: ours.purchase(CS_SCALE, Delta(3)))
    same(official, our)
    assert our.body == official.body == b'{"count":3}'
    assert our.headers["content-type"] == official.headers["content-type"]


async def test_cs_modify_cluster_node_pool_without_the_empty_lists_of_the_sdk(
    recorder: Recorder, ours: AlibabaCloud
) -> None:
    client: Any = CsClient(config(recorder))
    asked = cs_models.ModifyClusterNodePoolRequest(
        scaling_group=cs_models.ModifyClusterNodePoolRequestScalingGroup(desired_size=8)
    )
    official = await recorder.of(lambda: client.modify_cluster_node_pool_async("c1", "np1", asked))
    our = await recorder.of(lambda: ours.purchase(CS_MODIFY, Total(8)))
    same(official, our)
    assert our.headers["content-type"] == official.headers["content-type"]
    # The SDK's model sends `tags: []`, `data_disks: []` and more beside the size; we touch nothing but the size.
    wanted = {name: value for name, value in json.loads(official.body)["scaling_group"].items() if value != []}
    assert json.loads(our.body) == {"scaling_group": wanted} == {"scaling_group": {"desired_size": 8}}


async def test_cs_describe_cluster_node_pool_detail(recorder: Recorder, ours: AlibabaCloud) -> None:
    client: Any = CsClient(config(recorder))
    official = await recorder.of(lambda: client.describe_cluster_node_pool_detail_async("c1", "np1"))
    same(official, await recorder.of(lambda: ours.pool(CS_MODIFY)))


async def test_ens_scale_cluster_node_pool(recorder: Recorder, ours: AlibabaCloud) -> None:
    client: Any = EnsClient(config(recorder))
    asked = ens_models.ScaleClusterNodePoolRequest(
        body=ens_models.ScaleClusterNodePoolRequestBody(count=8), cluster_id="c1", nodepool_id="np1"
    )
    official = await recorder.of(lambda: client.scale_cluster_node_pool_async(asked))
    our = await recorder.of(lambda: ours.purchase(ENS_SCALE, Total(8)))
    same(official, our)
    assert our.body == official.body == b""


async def test_ens_describe_cluster_node_pools(recorder: Recorder, ours: AlibabaCloud) -> None:
    client: Any = EnsClient(config(recorder))
    asked = ens_models.DescribeClusterNodePoolsRequest(cluster_id="c1", page_number=1, page_size=100)
    official = await recorder.of(lambda: client.describe_cluster_node_pools_async(asked))
    same(official, await recorder.of(lambda: ours.pool(ENS_SCALE)))


async def test_ens_describe_pre_paid_instance_stock(recorder: Recorder, ours: AlibabaCloud) -> None:
    client: Any = EnsClient(config(recorder))
    asked = ens_models.DescribePrePaidInstanceStockRequest(
        ens_region_id=REGION, instance_spec="ens.sn1.tiny", system_disk_size=20, data_disk_size=40
    )
    official = await recorder.of(lambda: client.describe_pre_paid_instance_stock_async(asked))
    same(official, await recorder.of(lambda: ours.stock(CS_SCALE)))


@pytest.mark.parametrize("data_disk", [0, 40])
async def test_ens_describe_price(recorder: Recorder, ours: AlibabaCloud, data_disk: int) -> None:
    client: Any = EnsClient(config(recorder))
    asked = ens_models.DescribePriceRequest(
        ens_region_id=REGION,
        instance_type="ens.sn1.tiny",
        internet_charge_type="BandwidthByDay",
        period=3,
        period_unit="Month",
        quantity=4,
        system_disk=ens_models.DescribePriceRequestSystemDisk(size=20),
        data_disk=[ens_models.DescribePriceRequestDataDisk(size=data_disk)] if data_disk else None,
    )
    official = await recorder.of(lambda: client.describe_price_async(asked))
    operation = replace(CS_SCALE, worker_data_disk_size=data_disk)
    same(official, await recorder.of(lambda: ours.price(operation, 4)))
