"""From what the operator wrote to the sources that somebody reads; the others are not asked at all."""

from collections.abc import Iterable, Sequence

from autoscaler.policy.language import SignalSpec
from autoscaler.ports import Clock
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.settings.shape import Settings
from autoscaler.sources.alerts import AlertSource
from autoscaler.sources.http import AiohttpFetcher, WaveFetcher
from autoscaler.sources.promql import PromqlNeed, PromqlSource
from autoscaler.sources.scrape import ScrapeSource

_LOOKUPS = 50
"""Threads of a job that look names up: so many dead names delay nobody else."""
_LIST_LOOKUPS = 2


def scrape_sources(settings: Settings, specs: Sequence[SignalSpec], clock: Clock) -> list[ScrapeSource]:
    """One source for each scrape job of which a signal reads a metric."""
    sources = []
    for job in settings.scrape_configs:
        wanted = frozenset(spec.scrape.metric for spec in specs if spec.scrape and spec.scrape.job == job.job_name)
        if wanted:
            sources.append(_scrape_source(job, wanted, settings.region_label, clock))
    return sources


def promql_sources(settings: Settings, specs: Sequence[SignalSpec], clock: Clock) -> list[PromqlSource]:
    """One source for each Prometheus server that a signal asks."""
    found = ((server, _needs(specs, server.name)) for server in settings.prometheus)
    label = settings.region_label
    return [PromqlSource(server, needs, region_label=label, clock=clock) for server, needs in found if needs]


def alert_sources(settings: Settings, clock: Clock) -> list[AlertSource]:
    """One source for each receiver, read or not: an Alertmanager that is configured must find its page."""
    label = settings.region_label
    return [AlertSource(receiver, region_label=label, clock=clock) for receiver in settings.alertmanager]


def _scrape_source(job: ScrapeConfig, wanted: frozenset[str], region_label: str, clock: Clock) -> ScrapeSource:
    reuse = job.scrape_interval * 2
    return ScrapeSource(
        job,
        wanted=wanted,
        region_label=region_label,
        clock=clock,
        fetcher=WaveFetcher(lookups=_LOOKUPS, reuse=reuse, config=job),
        endpoints=[AiohttpFetcher(lookups=_LIST_LOOKUPS, reuse=0, config=one) for one in job.http_sd_configs],
    )


def _needs(specs: Iterable[SignalSpec], server: str) -> tuple[PromqlNeed, ...]:
    """Each distinct query once, looking back as far as the most patient signal that reads it allows."""
    oldest: dict[str, float] = {}
    for spec in specs:
        if spec.promql and spec.promql.server == server:
            oldest[spec.promql.query] = max(spec.max_age_seconds, oldest.get(spec.promql.query, 0.0))
    return tuple(PromqlNeed(query, max_age) for query, max_age in sorted(oldest.items()))
