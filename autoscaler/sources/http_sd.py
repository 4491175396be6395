"""Prometheus' http_sd: groups of targets that an endpoint lists, fetched in the background at their own interval.

A fetcher comes in, groups and a problem go out. What the endpoint said last that made sense stays in force while it
makes none or does not answer. Nobody waits for it: what is known is given at once. Source: Prometheus documentation,
"Writing HTTP Service Discovery"; discovery/http/http.go.
"""

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from autoscaler.ports import Clock
from autoscaler.settings.base import duration
from autoscaler.settings.target_groups import HttpSdConfig, StaticConfig
from autoscaler.sources.http import OK, Answer, FetchFailed
from autoscaler.sources.target_groups import UnreadableGroups, read_groups

MAX_BYTES = 64 * 1024 * 1024
_JSON = re.compile(r'application/json(;\s*charset=("utf-8"|utf-8))?', re.IGNORECASE)
_LOG = logging.getLogger(__name__)


class ListFetcher(Protocol):
    """What fetches a list: an HTTP client that speaks to one endpoint as its http_sd_config says."""

    async def fetch(self, url: str, *, within: float, body_limit: int, headers: Mapping[str, str]) -> Answer:
        """GET; `within` is seconds for everything, `body_limit` bytes. Raises FetchFailed if there is no answer."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class HttpGroups:
    """The groups of one endpoint. `fetcher` is its alone and is closed with it."""

    def __init__(self, config: HttpSdConfig, fetcher: ListFetcher, clock: Clock) -> None:
        self._config = config
        self._fetcher = fetcher
        self._clock = clock
        self._groups: tuple[StaticConfig, ...] = ()
        self._problem: str | None = None
        self._given: tuple[StaticConfig, ...] = self._groups
        self._digest = b""
        self._due = clock.monotonic()
        self._fetch: asyncio.Task[None] | None = None

    @property
    def groups(self) -> Sequence[StaticConfig]:
        """What the endpoint stated last; nothing before its first answer."""
        return self._groups

    @property
    def problem(self) -> str | None:
        """What is wrong with the endpoint now."""
        return self._problem

    def refresh(self) -> bool:
        """Start a fetch if one is due; tells whether the groups are other than at the last call."""
        now = self._clock.monotonic()
        if now >= self._due and (self._fetch is None or self._fetch.done()):
            self._due = now + self._config.refresh_interval
            self._fetch = asyncio.create_task(self._refetch(), name=f"http_sd {self._where}")
        former, self._given = self._given, self._groups
        return former is not self._given

    async def close(self) -> None:
        """Give up what is under way and release connections."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.gather(self._fetch, return_exceptions=True)
        await self._fetcher.close()

    @property
    def _where(self) -> str:
        """The URL without its query, which may hold a token."""
        parts = urlsplit(self._config.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    async def _refetch(self) -> None:
        try:
            answer = await self._fetcher.fetch(
                self._config.url,
                within=self._config.refresh_interval,
                body_limit=MAX_BYTES,
                headers={
                    "Accept": "application/json",
                    "X-Prometheus-Refresh-Interval-Seconds": f"{self._config.refresh_interval:.15g}",
                },
            )
            await self._take(answer)
        except (FetchFailed, UnreadableGroups) as error:
            self._complain(str(error))
        except Exception as error:  # noqa: BLE001  # one endpoint's fault stays with that endpoint
            _LOG.exception("http_sd %s", self._where)
            self._complain(f"{type(error).__name__}: {error}")

    async def _take(self, answer: Answer) -> None:
        if answer.status != OK:
            raise UnreadableGroups(f"answers {answer.status_line}")
        if not _JSON.fullmatch(answer.content_type.strip()):
            raise UnreadableGroups(f"answers with Content-Type {answer.content_type[:100]!r}, not application/json")
        digest = hashlib.sha256(answer.body).digest()
        if digest != self._digest:
            self._groups = await asyncio.to_thread(_read, answer.body, self._config.url)
            self._digest = digest
        self._problem = None

    def _complain(self, why: str) -> None:
        again = duration(self._config.refresh_interval)
        self._problem = f"{self._where}: {why}; the targets that it last named stay, it is asked again every {again}"


def _read(body: bytes, url: str) -> tuple[StaticConfig, ...]:
    return read_groups(body, json.loads, {"__meta_url": url})
