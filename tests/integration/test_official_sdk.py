"""The vendor's own SDK talks to the simulator: what it signs is accepted, what it is answered it understands.

The SDK stamps its requests with the machine's clock, so the simulation starts at the present moment.
"""

import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest
from alibabacloud_cs20151215 import models as cs_models
from alibabacloud_cs20151215.client import Client as CsClient
from alibabacloud_ens20171110 import models as ens_models
from alibabacloud_ens20171110.client import Client as EnsClient
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.exceptions import UnretryableException
from darabonba.runtime import RuntimeOptions

from autoscaler.simulator.clock import VirtualClock
from autoscaler.simulator.region_scenario import InstanceType, PoolScenario, TypeStock
from autoscaler.simulator.scenario import RegionScenario, Scenario
from autoscaler.simulator.server import Simulator

# The vendor's SDK asks for the time in a way that Python 3.12 and newer deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
NEAR, FAR = "cn-beijing-cmcc-2", "cn-suzhou-telecom"
SMALL, ECK = "ens.sn1.small", "eck-0123456789"
KEY, SECRET = "simulated-key", "simulated-secret"
SCENARIO = Scenario(
    regions=(
        RegionScenario(region=NEAR, initial_nodes=2, stock=3, types=(TypeStock(type=SMALL, stock=7),)),
        RegionScenario(region=FAR, initial_nodes=1, stock=1),
    ),
    types=(InstanceType(type=SMALL, price=Decimal("180.5"), cores=4, memory=8),),
    pools=(
        PoolScenario(id="np-cs", region=NEAR, product="cs", instance_type=SMALL, name="edge"),
        PoolScenario(id="np-ens", region=NEAR, product="ens", instance_type=SMALL, cluster=ECK),
    ),
    task_seconds=60,
    join_seconds=30,
)
PURCHASE = Params(
    action="ScaleOutCluster",
    version="2015-12-15",
    protocol="HTTPS",
    pathname=f"/api/v2/clusters/{SCENARIO.cluster_id}",
    method="POST",
    auth_type="AK",
    style="ROA",
    req_body_type="json",
    body_type="json",
)


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK honours proxy variables and not the exceptions from them."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    started = Simulator(SCENARIO, VirtualClock(time.time()))
    await started.start()
    yield started
    await started.stop()


def clock(simulator: Simulator) -> VirtualClock:
    running = simulator.clock
    assert isinstance(running, VirtualClock)
    return running


def config(simulator: Simulator, **changes: Any) -> Config:
    fields = {"access_key_id": KEY, "access_key_secret": SECRET, "endpoint": simulator.address, "protocol": "HTTP"}
    return Config(**{**fields, **changes})


def cs(simulator: Simulator, **changes: Any) -> Any:
    return CsClient(config(simulator, **changes))


def ens(simulator: Simulator, **changes: Any) -> Any:
    return EnsClient(config(simulator, **changes))


async def buy(client: Any, nodes: int, region: str = NEAR) -> dict[str, Any]:
    """The typed request of the SDK lacks the edge fields: the generic call is the only way to send them."""
    body = {
        "count": nodes,
        "worker_instance_type": "ens.sn1.tiny",
        "ens_region_id": region,
        "worker_image_id": "m-2QVLO2T8NYgm8CNQVg",
        "ens_internet_charge_type": "BandwidthByDay",
        "worker_period": 1,
        "login_password": "Hello1234!",
        "worker_system_disk_size": 40,
        "is_edge_worker": True,
    }
    answer: dict[str, Any] = await client.call_api_async(PURCHASE, OpenApiRequest(body=body), RuntimeOptions())
    return answer


async def refused(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ClientException) as caught:
        await call()
    return caught.value.status_code, caught.value.code


