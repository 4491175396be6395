"""The cloud without HTTP raises what the client over HTTP raises: the same fault, the same error, the same sales."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from autoscaler.cloud.build import alibaba_cloud
from autoscaler.model.errors import CloudError, Throttled
from autoscaler.model.names import RegionId, TaskId
from autoscaler.model.operation import Delta, Operation, Quantity, Total
from autoscaler.ports import Cloud
from autoscaler.settings.alibaba import AlibabaSettings
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.clock import VirtualClock
from autoscaler.simulator.faults import Fault
from autoscaler.simulator.in_process import InProcessCloud
from autoscaler.simulator.scenario import Scenario
from autoscaler.simulator.server import Simulator
from tests.unit.simulator.builders import NEAR, START, pools, region, scenario
from tests.unit.simulator.test_in_process import ADD, ENS, OUT, SIZE

GIVEN = scenario(region(initial_nodes=1, stock=30), pools=pools(), task_seconds=60, join_seconds=30)
FAULTS = [
    Fault(kind="lose_answer", action="*"),
    Fault(kind="lose_request", action="*"),
    Fault(kind="throttle", action="*", status=400),
    Fault(kind="throttle", action="*", status=429, retry_after=2.5),
    Fault(kind="throttle", action="*", status=503, code="Throttling.Api"),
    Fault(kind="error_500_json", action="*", executed=True),
    Fault(kind="error_500_json", action="*", status=503),
    Fault(kind="error_500_html", action="*", executed=True),
    Fault(kind="call_interface", action="*", executed=True),
    Fault(kind="call_interface", action="*", code="ens.interface.error"),
    Fault(kind="duplicate", action="*"),
    Fault(kind="truncate", action="*"),
    Fault(kind="garbage", action="*"),
    Fault(kind="accepted_202", action="*"),
    Fault(kind="xml", action="*"),
    Fault(kind="refuse", action="*", code="StockNotEnough"),
    Fault(kind="refuse", action="*", code="QuotaExceeded.Node"),
    Fault(kind="refuse", action="*", code="InsufficientBalance"),
    Fault(kind="refuse", action="*", code="ErrorClusterState"),
    Fault(kind="refuse", action="*", code="Forbidden.RAM", status=403),
    Fault(kind="refuse", action="*", code="InvalidParameter.Count"),
    Fault(kind="refuse", action="*", code="ErrorClusterNotFound", status=404),
]
Outcome = tuple[str, float | None, int]


@pytest.fixture
async def over_http() -> AsyncIterator[tuple[Simulator, Cloud]]:
    clock = VirtualClock(START)
    simulator = Simulator(GIVEN, clock)
    await simulator.start()
    settings = {
        "region": "cn-hangzhou",
        "network": "private",
        "allow_http": True,
        "cs_endpoint": simulator.url,
        "ens_endpoint": simulator.url,
        "timeout": 5,
        "credentials": {
            "type": "access_key",
            "access_key_id": GIVEN.access_key_id,
            "access_key_secret": GIVEN.access_key_secret.get_secret_value(),
        },
    }
    client = alibaba_cloud(AlibabaSettings.model_validate(settings), lambda _: SecretStr("Hello1234!"), clock)
    yield simulator, client
    await client.close()
    await simulator.stop()


async def outcome(call: Any, books: CloudBooks) -> Outcome:
    """The class of the error, the seconds it says to wait, and what was sold."""
    try:
        await call
    except CloudError as error:
        return type(error).__name__, error.retry_after if isinstance(error, Throttled) else None, books.sold_total
    return "fine", None, books.sold_total


class Quick(VirtualClock):
    """A clock for which every wait is over at once."""

    async def sleep(self, seconds: float) -> None:
        return


def local(given: Scenario, fault: Fault) -> tuple[CloudBooks, InProcessCloud]:
    books = CloudBooks(given, START)
    cloud = InProcessCloud(books, Quick(START))
    cloud.faults.append(fault)
    return books, cloud


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.code or fault.status}")
@pytest.mark.parametrize(
    ("operation", "quantity"),
    [(OUT, Delta(2)), (ADD, Delta(2)), (SIZE, Total(3)), (ENS, Total(3))],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_a_purchase_ends_the_same_way(
    over_http: tuple[Simulator, Cloud], fault: Fault, operation: Operation, quantity: Quantity
) -> None:
    simulator, client = over_http
    simulator.faults.add(fault)
    books, cloud = local(GIVEN, fault)
    real = await outcome(client.purchase(operation, quantity), simulator.books)
    assert await outcome(cloud.purchase(operation, quantity), books) == real
    assert books.faults == simulator.books.faults == {fault.kind: 1}
    assert (books.refusals, books.unheard) == (simulator.books.refusals, simulator.books.unheard)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kind}-{fault.code or fault.status}")
@pytest.mark.parametrize("read", ["task", "nodes", "instances", "pool", "ens_pool", "price"])
async def test_a_read_ends_the_same_way(over_http: tuple[Simulator, Cloud], fault: Fault, read: str) -> None:
    simulator, client = over_http
    simulator.faults.add(fault)
    books, cloud = local(GIVEN, fault)
    cloud.faults.clear()

    class Once:
        def take(self, _action: str) -> Fault | None:
            return fault

    cloud.luck = Once()
    assert await outcome(reads(cloud, books)[read](), books) == await outcome(
        reads(client, simulator.books)[read](), simulator.books
    )


def reads(cloud: Cloud, books: CloudBooks) -> dict[str, Any]:
    return {
        "task": lambda: cloud.task(TaskId(books.tasks()[0].id)),
        "nodes": lambda: cloud.nodes(OUT.cluster),
        "instances": lambda: cloud.instances([RegionId(NEAR)]),
        "pool": lambda: cloud.pool(ADD),
        "ens_pool": lambda: cloud.pool(ENS),
        "price": lambda: cloud.price(OUT, 1),
    }


async def test_without_faults_both_read_the_same(over_http: tuple[Simulator, Cloud]) -> None:
    simulator, client = over_http
    books = CloudBooks(GIVEN, START)
    cloud = InProcessCloud(books, Quick(START))
    for one in (client, cloud):
        await one.purchase(OUT, Delta(2))
        await one.purchase(ADD, Delta(1))
        await one.purchase(ENS, Total(4))
    for operation in (ADD, ENS):
        assert await client.pool(operation) == await cloud.pool(operation)
    assert await client.stock(OUT) == await cloud.stock(OUT) == 24
    assert await client.price(OUT, 3) == await cloud.price(OUT, 3) == 60000
    assert {(row.region, row.status, row.created_at) for row in await client.instances([RegionId(NEAR)])} == {
        (row.region, row.status, row.created_at) for row in await cloud.instances([RegionId(NEAR)])
    }
    (task, _) = books.tasks()[:2]
    told, read = await cloud.task(TaskId(task.id)), await client.task(TaskId(simulator.books.tasks()[0].id))
    assert (told.state, told.kind, told.cluster, told.created_at, sorted(told.results.values())) == (
        read.state,
        read.kind,
        read.cluster,
        read.created_at,
        sorted(read.results.values()),
    )
    assert told.parameters == read.parameters
