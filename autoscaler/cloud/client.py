"""The Cloud port over HTTPS: Alibaba Cloud's CS and ENS.

Operations and ids come in, our nouns go out; errors leave as CloudError. Every call is encoded, signed, sent once under
one deadline, and decoded; the knowledge of each step is in a file beside this one. No retry and no rate limit here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from aiohttp.abc import AbstractResolver
from pydantic import SecretStr
from yarl import URL

from autoscaler.cloud import answers, wire
from autoscaler.cloud.body import Unreadable
from autoscaler.cloud.credentials import Credentials, CredentialSource
from autoscaler.cloud.errors import error_from, redact, request_id_of
from autoscaler.cloud.paging import Cursor, Page, read_all
from autoscaler.cloud.signing import acs_date, canonical_query, sign
from autoscaler.cloud.transport import FAILURES, Answer, Progress, Transport, classify
from autoscaler.model.capacity import Instance, Node, Task, TaskRow
from autoscaler.model.errors import CloudError, ConfigurationRefused, OutcomeUnknown, Rejected
from autoscaler.model.names import ClusterId, RegionId, TaskId
from autoscaler.model.operation import Operation, Quantity
from autoscaler.model.order import Receipt
from autoscaler.ports import Clock

T = TypeVar("T")
_CHUNKS_AT_ONCE = 4


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
        self._base: dict[wire.Product, str] = {"cs": cs_url.rstrip("/"), "ens": ens_url.rstrip("/")}
        self._credentials = credentials
        self._password = password
        self._clock = clock
        self._nonce = nonce
        self._timeout = timeout
        self._transport = Transport(resolver)
        self._chunks = asyncio.Semaphore(_CHUNKS_AT_ONCE)

    async def purchase(self, operation: Operation, quantity: Quantity) -> Receipt:
        """Buy: see `ports.Cloud.purchase`."""
        secret = self._login_password(operation)
        request = wire.scale_out(operation, quantity.nodes, secret)
        return await self._call(
            request,
            lambda answer: answers.receipt(answer.body, request_id_of(answer.headers)),
            purchase=True,
            secrets=(secret.get_secret_value(),),
        )

    async def task(self, task: TaskId) -> Task:
        """CS DescribeTaskInfo: see `ports.Cloud.task`."""
        return await self._call(wire.describe_task(task), lambda answer: answers.task(answer.body, task))

    async def tasks(self, cluster: ClusterId, since: float) -> Sequence[TaskRow]:
        """CS DescribeClusterTasks: see `ports.Cloud.tasks`."""

        async def page(cursor: Cursor) -> Page[TaskRow]:
            request = wire.describe_tasks(cluster, cursor)
            return await self._call(request, lambda answer: answers.tasks(answer.body, since))

        rows = await _whole("DescribeClusterTasks", page)
        return list({row.task: row for row in rows}.values())

    async def nodes(self, cluster: ClusterId) -> Sequence[Node]:
        """CS DescribeClusterNodes: see `ports.Cloud.nodes`."""

        async def page(cursor: Cursor) -> Page[Node]:
            return await self._call(wire.describe_nodes(cluster, cursor), lambda answer: answers.nodes(answer.body))

        rows = await _whole("DescribeClusterNodes", page)
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

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def _instances(self, regions: Sequence[RegionId]) -> list[Instance]:
        async def page(cursor: Cursor) -> Page[Instance]:
            request = wire.describe_instances(regions, cursor)
            return await self._call(request, lambda answer: answers.instances(answer.body))

        async with self._chunks:
            return await _whole("DescribeInstances", page)

    def _login_password(self, operation: Operation) -> SecretStr:
        try:
            return self._password(operation.template)
        except (ConfigurationRefused, LookupError, OSError, ValueError) as error:
            message = f"the login password of template {operation.template} can not be read: {type(error).__name__}"
            raise Rejected(operation.name, "NoLoginPassword", message) from None

    async def _call(
        self,
        request: wire.Request,
        decode: Callable[[Answer], T],
        *,
        purchase: bool = False,
        secrets: tuple[str, ...] = (),
    ) -> T:
        answer, hidden = await self._send(request, purchase)
        secrets += hidden
        failed = not 200 <= answer.status < 300 or _refused_inside(request, answer)
        if failed:
            raise error_from(
                request.action, answer.status, answer.headers, answer.body, purchase=purchase, secrets=secrets
            )
        try:
            return decode(answer)
        except Unreadable as error:
            request_id = redact(request_id_of(answer.headers), secrets)
            raise OutcomeUnknown(
                request.action, "AnswerUnreadable", str(error), status=answer.status, request_id=request_id
            ) from None

    async def _send(self, request: wire.Request, purchase: bool) -> tuple[Answer, tuple[str, ...]]:
        """The answer, and the secrets that signed the call."""
        progress = Progress()
        try:
            async with asyncio.timeout(self._timeout):
                credentials = await self._credentials.get()
                headers = self._signed(request, credentials)
                url = f"{self._base[request.product]}{request.path}"
                query = canonical_query(request.query)
                answer = await self._transport.exchange(
                    request.method,
                    f"{url}?{query}" if query else url,
                    headers,
                    request.body,
                    progress,
                    purchase=purchase,
                )
                return answer, credentials.secrets
        except FAILURES as error:
            failure = classify(request.action, error, progress)
        # Raised out here so that the library's exception, which may hold the signed headers, is not attached to it.
        raise failure

    def _signed(self, request: wire.Request, credentials: Credentials) -> dict[str, str]:
        host = URL(self._base[request.product]).host_port_subcomponent or ""
        return sign(request, host, credentials, acs_date(self._clock.now()), self._nonce())


def _refused_inside(request: wire.Request, answer: Answer) -> bool:
    """ENS may put a failure into an answer with HTTP 200, as an integer `Code` that is not 0."""
    if request.product != "ens":
        return False
    try:
        return answers.refusal_code(answer.body) is not None
    except Unreadable:
        return False


async def _whole(action: str, page: Callable[[Cursor], Awaitable[Page[T]]]) -> list[T]:
    try:
        return await read_all(page, wire.PAGE_SIZE)
    except Unreadable as error:
        failure: CloudError = OutcomeUnknown(action, "ListIncomplete", str(error))
    raise failure
