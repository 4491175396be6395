"""PromQL: a Prometheus server asked one instant query per distinct text, for all regions at once.

A PrometheusServer and needs come in, waves go out. An answer is one series per region: what has no region, or shares
it with another series, is said and not guessed at. Source: Prometheus documentation, "HTTP API", "Instant queries".
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoscaler.model.errors import AutoscalerError
from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Sample, TargetStatus, Wave
from autoscaler.ports import Clock
from autoscaler.settings.sources import PrometheusServer
from autoscaler.sources.http import Fetcher, FetchFailed
from autoscaler.sources.promql_answer import Series, Vector, read_answer

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer: about a hundred thousand series."""
NO_REGION = RegionId("")
"""The region of what concerns a query as a whole."""
_LOOKUPS = 4
"""Threads that look up the name of one server."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PromqlNeed:
    """A query that somebody reads, and the age in seconds beyond which a sample is of no use to anybody."""

    query: str
    max_age: float


@dataclass(frozen=True, slots=True)
class _Asked:
    """What came of one query."""

    statuses: tuple[TargetStatus, ...]
    samples: tuple[Sample, ...] = ()


class PromqlSource:
    """Implements ports.SampleSource for one Prometheus server.

    A query is its samples' target and metric. It answers with one status per region, or with one of region "" if it
    failed whole. The server is told to look back no further than a need's `max_age`, for the time in its answer is that
    of the query and not of the samples behind it; Prometheus before 2.43 ignores that and looks back as far as its own
    --query.lookback-delta (5 minutes). `report` (the log, if none is given) is told of series that have
    no region, once for each change.
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
        self._region_label = region_label
        self._clock = clock
        self._report = report or _LOG.warning
        self._reported: frozenset[str] = frozenset()
        # A connection that died while it idled would fail a POST, which is not sent twice: each query has its own.
        self._fetcher = Fetcher(lookups=_LOOKUPS, reuse=0)
        self._look_back: dict[str, float] = {}
        for need in needs:
            self._look_back[need.query] = max(need.max_age, self._look_back.get(need.query, 0.0))

    @property
    def name(self) -> str:
        """The server's name."""
        return self._server.name

    @property
    def interval(self) -> float:
        """Seconds between two passes."""
        return self._server.interval

    async def collect(self) -> Wave:
        """Ask every query once, all at the same time; takes at most the server's timeout.

        Raises AutoscalerError if the token file can not be read: then nothing is asked.
        """
        started = self._clock.monotonic()
        headers = await asyncio.to_thread(_headers, self._server)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._ask(query, look_back, headers), name=f"query {query}")
                for query, look_back in self._look_back.items()
            ]
        asked = [task.result() for task in tasks]
        statuses = tuple(status for one in asked for status in one.statuses)
        self._report_news(statuses)
        return Wave(
            source=self.name,
            at=self._clock.now(),
            took=self._clock.monotonic() - started,
            targets=statuses,
            samples=tuple(sample for one in asked for sample in one.samples),
        )

    async def close(self) -> None:
        """Release connections."""
        await self._fetcher.close()

    async def _ask(self, query: str, look_back: float, headers: Mapping[str, str]) -> _Asked:
        timeout = self._server.timeout
        form = {"query": query, "timeout": f"{timeout:.3f}", "lookback_delta": f"{look_back:.3f}"}
        url = f"{self._server.url}/api/v1/query"
        try:
            answer = await self._fetcher.fetch(url, within=timeout, body_limit=BODY_LIMIT, headers=headers, form=form)
            return _by_region(query, read_answer(answer), self._region_label)
        except FetchFailed as failed:
            return _Asked((TargetStatus(query, NO_REGION, up=False, reason=failed.reason, detail=failed.detail),))

    def _report_news(self, statuses: Sequence[TargetStatus]) -> None:
        problems = frozenset(
            f"{self.name}: {status.detail}: {status.target}"
            for status in statuses
            if status.region == NO_REGION and status.reason is Reason.WRONG_RESULT
        )
        for problem in sorted(problems - self._reported):
            self._report(problem)
        self._reported = problems


def _headers(server: PrometheusServer) -> dict[str, str]:
    """Blocking: reads the token anew, since tokens are rotated."""
    headers = {name: value.get_secret_value() for name, value in server.headers.items()}
    if server.bearer_token_file is not None:
        headers["Authorization"] = f"Bearer {_token(server.bearer_token_file)}"
    return headers


def _token(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AutoscalerError(f"bearer_token_file {path} can not be read: {type(error).__name__}") from None
    if not token.isascii() or not token.isprintable() or not token:
        raise AutoscalerError(f"bearer_token_file {path} holds no token: one line of printable ASCII is needed")
    return token


def _by_region(query: str, vector: Vector, region_label: str) -> _Asked:
    regions: dict[RegionId, list[Series]] = defaultdict(list)
    for series in vector.series:
        regions[RegionId(series.labels.get(region_label, ""))].append(series)
    homeless = regions.pop(NO_REGION, [])
    remarks = "; ".join(vector.warnings)
    statuses, samples = [], []
    for region, found in regions.items():
        if len(found) > 1:
            detail = f"{len(found)} series of this region; group them by {region_label}"
            statuses.append(TargetStatus(query, region, up=False, reason=Reason.SEVERAL_SERIES, detail=detail))
            continue
        only = found[0]
        statuses.append(TargetStatus(query, region, up=True, reason=Reason.UP, detail=remarks))
        samples.append(Sample(region, query, query, only.labels, only.value, only.at))
    if homeless:
        detail = f"{len(homeless)} series have no label {region_label} and are dropped"
        statuses.append(TargetStatus(query, NO_REGION, up=False, reason=Reason.WRONG_RESULT, detail=detail))
    return _Asked(tuple(statuses), tuple(samples))
