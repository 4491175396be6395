"""PromQL: a Prometheus server asked one instant query per distinct text, for all regions at once.

A PrometheusServer and needs come in, waves go out. An answer is a column for each region: what has no region, or lacks
the series of some store, is said and not guessed at. Source: Prometheus documentation, "HTTP API", "Instant queries".
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from autoscaler.model.reason import Reason
from autoscaler.model.signals import TargetStatus, Wave
from autoscaler.ports import Clock
from autoscaler.settings.promql_server import PrometheusServer
from autoscaler.sources.http import Answer, FetchFailed
from autoscaler.sources.promql_answer import Series, ServerFault, Vector, read_answer
from autoscaler.sources.promql_columns import NO_REGION, RegionColumns
from autoscaler.sources.promql_endpoints import Endpoints, QueryApi, another_may_answer
from autoscaler.sources.promql_lookback import Bound, Lookback, Obedient, OldPrometheus, old_version, own_lookback

__all__ = ["NO_REGION", "PromqlNeed", "PromqlSource"]

_DETAIL = 300
"""Characters of a status' detail."""
_LARGE = 64 * 1024
"""Bytes of an answer that is read in a thread, for the loop's sake: some six hundred series."""
_ABOUT_ITSELF = 0.25
"""Share of an endpoint's time that it has to say which version it is."""
_NOT_NOW = frozenset({502, 503, 504})
"""Statuses of a server that starts, or is not reached: it has not said what it is."""
_LEARN_AGAIN_AFTER = 3600.0
"""Seconds after which a server is asked again what it is."""
_SHORTEST = 0.001
"""Seconds: what a server still takes as a timeout."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PromqlNeed:
    """A query that somebody reads, and the age in seconds beyond which a sample is of no use to anybody."""

    query: str
    max_age: float


_Outcome = tuple[TargetStatus, ...] | FetchFailed


class PromqlSource:
    """Implements ports.SampleSource for one Prometheus server, or several that hold the same series.

    A query is its statuses' target and the metric of their columns. It answers with one status for each region and one
    of region "", which says whether it was answered at all. The server is made to look back no further than a need's
    `max_age`, for the time in its answer is that of the query and not of the samples behind it (see promql_lookback).
    `report` (the log, if none is given) is told of series that have no region, of partial answers, and of a change of
    the endpoint, once for each change.
    """

    def __init__(
        self,
        server: PrometheusServer,
        needs: Sequence[PromqlNeed],
        *,
        region_label: str,
        clock: Clock,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._server = server
        self._clock = clock
        self._report = report or _LOG.warning
        self._reported: frozenset[str] = frozenset()
        self._api = QueryApi(server)
        self._endpoints = Endpoints(server.endpoints)
        self._lookbacks: dict[str, tuple[Lookback, float]] = {}
        self._due: float | None = None
        self._max_ages: dict[str, float] = {}
        for need in needs:
            self._max_ages[need.query] = max(need.max_age, self._max_ages.get(need.query, 0.0))
        self._columns = {query: RegionColumns(query, region_label) for query in self._max_ages}

    @property
    def name(self) -> str:
        """The server's name."""
        return self._server.name

    def pause(self) -> float:
        """Seconds until the next pass; there is an interval between the starts of two."""
        return 0.0 if self._due is None else max(0.0, self._due - self._clock.monotonic())

    async def collect(self) -> Wave:
        """Ask every query, all at the same time; takes at most the server's timeout.

        What an endpoint does not answer is asked at the next one; each has its share of the time that is left.
        """
        started = self._clock.monotonic()
        self._due = started + self._server.interval
        outcomes = await self._ask_all(started + self._server.timeout)
        statuses = tuple(
            status
            for query, outcome in outcomes.items()
            for status in (outcome if isinstance(outcome, tuple) else (_failed(query, outcome),))
        )
        self._report_news(statuses)
        return Wave(self.name, self._clock.now(), self._clock.monotonic() - started, statuses)

    async def close(self) -> None:
        """Release connections."""
        await self._api.close()

    async def _ask_all(self, deadline: float) -> dict[str, _Outcome]:
        order = self._endpoints.order(self._clock.monotonic())
        outcomes: dict[str, _Outcome] = {}
        open_queries: Sequence[str] = tuple(self._max_ages)
        for place, url in enumerate(order):
            now = self._clock.monotonic()
            within = (deadline - now) / (len(order) - place)
            if not open_queries or within <= 0:
                break
            asked = await self._ask_endpoint(url, open_queries, within)
            unanswered = [query for query, outcome in asked.items() if _is_endpoint_fault(outcome)]
            if len(unanswered) < len(open_queries) == len(self._max_ages) and self._endpoints.settle(url, now):
                self._report(f"{self.name}: asks {url} now")
            outcomes |= _joined(outcomes, asked, url if len(order) > 1 else "")
            open_queries = unanswered
        return {query: outcomes[query] for query in self._max_ages}

    async def _ask_endpoint(self, url: str, queries: Iterable[str], within: float) -> dict[str, _Outcome]:
        started = self._clock.monotonic()
        try:
            lookback = await self._lookback(url, within * _ABOUT_ITSELF)
        except FetchFailed as failed:
            return dict.fromkeys(queries, failed)
        left = within - (self._clock.monotonic() - started)
        async with asyncio.TaskGroup() as group:
            tasks = {
                query: group.create_task(self._ask(url, query, lookback, left), name=f"query {query}")
                for query in queries
            }
        outcomes = {query: task.result() for query, task in tasks.items()}
        if any(_is_endpoint_fault(outcome) for outcome in outcomes.values()):
            self._lookbacks.pop(url, None)  # what answers there next may be another version
        return outcomes

    async def _ask(self, url: str, query: str, lookback: Lookback, within: float) -> _Outcome:
        bound = lookback.bound(query, self._max_ages[query], self._clock.now())
        form = {"query": query, "timeout": f"{max(within, _SHORTEST):.3f}", **bound.form}
        try:
            answer = await self._api.query(url, form, within)
            if len(answer.body) > _LARGE:
                return await asyncio.to_thread(self._read, answer, url, query, bound)
            return self._read(answer, url, query, bound)
        except FetchFailed as failed:
            return failed

    def _read(self, answer: Answer, url: str, query: str, bound: Bound) -> _Outcome:
        """What an answer comes to. Raises FetchFailed. Blocking, if it is large."""
        vector = read_answer(answer)
        if vector.partial and not self._server.use_partial_answers:
            raise FetchFailed(Reason.PARTIAL_ANSWER, "; ".join(vector.remarks))
        said = (*([f"answered by {url}"] if len(self._server.endpoints) > 1 else ()), *vector.remarks, bound.remark)
        detail = "; ".join(filter(None, said))[:_DETAIL]
        return self._columns[query].statuses(_as_of_now(vector, bound), detail)

    async def _lookback(self, url: str, within: float) -> Lookback:
        """What is known of how far an endpoint looks back; asked once, for it changes with the version only.

        Raises FetchFailed if nothing is known and the endpoint does not answer.
        """
        now = self._clock.monotonic()
        known = self._lookbacks.get(url)
        if known is not None and now - known[1] < _LEARN_AGAIN_AFTER:
            return known[0]
        try:
            lookback = await self._learn(url, within / 2)
        except FetchFailed as failed:
            if known is not None:
                return known[0]
            if another_may_answer(failed):
                raise  # asked as if it obeyed, an old Prometheus would pass off old samples as new
            return Obedient()
        self._lookbacks[url] = (lookback, now)
        return lookback

    async def _learn(self, url: str, within: float) -> Lookback:
        """What an endpoint says of itself. Raises FetchFailed if it does not answer now."""
        version = old_version(await self._told(url, "/api/v1/status/buildinfo", within))
        if version is None:
            return Obedient()
        return OldPrometheus(version, own_lookback(await self._told(url, "/api/v1/status/flags", within)))

    async def _told(self, url: str, path: str, within: float) -> Answer:
        answer = await self._api.get(url, path, within)
        if answer.status in _NOT_NOW:
            raise ServerFault(Reason.BAD_STATUS, f"{path}: {answer.status_line}")
        return answer

    def _report_news(self, statuses: Iterable[TargetStatus]) -> None:
        problems = frozenset(
            f"{self.name}: {status.detail}: {status.target}"
            for status in statuses
            if status.region == NO_REGION and status.reason in {Reason.WRONG_RESULT, Reason.PARTIAL_ANSWER}
        )
        for problem in sorted(problems - self._reported):
            self._report(problem)
        self._reported = problems


def _is_endpoint_fault(outcome: _Outcome) -> bool:
    return isinstance(outcome, FetchFailed) and another_may_answer(outcome)


def _joined(before: dict[str, _Outcome], asked: dict[str, _Outcome], url: str) -> dict[str, _Outcome]:
    """The outcomes at one endpoint; a failure says where, and what the endpoints before it said."""
    joined: dict[str, _Outcome] = {}
    for query, outcome in asked.items():
        former = before.get(query)
        if isinstance(outcome, FetchFailed) and url:
            told = f"{former.detail}; " if isinstance(former, FetchFailed) else ""
            joined[query] = FetchFailed(outcome.reason, f"{told}{url}: {outcome.detail}")
        else:
            joined[query] = outcome
    return joined


def _failed(query: str, failed: FetchFailed) -> TargetStatus:
    return TargetStatus(query, NO_REGION, up=False, reason=failed.reason, detail=failed.detail)


def _as_of_now(vector: Vector, bound: Bound) -> Vector:
    """The vector with the moment that was meant, where another one was asked for."""
    if not bound.ahead:
        return vector
    return Vector(tuple(Series(one.labels, one.value, one.at - bound.ahead) for one in vector.series), vector.remarks)
