"""One API call: encoded in, signed, sent once under one deadline, decoded out.

A Request and a decoder come in, what the decoder made goes out; whatever goes wrong leaves as a CloudError named by
the reaction it calls for. It must not retry, limit, or know what an operation means.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp.abc import AbstractResolver
from yarl import URL

from autoscaler.cloud import answers, wire
from autoscaler.cloud.body import Unreadable
from autoscaler.cloud.credentials import Credentials, CredentialSource
from autoscaler.cloud.errors import error_from, redact, request_id_of
from autoscaler.cloud.paging import Cursor, Page, read_all
from autoscaler.cloud.signing import acs_date, canonical_query, sign
from autoscaler.cloud.transport import FAILURES, Answer, Progress, Transport, classify
from autoscaler.model.errors import CloudError, OutcomeUnknown
from autoscaler.ports import Clock

T = TypeVar("T")


class ApiCaller:
    """Sends requests to the two products. `timeout` is the total deadline of one HTTP call in seconds.

    `nonce()` gives a text that it never gives twice.
    """

    def __init__(
        self,
        base: dict[wire.Product, str],
        credentials: CredentialSource,
        clock: Clock,
        nonce: Callable[[], str],
        timeout: float,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._base = {product: url.rstrip("/") for product, url in base.items()}
        self._credentials = credentials
        self._clock = clock
        self._nonce = nonce
        self._timeout = timeout
        self._transport = Transport(resolver)

    async def call(
        self,
        request: wire.Request,
        decode: Callable[[Answer], T],
        *,
        purchase: bool = False,
        secrets: tuple[str, ...] = (),
    ) -> T:
        """What `decode` makes of the answer. `secrets` are struck out of every text of an error.

        Raises CloudError; OutcomeUnknown where a successful answer can not be read.
        """
        answer, hidden = await self._send(request, purchase)
        secrets += hidden
        if not 200 <= answer.status < 300 or _refused_inside(request, answer):
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

    async def whole(self, request: Callable[[Cursor], wire.Request], decode: Callable[[bytes], Page[T]]) -> list[T]:
        """All rows of a list whose pages `request` asks for and `decode` reads. Raises CloudError."""

        def page(cursor: Cursor) -> Awaitable[Page[T]]:
            return self.call(request(cursor), lambda answer: decode(answer.body))

        try:
            return await read_all(page, wire.PAGE_SIZE)
        except Unreadable as error:
            failure: CloudError = OutcomeUnknown(request(Cursor()).action, "ListIncomplete", str(error))
        raise failure

    async def close(self) -> None:
        """Close all connections; nothing can be sent afterwards."""
        await self._transport.close()

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
    """ENS may put a failure into an answer with HTTP 200, as a `Code` that is not 0."""
    if request.product != "ens":
        return False
    try:
        return answers.refused(answer.body)
    except Unreadable:
        return False