async def test_the_sdk_buys_and_follows_its_task_until_the_nodes_are_ready(simulator: Simulator) -> None:
    client = cs(simulator)
    answer = await buy(client, 2)
    assert answer["statusCode"] == 200
    task_id = answer["body"]["task_id"]

    running = (await client.describe_task_info_async(task_id)).body
    assert (running.state, running.task_type, running.cluster_id) == (
        "running",
        "cluster_scaleout",
        SCENARIO.cluster_id,
    )
    assert [row.status for row in running.task_result] == ["initial", "initial"]

    await clock(simulator).advance(60)
    ended = (await client.describe_task_info_async(task_id)).body
    assert (ended.state, [row.status for row in ended.task_result]) == ("success", ["success", "success"])

    await clock(simulator).advance(30)
    nodes = (
        await client.describe_cluster_nodes_async(SCENARIO.cluster_id, cs_models.DescribeClusterNodesRequest())
    ).body
    ready = {node.instance_id for node in nodes.nodes if node.node_status == "Ready"}
    assert {row.data for row in ended.task_result} < ready
    assert nodes.page.total_count == 5


async def test_the_sdk_pages_through_tasks_and_nodes(simulator: Simulator) -> None:
    client = cs(simulator)
    bought = [(await buy(client, 1))["body"]["task_id"] for _ in range(3)]
    request = cs_models.DescribeClusterTasksRequest(page_number=1, page_size=2)
    tasks = (await client.describe_cluster_tasks_async(SCENARIO.cluster_id, request)).body
    assert [row.task_id for row in tasks.tasks] == bought[:0:-1]
    assert (tasks.page_info.page_size, tasks.page_info.total_count, bool(tasks.request_id)) == (2, 4, True)
    filtered = cs_models.DescribeClusterNodesRequest(page_number="2", page_size="2", state="running")
    nodes = (await client.describe_cluster_nodes_async(SCENARIO.cluster_id, filtered)).body
    assert (len(nodes.nodes), nodes.page.page_number, nodes.page.total_count) == (1, 2, 3)


async def test_the_sdk_sees_instances_before_they_are_nodes(simulator: Simulator) -> None:
    await buy(cs(simulator), 1)
    client = ens(simulator)
    near = (await client.describe_instances_async(ens_models.DescribeInstancesRequest(ens_region_id=NEAR))).body
    assert (near.code, near.total_count) == (0, 3)
    assert {row.ens_region_id for row in near.instances.instance} == {NEAR}
    asked = ens_models.DescribeInstancesRequest(ens_region_ids=f'["{NEAR}", "{FAR}"]', page_number=2, page_size=3)
    both = (await client.describe_instances_async(asked)).body
    assert (both.total_count, [row.ens_region_id for row in both.instances.instance]) == (4, [FAR])


async def test_the_sdk_reads_stock_and_regions(simulator: Simulator) -> None:
    client = ens(simulator)
    question = ens_models.DescribePrePaidInstanceStockRequest(
        ens_region_id=NEAR, instance_spec="ens.sn1.tiny", system_disk_size=40, data_disk_size=0
    )
    assert (await client.describe_pre_paid_instance_stock_async(question)).body.avaliable_count == 3
    await buy(cs(simulator), 3)
    assert (await client.describe_pre_paid_instance_stock_async(question)).body.avaliable_count == 0
    regions = (await client.describe_ens_regions_async(ens_models.DescribeEnsRegionsRequest())).body
    assert [row.ens_region_id for row in regions.ens_regions.ens_regions] == [NEAR, FAR]


async def test_the_sdk_is_told_no_in_words_that_it_parses(simulator: Simulator) -> None:
    client = cs(simulator)
    assert await refused(lambda: buy(client, 2, FAR)) == (400, "StockNotEnough")
    assert await refused(lambda: buy(client, 1, "cn-nowhere")) == (400, "InvalidParameter.EnsRegionId")
    assert await refused(lambda: client.describe_task_info_async("T-none")) == (404, "ErrorTaskNotFound")
    unknown = cs_models.DescribeClusterNodesRequest()
    assert await refused(lambda: client.describe_cluster_nodes_async("c-none", unknown)) == (
        404,
        "ErrorClusterNotFound",
    )
    incomplete = ens_models.DescribePrePaidInstanceStockRequest(ens_region_id=NEAR)
    question = ens(simulator).describe_pre_paid_instance_stock_async
    assert await refused(lambda: question(incomplete)) == (400, "MissingParameter")
    assert simulator.books.sold_total == 0


