"""Several servers that hold the same series: which one is asked, and where the query API of each is.

The fetcher is used in this module only. An endpoint and a query come in; the bytes of an answer go out, or FetchFailed.
Nothing here knows what an answer means.
"""

from collections.abc import Mapping, Sequence

from autoscaler.model.reason import Reason
from autoscaler.settings.promql_server import PrometheusServer
from autoscaler.sources.http import AiohttpFetcher, Answer, FetchFailed
from autoscaler.sources.promql_answer import ServerFault

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer: about a hundred thousand series."""
RETURN_AFTER = 60.0
"""Seconds after which the preferred endpoint is tried again."""
_LOOKUPS = 4
"""Threads that look up the names of one server's endpoints."""
_OF_THE_ENDPOINT = frozenset({Reason.DNS_FAILED, Reason.CONNECTION_FAILED, Reason.TLS_FAILED, Reason.TIMED_OUT})


def another_may_answer(failed: FetchFailed) -> bool:
    """Whether it is the endpoint that failed; what is wrong with the query (4xx) is wrong everywhere."""
    return isinstance(failed, ServerFault) or failed.reason in _OF_THE_ENDPOINT


class Endpoints:
    """In which order the endpoints of a server are asked. Times are seconds of a steady clock."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = tuple(urls)
        self._first = 0
        self._left_at = 0.0

    def order(self, now: float) -> tuple[str, ...]:
        """Every endpoint: the one that answered last, then the others as preferred; from time to time as preferred."""
        if self._first and now - self._left_at >= RETURN_AFTER:
            return self._urls
        chosen = self._urls[self._first]
        return (chosen, *(url for url in self._urls if url != chosen))

    def settle(self, url: str, now: float) -> bool:
        """Ask this one first from now on: those before it in `order` gave no answer. Tells if that is a change."""
        place = self._urls.index(url)
        changed = place != self._first
        if changed or now - self._left_at >= RETURN_AFTER:
            self._left_at = now
        self._first = place
        return changed


class QueryApi:
    """The query API of a server's endpoints, with its credentials and headers."""

    def __init__(self, server: PrometheusServer) -> None:
        self._headers = {name: value.get_secret_value() for name, value in server.headers.items()}
        # A connection that died while it idled would fail a POST, which is not sent twice: each query has its own.
        self._fetcher = AiohttpFetcher(lookups=_LOOKUPS, reuse=0, config=server)

    async def get(self, url: str, path: str, within: float) -> Answer:
        """What the server says of itself; `within` is seconds. Raises FetchFailed."""
        return await self._fetcher.fetch(url + path, within=within, body_limit=BODY_LIMIT, headers=self._headers)

    async def query(self, url: str, form: Mapping[str, str], within: float) -> Answer:
        """The answer to an instant query; `within` is seconds. Raises FetchFailed."""
        return await self._fetcher.fetch(
            f"{url}/api/v1/query", within=within, body_limit=BODY_LIMIT, headers=self._headers, form=form
        )

    async def close(self) -> None:
        """Release connections."""
        await self._fetcher.close()
