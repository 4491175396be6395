"""The Cloud port over HTTPS: Alibaba Cloud's CS and ENS.

Operations and ids come in, our nouns go out; errors leave as CloudError. What each call looks like is in `wire`, what
its answer says in `answers` and `sizes`, and `call` carries the one to the other. No retry and no rate limit here.
"""

import asyncio
from collections.abc import Callable, Sequence

from aiohttp.abc import AbstractResolver
from pydantic import SecretStr

from autoscaler.cloud import answers, sizes, wire
from autoscaler.cloud.call import ApiCaller
from autoscaler.cloud.credentials import CredentialSource
from autoscaler.cloud.errors import request_id_of
from autoscaler.model.capacity import Instance, Node, Pool, Task, TaskRow
from autoscaler.model.errors import ConfigurationRefused, NotFound, Rejected
from autoscaler.model.names import ClusterId, Money, RegionId, TaskId
from autoscaler.model.operation import (
    Count,
    Delta,
    EnsScaleClusterNodePool,
    Operation,
    PoolOperation,
    Quantity,
    ScaleOutCluster,
    Total,
)
from autoscaler.model.order import Receipt
from autoscaler.ports import Clock

_CHUNKS_AT_ONCE = 4
_KINDS: dict[Count, type[Delta | Total]] = {Count.DELTA: Delta, Count.TOTAL: Total}


class AlibabaCloud:
    """One account's CS and ENS. `timeout` is the total deadline of one HTTP call in seconds.

    `password(template)` gives the login password of a template; `nonce()` a text that it never gives twice.
    """

    def __init__(
        self,
        cs_url: str,
        ens_url: str,
        credentials: CredentialSource,
        password: Callable[[str], SecretStr],
        clock: Clock,
        nonce: Callable[[], str],
        timeout: float,
        *,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._api = ApiCaller({"cs": cs_url, "ens": ens_url}, credentials, clock, nonce, timeout, resolver)
        self._password = password
        self._chunks = asyncio.Semaphore(_CHUNKS_AT_ONCE)

    async def purchase(self, operation: Operation, quantity: Quantity) -> Receipt:
        """Buy: see `ports.Cloud.purchase`. A count that the API page forbids is Rejected, and nothing is sent."""
        if not isinstance(quantity, _KINDS[operation.count]):
            raise TypeError(f"{operation.name} takes a {operation.count} and not a {type(quantity).__name__}")
        request, secrets = self._encoded(operation, quantity.nodes)
        read = answers.receipt_without_task if isinstance(operation, EnsScaleClusterNodePool) else answers.receipt
        return await self._api.call(
            request,
            lambda answer: read(answer.body, request_id_of(answer.headers)),
            purchase=True,
            secrets=secrets,
        )

    async def task(self, task: TaskId) -> Task:
        """CS DescribeTaskInfo: see `ports.Cloud.task`."""
        return await self._api.call(wire.describe_task(task), lambda answer: answers.task(answer.body, task))

    async def tasks(self, cluster: ClusterId, since: float) -> Sequence[TaskRow]:
        """CS DescribeClusterTasks: see `ports.Cloud.tasks`."""
        rows = await self._api.whole(
            lambda cursor: wire.describe_tasks(cluster, cursor), lambda body: answers.tasks(body, since)
        )
        return list({row.task: row for row in rows}.values())

    async def nodes(self, cluster: ClusterId) -> Sequence[Node]:
        """CS DescribeClusterNodes: see `ports.Cloud.nodes`."""
        rows = await self._api.whole(lambda cursor: wire.describe_nodes(cluster, cursor), answers.nodes)
        return list({row.instance: row for row in rows}.values())

    async def instances(self, regions: Sequence[RegionId]) -> Sequence[Instance]:
        """ENS DescribeInstances: see `ports.Cloud.instances`. Regions are asked for in groups, a few at once."""
        wanted = list(dict.fromkeys(regions))
        size = wire.REGIONS_PER_CALL
        groups = [wanted[start : start + size] for start in range(0, len(wanted), size)]
        try:
            async with asyncio.TaskGroup() as tasks:
                reads = [
                    tasks.create_task(self._instances(group), name=f"instances-{number}")
                    for number, group in enumerate(groups)
                ]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        found = {row.instance: row for read in reads for row in read.result() if row.region in set(wanted)}
        return list(found.values())

    async def pool(self, operation: PoolOperation) -> Pool:
        """The size of the operation's pool in the product that scales it: see `ports.Cloud.pool`."""
        if isinstance(operation, EnsScaleClusterNodePool):
            return await self._ens_pool(operation)
        return await self._api.call(
            wire.describe_cs_pool(operation), lambda answer: sizes.cs_pool(answer.body, operation.pool)
        )

    async def stock(self, operation: Operation) -> int:
        """ENS DescribePrePaidInstanceStock: see `ports.Cloud.stock`."""
        return await self._api.call(wire.describe_stock(operation), lambda answer: sizes.stock(answer.body))

    async def price(self, operation: Operation, nodes: int) -> Money:
        """ENS DescribePrice: see `ports.Cloud.price`. The price of no nodes is Rejected, and nothing is sent."""
        if nodes < 1:
            raise Rejected("DescribePrice", "CountForbidden", f"the price of {nodes} nodes can not be asked for")
        return await self._api.call(wire.describe_price(operation, nodes), lambda answer: sizes.price(answer.body))

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()

    async def _instances(self, regions: Sequence[RegionId]) -> list[Instance]:
        async with self._chunks:
            return await self._api.whole(lambda cursor: wire.describe_instances(regions, cursor), answers.instances)

    async def _ens_pool(self, operation: EnsScaleClusterNodePool) -> Pool:
        found = await self._api.whole(
            lambda cursor: wire.describe_ens_pools(operation.cluster, cursor),
            lambda body: sizes.ens_pools(body, operation.pool),
        )
        if not found:
            message = f"cluster {operation.cluster} has no node pool {operation.pool}"
            raise NotFound("DescribeClusterNodePools", "NodePoolNotListed", message)
        # A list that moves while it is read may show a pool twice: what was read last is the newest.
        return found[-1]

    def _encoded(self, operation: Operation, nodes: int) -> tuple[wire.Request, tuple[str, ...]]:
        """The purchase, and the secrets inside it."""
        try:
            if isinstance(operation, ScaleOutCluster):
                password = self._login_password(operation)
                return wire.scale_out(operation, nodes, password), (password.get_secret_value(),)
            return wire.scale_pool(operation, nodes), ()
        except ValueError as error:
            raise Rejected(operation.name, "CountForbidden", str(error)) from None

    def _login_password(self, operation: ScaleOutCluster) -> SecretStr:
        try:
            return self._password(operation.template)
        except (ConfigurationRefused, LookupError, OSError, ValueError) as error:
            message = f"the login password of template {operation.template} can not be read: {type(error).__name__}"
            raise Rejected(operation.name, "NoLoginPassword", message) from None