async def test_the_typed_request_of_the_sdk_buys_no_edge_nodes(simulator: Simulator) -> None:
    request = cs_models.ScaleOutClusterRequest(count=1, worker_instance_types=["ecs.g6.large"], vswitch_ids=["vsw-1"])
    client = cs(simulator)
    call = client.scale_out_cluster_async
    assert await refused(lambda: call(SCENARIO.cluster_id, request)) == (400, "InvalidParameter")


async def test_the_sdk_with_a_wrong_key_is_refused_by_both_products(simulator: Simulator) -> None:
    regions = ens_models.DescribeEnsRegionsRequest()
    assert await refused(lambda: buy(cs(simulator, access_key_secret="wrong"), 1)) == (400, "SignatureDoesNotMatch")
    assert await refused(lambda: buy(cs(simulator, access_key_id="nobody"), 1)) == (404, "InvalidAccessKeyId.NotFound")
    wrong = ens(simulator, access_key_secret="wrong")
    assert await refused(lambda: wrong.describe_ens_regions_async(regions)) == (400, "SignatureDoesNotMatch")
    assert simulator.books.sold_total == 0


async def test_the_sdk_on_a_machine_whose_clock_is_wrong_is_refused(simulator: Simulator) -> None:
    clock(simulator).jump(1000)
    assert await refused(lambda: buy(cs(simulator), 1)) == (400, "InvalidTimeStamp.Expired")
    clock(simulator).jump(-1000)
    assert (await buy(cs(simulator), 1))["statusCode"] == 200


async def test_the_sdk_in_its_older_signature_scheme_is_understood(simulator: Simulator) -> None:
    client = cs(simulator, signature_algorithm="v2")
    task = (await buy(client, 1))["body"]["task_id"]
    request = cs_models.DescribeClusterTasksRequest(page_number=1, page_size=5)
    tasks = (await client.describe_cluster_tasks_async(SCENARIO.cluster_id, request)).body
    assert tasks.tasks[0].task_id == task
    wrong = cs(simulator, signature_algorithm="v2", access_key_secret="wrong")
    assert await refused(lambda: buy(wrong, 1)) == (400, "SignatureDoesNotMatch")


async def test_the_sdk_takes_a_throttled_call_for_what_it_is(simulator: Simulator) -> None:
    simulator.faults.next_purchase("throttle", status=429, retry_after=2)
    with pytest.raises(ThrottlingException) as caught:
        await buy(cs(simulator), 1)
    assert caught.value.retry_after == 2000
    simulator.faults.next_purchase("throttle")
    assert await refused(lambda: buy(cs(simulator), 1)) == (400, "Throttling.User")
    assert simulator.books.sold_total == 0


async def test_the_sdk_can_not_tell_that_a_purchase_whose_answer_is_lost_was_made(simulator: Simulator) -> None:
    simulator.faults.next_purchase("lose_answer")
    with pytest.raises(UnretryableException):
        await buy(cs(simulator), 1)
    assert simulator.books.sold(NEAR) == 1


async def test_the_sdk_makes_a_cs_pool_larger_by_an_increment_and_by_a_total(simulator: Simulator) -> None:
    client = cs(simulator)
    added = await client.scale_cluster_node_pool_async(
        SCENARIO.cluster_id, "np-cs", cs_models.ScaleClusterNodePoolRequest(count=2)
    )
    assert added.body.task_id == simulator.books.purchases[0].task_id
    group = cs_models.ModifyClusterNodePoolRequestScalingGroup(desired_size=3)
    wanted = cs_models.ModifyClusterNodePoolRequest(scaling_group=group)
    for _ in range(2):
        sized = (await client.modify_cluster_node_pool_async(SCENARIO.cluster_id, "np-cs", wanted)).body
        assert (sized.nodepool_id, bool(sized.task_id), bool(sized.request_id)) == ("np-cs", True, True)
    assert [(sale.action, sale.nodes, sale.instance_type) for sale in simulator.books.purchases] == [
        ("ScaleClusterNodePool", 2, SMALL),
        ("ModifyClusterNodePool", 1, SMALL),
    ]
    await clock(simulator).advance(60)
    detail = (await client.describe_cluster_node_pool_detail_async(SCENARIO.cluster_id, "np-cs")).body
    assert (detail.nodepool_info.nodepool_id, detail.nodepool_info.type) == ("np-cs", "edge")
    assert (detail.scaling_group.desired_size, detail.scaling_group.instance_types) == (3, [SMALL])
    assert (detail.status.state, detail.status.total_nodes, detail.status.initial_nodes) == ("active", 3, 3)
    request = cs_models.DescribeClusterNodePoolsRequest(nodepool_name="edge")
    listed = (await client.describe_cluster_node_pools_async(SCENARIO.cluster_id, request)).body
    assert [(pool.nodepool_info.name, pool.status.total_nodes) for pool in listed.nodepools] == [("edge", 3)]


