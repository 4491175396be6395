"""The cloud without HTTP: the whole port over the books, and every fault as the client would have raised it."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import pytest

from autoscaler.model.capacity import NodePhase, Pool, TaskState
from autoscaler.model.errors import (
    BalanceExhausted,
    Busy,
    CloudError,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    QuotaExceeded,
    Rejected,
    Throttled,
    Unavailable,
)
from autoscaler.model.names import ClusterId, InstanceId, NodePoolId, RegionId, TaskId
from autoscaler.model.operation import (
    Delta,
    EnsScaleClusterNodePool,
    ModifyClusterNodePool,
    Operation,
    ScaleClusterNodePool,
    ScaleOutCluster,
    Total,
)
from autoscaler.ports import Cloud
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.chaos import Chaos, ChaosRates
from autoscaler.simulator.clock import VirtualClock
from autoscaler.simulator.faults import KINDS, Fault, FaultKind, Faults
from autoscaler.simulator.in_process import InProcessCloud
from autoscaler.simulator.in_process_faults import raised
from autoscaler.simulator.records import Refusal
from tests.unit.simulator.builders import CLUSTER, FAR, NEAR, START, pools, region, scenario

OUT = ScaleOutCluster(
    ClusterId(CLUSTER), "tiny", RegionId(NEAR), "ens.sn1.tiny", "m-1", "BandwidthByDay", worker_period=2,
    worker_system_disk_size=40,
)  # fmt: skip
_POOL: dict[str, Any] = {
    "cluster": OUT.cluster,
    "template": "tiny",
    "ens_region_id": OUT.ens_region_id,
    "worker_instance_type": "ens.sn1.tiny",
    "ens_internet_charge_type": "BandwidthByDay",
    "worker_period": 1,
    "worker_system_disk_size": 40,
}
ADD = ScaleClusterNodePool(pool=NodePoolId("np-cs"), **_POOL)
SIZE = ModifyClusterNodePool(pool=NodePoolId("np-cs"), **_POOL)
ENS = EnsScaleClusterNodePool(pool=NodePoolId("np-ens"), **_POOL)
DEADLINE = 10.0


class Bench:
    def __init__(self, **fields: Any) -> None:
        given = scenario(
            region(initial_nodes=1, stock=30), region(FAR, initial_nodes=1),
            **{"pools": pools(), "task_seconds": 60, "join_seconds": 30, **fields},
        )  # fmt: skip
        self.clock = VirtualClock(START)
        self.books = CloudBooks(given, START)
        self.luck = Faults()
        self.cloud = InProcessCloud(self.books, self.clock, self.luck, timeout=DEADLINE)

    async def over(self, call: Awaitable[Any], seconds: float = 1.0) -> Any:
        """The result of a call that takes no longer than that."""
        task = asyncio.ensure_future(call)
        await self.clock.advance(seconds)
        assert task.done()
        return task.result()


async def test_it_is_a_cloud() -> None:
    cloud: Cloud = Bench().cloud
    await cloud.close()


async def test_every_operation_buys_by_its_own_meaning_of_the_number() -> None:
    bench = Bench()
    receipts = [
        await bench.over(bench.cloud.purchase(OUT, Delta(2))),
        await bench.over(bench.cloud.purchase(ADD, Delta(2))),
        await bench.over(bench.cloud.purchase(SIZE, Total(4))),
        await bench.over(bench.cloud.purchase(ENS, Total(3))),
    ]
    sales = bench.books.purchases
    assert [(sale.action, sale.nodes, sale.amount) for sale in sales] == [
        ("ScaleOutCluster", 2, 40000),
        ("ScaleClusterNodePool", 2, 20000),
        ("ModifyClusterNodePool", 1, 10000),
        ("EnsScaleClusterNodePool", 2, 20000),
    ]
    assert [receipt.task for receipt in receipts] == [*(sale.task_id for sale in sales[:3]), None]
    assert [receipt.request_id for receipt in receipts] == [sale.request_id for sale in sales]
    assert await bench.cloud.pool(SIZE) == Pool(NodePoolId("np-cs"), 4, 4)
    assert await bench.cloud.pool(ENS) == Pool(NodePoolId("np-ens"), 3, 3)
    assert bench.cloud.calls == 4


@pytest.mark.parametrize(
    ("operation", "quantity"), [(OUT, Total(2)), (ADD, Total(2)), (SIZE, Delta(2)), (ENS, Delta(2))]
)
async def test_a_number_of_the_wrong_kind_is_never_sent(operation: Operation, quantity: Any) -> None:
    bench = Bench()
    with pytest.raises(TypeError):
        await bench.cloud.purchase(operation, quantity)
    assert (bench.cloud.calls, bench.books.sold_total) == (0, 0)


async def test_stock_and_price_are_those_of_the_operation() -> None:
    bench = Bench(types=[{"type": "big", "price": "12.34"}])
    big = replace(OUT, worker_instance_type="big")
    assert (await bench.cloud.stock(OUT), await bench.cloud.stock(ADD), await bench.cloud.stock(big)) == (30, 30, 0)
    assert (await bench.cloud.price(OUT, 3), await bench.cloud.price(big, 3)) == (3 * 2 * 10000, 3 * 2 * 1234)
    for wrong in (replace(OUT, worker_instance_type="none"), replace(OUT, ens_region_id=RegionId("cn-nowhere"))):
        for call in (
            bench.cloud.stock(wrong),
            bench.cloud.price(wrong, 1),
            bench.over(bench.cloud.purchase(wrong, Delta(1))),
        ):
            with pytest.raises(Rejected):
                await call


async def test_reads_show_what_the_scripts_say() -> None:
    nodes = [{"join": "failed"}, {"join": "never"}, {"status": [[0, "NotReady"]]}, {}]
    bench = Bench(scripts=[{"task": "odd_word", "nodes": nodes, "vanishes_after": 1000}], clock_skew=40)
    receipt = await bench.over(bench.cloud.purchase(OUT, Delta(4)), 0.2)
    bought = [InstanceId(name) for name in bench.books.purchases[0].instances]
    running = await bench.cloud.task(receipt.task)
    await bench.clock.advance(90)
    ended = await bench.cloud.task(receipt.task)
    phases = {node.instance: node.phase for node in await bench.cloud.nodes(OUT.cluster)}
    rows = await bench.cloud.tasks(OUT.cluster, START + 40)
    machines = {row.instance: row.created_at for row in await bench.cloud.instances([RegionId(NEAR)])}
    await bench.clock.advance(1000)
    assert (running.state, set(running.results.values())) == (TaskState.RUNNING, {"initial"})
    assert (ended.state, list(ended.results.values())) == (TaskState.UNKNOWN, ["failed", *["success"] * 3])
    assert [phases.get(instance) for instance in bought] == [
        NodePhase.FAILED,
        None,
        NodePhase.UNREADY,
        NodePhase.READY,
    ]
    assert [(row.task, row.created_at) for row in rows] == [(receipt.task, START + 40.2)]
    assert [machines[instance] for instance in bought] == [START + 40.2] * 4
    with pytest.raises(NotFound):
        await bench.cloud.task(receipt.task)


async def test_reads_lag_as_the_scenario_says() -> None:
    slow = {"after": 100}
    bench = Bench(visible={"task": slow, "tasks": slow, "instances": slow, "nodes": slow})
    receipt = await bench.over(bench.cloud.purchase(OUT, Delta(1)), 0.2)
    with pytest.raises(NotFound):
        await bench.cloud.task(receipt.task)
    assert await bench.cloud.tasks(OUT.cluster, START) == []
    assert len(await bench.cloud.instances([RegionId(NEAR)])) == 3
    await bench.clock.advance(100)
    assert (await bench.cloud.task(receipt.task)).state is TaskState.SUCCEEDED
    assert len(await bench.cloud.tasks(OUT.cluster, START)) == 1
    assert len(await bench.cloud.instances([RegionId(NEAR)])) == 4
    assert len(await bench.cloud.nodes(OUT.cluster)) == 4
    await bench.clock.advance(60)
    assert len(await bench.cloud.nodes(OUT.cluster)) == 5


@pytest.mark.parametrize(
    ("fault", "error", "sold"),
    [
        (Fault(kind="lose_answer"), OutcomeUnknown, 2),
        (Fault(kind="lose_request"), OutcomeUnknown, 0),
        (Fault(kind="delay_answer", seconds=30), OutcomeUnknown, 2),
        (Fault(kind="hang_before", seconds=30), OutcomeUnknown, 0),
        (Fault(kind="throttle", status=429, retry_after=3), Throttled, 0),
        (Fault(kind="error_500_json", executed=True), OutcomeUnknown, 2),
        (Fault(kind="error_500_json"), OutcomeUnknown, 0),
        (Fault(kind="error_500_html", executed=True), OutcomeUnknown, 2),
        (Fault(kind="error_500_html"), OutcomeUnknown, 0),
        (Fault(kind="call_interface", executed=True), OutcomeUnknown, 2),
        (Fault(kind="call_interface", code="ens.interface.error"), OutcomeUnknown, 0),
        (Fault(kind="drip", seconds=30), OutcomeUnknown, 2),
        (Fault(kind="duplicate"), OutcomeUnknown, 2),
        (Fault(kind="truncate"), OutcomeUnknown, 2),
        (Fault(kind="garbage"), OutcomeUnknown, 2),
        (Fault(kind="accepted_202"), None, 2),
        (Fault(kind="xml"), None, 2),
        (Fault(kind="delay_answer", seconds=5), None, 2),
        (Fault(kind="hang_before", seconds=5), None, 2),
        (Fault(kind="drip", seconds=5), None, 2),
        (Fault(kind="refuse", code="InsufficientBalance"), BalanceExhausted, 0),
        (Fault(kind="refuse", code="ErrorClusterState"), Busy, 0),
    ],
)
async def test_a_purchase_meets_every_fault_as_the_client_would(
    fault: Fault, error: type[CloudError] | None, sold: int
) -> None:
    bench = Bench()
    bench.luck.add(fault)
    call = asyncio.ensure_future(bench.cloud.purchase(OUT, Delta(2)))
    await bench.clock.advance(0.2 + DEADLINE)
    assert bench.books.sold_total == sold
    assert bench.books.faults == {fault.kind: 1}
    if error is None:
        assert (await call).task == bench.books.purchases[0].task_id
        return
    with pytest.raises(CloudError) as caught:
        await call
    assert type(caught.value) is error
    if isinstance(caught.value, Throttled):
        assert (caught.value.retry_after, caught.value.status) == (3, 429)


async def test_a_call_that_hangs_beyond_the_deadline_is_executed_when_the_caller_has_left() -> None:
    bench = Bench()
    bench.luck.next_purchase("hang_before", seconds=30)
    with pytest.raises(OutcomeUnknown):
        await bench.over(bench.cloud.purchase(OUT, Delta(2)), 0.2 + DEADLINE)
    assert bench.books.sold_total == 0
    await bench.clock.advance(20)
    assert (bench.books.sold_total, bench.books.purchases[0].at) == (2, START + 30.2)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("accepted_202", "xml")])
async def test_every_read_can_meet_a_fault_and_is_fine_the_next_time(kind: FaultKind) -> None:
    bench = Bench()
    task = TaskId(bench.books.tasks()[0].id)

    def reads() -> dict[str, Awaitable[Any]]:
        cloud = bench.cloud
        return {
            "DescribeTaskInfo": cloud.task(task),
            "DescribeClusterTasks": cloud.tasks(OUT.cluster, 0),
            "DescribeClusterNodes": cloud.nodes(OUT.cluster),
            "DescribeInstances": cloud.instances([RegionId(NEAR)]),
            "DescribeClusterNodePoolDetail": cloud.pool(ADD),
            "EnsDescribeClusterNodePools": cloud.pool(ENS),
            "DescribePrePaidInstanceStock": cloud.stock(OUT),
            "DescribePrice": cloud.price(OUT, 1),
        }

    for action, call in reads().items():
        bench.luck.next_call(action, kind, seconds=99)
        with pytest.raises(CloudError):
            await bench.over(call, DEADLINE)
    assert bench.books.faults == {kind: 8}
    for call in reads().values():
        await bench.over(call, 0)


@pytest.mark.parametrize(
    ("word", "error", "sold"),
    [
        ("lost_answer", OutcomeUnknown, 1),
        ("lost_request", OutcomeUnknown, 0),
        ("throttled", Throttled, 0),
        ("never_sent", Unavailable, 0),
        ("crash_after", RuntimeError, 1),
    ],
)
async def test_the_short_words_mean_what_they_say(word: Any, error: type[Exception], sold: int) -> None:
    bench = Bench()
    bench.cloud.faults.append(word)
    with pytest.raises(error):
        await bench.over(bench.cloud.purchase(OUT, Delta(1)))
    assert bench.books.sold_total == sold
    assert (await bench.over(bench.cloud.purchase(OUT, Delta(1)))).task


@pytest.mark.parametrize(
    ("code", "purchase", "error"),
    [
        ("StockNotEnough", True, OutOfStock),
        ("QuotaExceeded.Node", True, QuotaExceeded),
        ("InsufficientBalance", True, BalanceExhausted),
        ("ErrorClusterState", True, Busy),
        ("Throttling.User", True, Throttled),
        ("Forbidden.RAM", True, Forbidden),
        ("ErrorClusterNotFound", True, Rejected),
        ("ErrorNodePoolNotFound", False, NotFound),
        ("InvalidParameter.Count", True, Rejected),
    ],
)
def test_a_refusal_is_raised_by_the_reaction_it_calls_for(code: str, purchase: bool, error: type[CloudError]) -> None:
    action = "ScaleOutCluster" if purchase else "DescribeClusterNodes"
    told = raised(action, Refusal(code, "why", 400))
    assert (type(told), told.code, told.action, told.status) == (error, code, action, 400)


async def test_the_same_seed_gives_the_same_course_twice() -> None:
    rates = ChaosRates(purchases={"lose_answer": 0.3, "throttle": 0.3}, reads={"error_500_html": 0.4})

    async def play(seed: int) -> tuple[list[str], int]:
        bench = Bench(node_quota=1000)
        bench.cloud.luck = Chaos(seed, rates)
        course = []
        for _ in range(25):
            for call in (bench.cloud.purchase(OUT, Delta(1)), bench.cloud.nodes(OUT.cluster)):
                try:
                    await bench.over(call)
                    course.append("")
                except CloudError as error:
                    course.append(error.code)
        return course, bench.books.sold_total

    assert await play(3) == await play(3)
    assert await play(3) != await play(4)


async def test_without_sight_every_read_fails() -> None:
    bench = Bench()
    bench.cloud.readable = False
    for call in (
        bench.cloud.pool(ADD),
        bench.cloud.stock(OUT),
        bench.cloud.price(OUT, 1),
        bench.cloud.nodes(OUT.cluster),
    ):
        with pytest.raises(OutcomeUnknown):
            await call
