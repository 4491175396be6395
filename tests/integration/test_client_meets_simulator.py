"""Our client, built as the daemon builds it, against the simulated cloud over HTTP: every operation and every refusal.

The simulator verifies signatures and bodies with code of its own, and shares no line with the client.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from autoscaler.cloud.build import alibaba_cloud
from autoscaler.cloud.client import AlibabaCloud
from autoscaler.model.capacity import NodePhase, TaskState
from autoscaler.model.errors import (
    CloudError,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    Rejected,
    Throttled,
    Unavailable,
)
from autoscaler.model.names import ClusterId, InstanceId, RegionId, TaskId
from autoscaler.model.operation import Delta, ScaleOutCluster
from autoscaler.model.order import Receipt
from autoscaler.settings.alibaba import AlibabaSettings
from autoscaler.simulator.clock import VirtualClock
from autoscaler.simulator.scenario import RegionScenario, Scenario
from autoscaler.simulator.server import Simulator
from tests.unit.cloud.servers import OPERATION

START = 1_790_000_000.0
NEAR, FAR = RegionId("cn-beijing-cmcc-2"), RegionId("cn-suzhou-telecom")
SECRET, PASSWORD = "simulated-secret", "Hello1234!"
CLUSTER = ClusterId("c0123456789abcdef0123456789abcdef")


class Bench:
    """A running simulator, the clock of both sides, and clients of it."""

    def __init__(self, simulator: Simulator, clock: VirtualClock) -> None:
        self.simulator = simulator
        self.clock = clock

    @asynccontextmanager
    async def client(self, secret: str = SECRET, key: str = "simulated-key") -> AsyncIterator[AlibabaCloud]:
        settings = AlibabaSettings.model_validate(
            {
                "region": "cn-hangzhou",
                "network": "private",
                "allow_http": True,
                "cs_endpoint": self.simulator.url,
                "ens_endpoint": self.simulator.url,
                "timeout": 5,
                "credentials": {"type": "access_key", "access_key_id": key, "access_key_secret": secret},
            }
        )
        cloud = alibaba_cloud(settings, {OPERATION.template: SecretStr(PASSWORD)}.__getitem__, self.clock)
        try:
            yield cloud
        finally:
            await cloud.close()


@asynccontextmanager
async def bench(**changes: Any) -> AsyncIterator[Bench]:
    near = RegionScenario(region=NEAR, initial_nodes=2, stock=5)
    far = RegionScenario(region=FAR, initial_nodes=1, stock=1)
    scenario = Scenario.model_validate(
        {"regions": (near, far), "cluster_id": CLUSTER, "task_seconds": 60, "join_seconds": 30, **changes}
    )
    clock = VirtualClock(START)
    simulator = Simulator(scenario, clock)
    await simulator.start()
    try:
        yield Bench(simulator, clock)
    finally:
        await simulator.stop()


def order(region: RegionId = NEAR, cluster: ClusterId = CLUSTER, **changes: Any) -> ScaleOutCluster:
    return replace(OPERATION, cluster=cluster, ens_region_id=region, worker_system_disk_size=40, **changes)


async def refused(cloud: AlibabaCloud, operation: ScaleOutCluster, nodes: int, kind: type[CloudError]) -> CloudError:
    """The error of a purchase, which must be exactly of this kind."""
    with pytest.raises(CloudError) as caught:
        await cloud.purchase(operation, Delta(nodes))
    assert type(caught.value) is kind
    return caught.value


@pytest.mark.parametrize("answer_format", ["json", "xml"])
@pytest.mark.parametrize("accept_status", [200, 202])
async def test_a_purchase_gives_a_receipt_whose_task_the_cloud_knows(answer_format: str, accept_status: int) -> None:
    async with bench(answer_format=answer_format, accept_status=accept_status) as given, given.client() as cloud:
        receipt = await cloud.purchase(order(), Delta(2))
        [sold] = given.simulator.books.purchases
        assert receipt == Receipt(TaskId(sold.task_id), sold.request_id)
        assert (sold.region, sold.nodes) == (NEAR, 2)

        task = await cloud.task(TaskId(sold.task_id))
        assert (task.state, task.kind, task.cluster) == (TaskState.RUNNING, "cluster_scaleout", CLUSTER)
        assert task.created_at == START
        assert task.results == dict.fromkeys(sold.instances, "initial")
        assert task.parameters["ens_region_id"] == NEAR
        assert task.parameters["count"] == 2


async def test_what_was_bought_is_seen_as_an_instance_then_joining_then_ready() -> None:
    async with bench() as given, given.client() as cloud:
        await cloud.purchase(order(), Delta(2))
        bought = {InstanceId(name) for name in given.simulator.books.purchases[0].instances}

        near = await cloud.instances([NEAR])
        assert bought < {row.instance for row in near}
        assert {(row.region, row.status) for row in near} == {(NEAR, "Running")}
        assert {row.created_at for row in near if row.instance in bought} == {START}
        assert bought.isdisjoint(node.instance for node in await cloud.nodes(CLUSTER))

        await given.clock.advance(60)
        phases = {node.instance: node.phase for node in await cloud.nodes(CLUSTER)}
        assert {phases[instance] for instance in bought} == {NodePhase.JOINING}

        await given.clock.advance(30)
        nodes = await cloud.nodes(CLUSTER)
        assert {node.phase for node in nodes} == {NodePhase.READY}
        assert len(nodes) == 5
        assert all(node.created_at is not None and node.name for node in nodes)


async def test_tasks_are_listed_newest_first_and_only_since_the_moment_asked_for() -> None:
    async with bench() as given, given.client() as cloud:
        bought = []
        for _ in range(3):
            bought.append((await cloud.purchase(order(), Delta(1))).task)
            await given.clock.advance(10)
        rows = await cloud.tasks(CLUSTER, START)
        assert [row.task for row in rows] == bought[::-1]
        assert [row.created_at for row in rows] == [START + 20, START + 10, START]
        assert {(row.kind, row.state) for row in rows} == {("cluster_scaleout", TaskState.RUNNING)}
        assert [row.task for row in await cloud.tasks(CLUSTER, START + 10)] == bought[:0:-1]
        assert len(await cloud.tasks(CLUSTER, 0.0)) == 4


async def test_lists_longer_than_a_page_are_read_whole() -> None:
    regions = [{"region": f"cn-far-{number}", "initial_nodes": 2, "stock": 1} for number in range(130)]
    async with bench(regions=regions, node_quota=1000) as given, given.client() as cloud:
        names = [RegionId(region.region) for region in given.simulator.scenario.regions]
        for name in names:
            await cloud.purchase(order(name), Delta(1))
        await given.clock.advance(60)
        assert len(await cloud.nodes(CLUSTER)) == 390
        assert len(await cloud.tasks(CLUSTER, START)) == 130
        instances = await cloud.instances(names)
        assert len({row.instance for row in instances}) == 390
        assert {row.region for row in instances} == set(names)


async def test_a_wrong_secret_or_key_is_forbidden_to_buy_and_to_read() -> None:
    async with bench() as given:
        for secret, key in (("wrong", "simulated-key"), (SECRET, "nobody")):
            async with given.client(secret, key) as cloud:
                await refused(cloud, order(), 1, Forbidden)
                for read in (cloud.tasks(CLUSTER, 0.0), cloud.nodes(CLUSTER), cloud.instances([NEAR])):
                    with pytest.raises(Forbidden):
                        await read
        assert given.simulator.books.sold_total == 0


async def test_a_machine_whose_clock_is_wrong_is_told_so() -> None:
    async with bench() as given:
        late = VirtualClock(START - 1000)
        async with Bench(given.simulator, late).client() as cloud:
            error = await refused(cloud, order(), 1, Forbidden)
    assert error.code == "InvalidTimeStamp.Expired"
    assert "clock" in str(error)


async def test_a_cluster_that_is_not_there_rejects_a_purchase_and_is_not_found_by_a_read() -> None:
    absent = ClusterId("cnone")
    async with bench() as given, given.client() as cloud:
        error = await refused(cloud, order(cluster=absent), 1, Rejected)
        assert (error.code, error.status, bool(error.request_id)) == ("ErrorClusterNotFound", 404, True)
        with pytest.raises(NotFound):
            await cloud.nodes(absent)
        with pytest.raises(NotFound):
            await cloud.tasks(absent, 0.0)
        with pytest.raises(NotFound):
            await cloud.task(TaskId("T-none"))
        assert given.simulator.books.sold_total == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"worker_period": 5},
        {"ens_internet_charge_type": "PayByTraffic"},
        {"worker_data_disk_size": 15},
        {"worker_instance_type": "ens.none"},
        {"worker_auto_renew_period": None},
    ],
)
async def test_an_order_that_the_api_page_forbids_is_rejected(changes: dict[str, Any]) -> None:
    async with bench() as given, given.client() as cloud:
        error = await refused(cloud, order(**changes), 1, Rejected)
        assert error.status == 400
        assert PASSWORD not in str(error)
        assert given.simulator.books.sold_total == 0


async def test_more_than_the_stock_is_out_of_stock_and_the_rest_can_still_be_bought() -> None:
    async with bench() as given, given.client() as cloud:
        assert (await refused(cloud, order(FAR), 2, OutOfStock)).code == "StockNotEnough"
        await cloud.purchase(order(FAR), Delta(1))
        await refused(cloud, order(FAR), 1, OutOfStock)
        assert given.simulator.books.sold(FAR) == 1


async def test_a_shortage_that_only_the_task_tells_is_read_from_the_task() -> None:
    async with bench(stock_answer="fail_task") as given, given.client() as cloud:
        receipt = await cloud.purchase(order(FAR), Delta(2))
        assert receipt.task is not None
        await given.clock.advance(60)
        task = await cloud.task(receipt.task)
        assert (task.state, task.error_code) == (TaskState.FAILED, "StockNotEnough")
        assert given.simulator.books.sold(FAR) == 0


def lose_answer(simulator: Simulator) -> None:
    simulator.faults.next_purchase("lose_answer")


def page_of_a_gateway(simulator: Simulator) -> None:
    simulator.faults.next_purchase("error_500_html", executed=True)


@pytest.mark.parametrize("fault", [lose_answer, page_of_a_gateway])
async def test_a_sale_whose_answer_is_lost_is_in_doubt_and_was_sent_once(fault: Callable[[Simulator], None]) -> None:
    async with bench() as given, given.client() as cloud:
        await cloud.nodes(CLUSTER)  # a kept connection is at hand
        fault(given.simulator)
        await refused(cloud, order(), 2, OutcomeUnknown)
        [sold] = given.simulator.books.purchases
        assert (sold.nodes, len(given.simulator.faults)) == (2, 0)
        assert [row.task for row in await cloud.tasks(CLUSTER, START)] == [sold.task_id]


@pytest.mark.parametrize("status", [400, 429, 503])
async def test_a_throttled_purchase_bought_nothing_and_says_how_long_to_wait(status: Any) -> None:
    async with bench() as given, given.client() as cloud:
        given.simulator.faults.next_purchase("throttle", status=status, retry_after=2.5)
        told = await refused(cloud, order(), 1, Throttled)
        given.simulator.faults.next_purchase("throttle", status=status)
        silent = await refused(cloud, order(), 1, Throttled)
        assert isinstance(told, Throttled)
        assert isinstance(silent, Throttled)
        assert (told.retry_after, silent.retry_after) == (2.5, None)
        assert given.simulator.books.sold_total == 0
        await cloud.purchase(order(), Delta(1))
        assert given.simulator.books.sold_total == 1


async def test_a_cloud_that_is_gone_was_asked_nothing() -> None:
    async with bench() as given, given.client() as cloud:
        await cloud.purchase(order(), Delta(1))
        await given.simulator.stop()
        await refused(cloud, order(), 1, Unavailable)
        assert given.simulator.books.sold_total == 1