async def test_the_sdk_is_refused_a_pool_that_shrinks_or_is_not_there(simulator: Simulator) -> None:
    client = cs(simulator)
    two = cs_models.ScaleClusterNodePoolRequest(count=2)
    await client.scale_cluster_node_pool_async(SCENARIO.cluster_id, "np-cs", two)
    group = cs_models.ModifyClusterNodePoolRequestScalingGroup(desired_size=1)
    smaller = cs_models.ModifyClusterNodePoolRequest(scaling_group=group)
    modify, scale = client.modify_cluster_node_pool_async, client.scale_cluster_node_pool_async
    assert await refused(lambda: modify(SCENARIO.cluster_id, "np-cs", smaller)) == (400, "InvalidParameter")
    assert await refused(lambda: scale(SCENARIO.cluster_id, "np-0", two)) == (404, "ErrorNodePoolNotFound")
    many = cs_models.ScaleClusterNodePoolRequest(count=501)
    assert await refused(lambda: scale(SCENARIO.cluster_id, "np-cs", many)) == (400, "InvalidParameter.Count")
    assert simulator.books.sold_total == 2


def to_size(count: int) -> Any:
    body = ens_models.ScaleClusterNodePoolRequestBody(count=count)
    return ens_models.ScaleClusterNodePoolRequest(body=body, cluster_id=ECK, nodepool_id="np-ens")


async def test_the_sdk_tells_an_ens_pool_its_size_and_reads_it(simulator: Simulator) -> None:
    client = ens(simulator)
    answer = (await client.scale_cluster_node_pool_async(to_size(2))).body
    assert answer.request_id == simulator.books.purchases[0].request_id
    scale = client.scale_cluster_node_pool_async
    assert await refused(lambda: scale(to_size(2))) == (400, "InvalidParameter")
    await clock(simulator).advance(90)
    request = ens_models.DescribeClusterNodePoolsRequest(cluster_id=ECK, page_number=1, page_size=10)
    pools = (await client.describe_cluster_node_pools_async(request)).body
    (pool,) = pools.node_pools
    assert (pool.nodepool_info.nodepool_id, pool.nodepool_info.ens_region_id) == ("np-ens", NEAR)
    assert (pool.status.desired_nodes, pool.status.serving_nodes, pool.status.state) == (2, 2, "active")
    assert (pools.page.total_count, bool(pools.request_id)) == (1, True)
    asked = ens_models.DescribeClusterNodesRequest(cluster_id=ECK, nodepool_id="np-ens", page_number=1, page_size=1)
    nodes = (await client.describe_cluster_nodes_async(asked)).body
    assert (len(nodes.nodes), nodes.page.total_count) == (1, 2)
    (node,) = nodes.nodes
    assert (node.ens_region_id, node.state, node.pay_type, node.cluster_id) == (NEAR, "running", "PrePaid", ECK)


async def test_the_sdk_asks_for_a_price(simulator: Simulator) -> None:
    request = ens_models.DescribePriceRequest(
        ens_region_id=NEAR,
        instance_type=SMALL,
        internet_charge_type="BandwidthByDay",
        period=2,
        period_unit="Month",
        quantity=3,
        system_disk=ens_models.DescribePriceRequestSystemDisk(size=40),
        data_disk=[ens_models.DescribePriceRequestDataDisk(size=20)],
    )
    price = (await ens(simulator).describe_price_async(request)).body.price_info.price
    assert (price.trade_price, price.original_price, price.discount_price) == (1083.0, 1083.0, 0.0)
    assert price.currency == "CNY"
    assert simulator.books.sold_total == 0


async def test_the_sdk_buys_instances_and_finds_them_by_their_tag(simulator: Simulator) -> None:
    def order(amount: int) -> Any:
        return ens_models.RunInstancesRequest(
            instance_type=SMALL,
            instance_charge_type="PrePaid",
            schedule_area_level="Region",
            ens_region_id=NEAR,
            amount=amount,
            period=1,
            image_id="m-1",
            internet_charge_type="BandwidthByDay",
            system_disk=ens_models.RunInstancesRequestSystemDisk(size=40),
            tag=[ens_models.RunInstancesRequestTag(key="order", value="o-7")],
        )

    client = ens(simulator)
    bought = (await client.run_instances_async(order(2))).body
    tags = [ens_models.DescribeInstancesRequestTags(key="order", value="o-7")]
    found = (await client.describe_instances_async(ens_models.DescribeInstancesRequest(tags=tags))).body
    rows = found.instances.instance
    assert [row.instance_id for row in rows] == bought.instance_ids == list(simulator.books.purchases[0].instances)
    assert [(tag.tag_key, tag.tag_value) for tag in rows[0].tags.tags] == [("order", "o-7")]
    assert (rows[0].spec_name, bool(bought.order_id), bool(bought.request_id)) == (SMALL, True, True)
    run = client.run_instances_async
    assert await refused(lambda: run(order(101))) == (400, "InvalidParameter.Amount")
    assert await refused(lambda: run(order(6))) == (400, "StockNotEnough")


async def test_the_sdk_reads_events_and_quota(simulator: Simulator) -> None:
    client = cs(simulator)
    task = (await buy(client, 1))["body"]["task_id"]
    await clock(simulator).advance(60)
    request = cs_models.DescribeClusterEventsRequest(task_id=task, page_number=1, page_size=10)
    told = (await client.describe_cluster_events_async(SCENARIO.cluster_id, request)).body
    assert [(row.type, row.data.level, row.data.message) for row in told.events] == [
        ("cluster_scaleout", "info", "success"),
        ("cluster_scaleout", "info", "start"),
    ]
    assert (told.page_info.total_count, told.events[0].cluster_id) == (2, SCENARIO.cluster_id)
    asked = cs_models.DescribeEventsRequest(cluster_id=SCENARIO.cluster_id, type="cluster_scaleout")
    assert len((await client.describe_events_async(asked)).body.events) == 2
    quota = (await client.describe_user_quota_async()).body
    assert (quota.node_quota, quota.quotas["q_cluster_node"].quota) == (100, "100")


async def test_the_sdk_takes_every_fault_of_a_read_for_a_failure(simulator: Simulator) -> None:
    client = ens(simulator)
    regions = ens_models.DescribeEnsRegionsRequest()
    simulator.faults.next_call("DescribeEnsRegions", "call_interface")
    assert await refused(lambda: client.describe_ens_regions_async(regions)) == (400, "CallInterface")
    simulator.faults.next_call("DescribeEnsRegions", "duplicate")
    assert await refused(lambda: client.describe_ens_regions_async(regions)) == (400, "SignatureNonceUsed")
    for kind in ("lose_answer", "lose_request", "truncate", "error_500_html"):
        simulator.faults.next_call("DescribeEnsRegions", kind)
        with pytest.raises(UnretryableException):
            await client.describe_ens_regions_async(regions)
    simulator.faults.next_call("DescribeEnsRegions", "error_500_json", status=503)
    with pytest.raises(ServerException):
        await client.describe_ens_regions_async(regions)
    assert len((await client.describe_ens_regions_async(regions)).body.ens_regions.ens_regions) == 2
