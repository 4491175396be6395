"""Targets that an endpoint lists: Prometheus' http_sd."""

import asyncio
import json

import pytest

from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.simulator.clock import VirtualClock
from autoscaler.sources.discovery import Discovery
from autoscaler.sources.http_sd import MAX_BYTES
from tests.unit.sources.jobs import LABEL, REGION, Endpoint, group, job, stated

URL = "http://sd:8080/targets?token=hush"


class Watched:
    """A discovery with one endpoint, in virtual time, and everything that it reported."""

    def __init__(self, body: bytes | None, **settings: object) -> None:
        self.clock = VirtualClock()
        self.endpoint = Endpoint(body)
        self.reported: list[str] = []
        config = job(group("static:1"), http_sd_configs=[{"url": URL, "refresh_interval": "30s"}], **settings)
        self.discovery = Discovery(config, LABEL, self.reported.append, endpoints=[self.endpoint], clock=self.clock)

    async def looked(self) -> list[str]:
        """Addresses after an answer that was under way had all the time that it needs."""
        await self.discovery.refresh()
        fetching = [task for task in asyncio.all_tasks() if task.get_name().startswith("http_sd")]
        await asyncio.gather(*fetching)
        return [target.address for target in await self.discovery.refresh()]

    async def after(self, seconds: float) -> list[str]:
        await self.clock.advance(seconds)
        return await self.looked()


async def test_an_endpoint_is_asked_as_prometheus_asks_it() -> None:
    watched = Watched(stated("a:1", __metrics_path__="/x"))
    assert await watched.looked() == ["static:1", "a:1"]
    ((url, within, limit, headers),) = watched.endpoint.asked
    assert (url, within, limit) == (URL, 30.0, MAX_BYTES)
    assert headers == {"Accept": "application/json", "X-Prometheus-Refresh-Interval-Seconds": "30"}


async def test_nobody_waits_for_an_endpoint() -> None:
    watched = Watched(stated("a:1"))
    answer = asyncio.Event()
    asked = watched.endpoint.fetch

    async def slow(*args: object, **kwargs: object) -> object:
        await answer.wait()
        return await asked(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came

    watched.endpoint.fetch = slow  # type: ignore[method-assign,assignment]  # the same, later
    for _ in range(3):
        assert [target.address for target in await watched.discovery.refresh()] == ["static:1"]
    answer.set()
    assert await watched.looked() == ["static:1", "a:1"]
    assert len(watched.endpoint.asked) == 1


async def test_an_endpoint_is_asked_again_after_its_interval_and_not_before() -> None:
    watched = Watched(stated("a:1"))
    await watched.looked()
    watched.endpoint.body = stated("b:1")
    assert await watched.after(29.9) == ["static:1", "a:1"]
    assert await watched.after(0.1) == ["static:1", "b:1"]
    assert len(watched.endpoint.asked) == 2


async def test_the_same_answer_builds_nothing_anew() -> None:
    watched = Watched(stated("a:1"))
    await watched.looked()
    first = await watched.discovery.refresh()
    await watched.after(30)
    assert len(watched.endpoint.asked) == 2
    assert await watched.discovery.refresh() is first


@pytest.mark.parametrize(
    ("status", "content_type", "body", "why"),
    [
        (503, "application/json", stated("b:1"), "answers HTTP 503 Said So"),
        (204, "application/json", b"", "answers HTTP 204"),
        (200, "text/html", stated("b:1"), "answers with Content-Type 'text/html', not application/json"),
        (200, "application/json; charset=latin-1", stated("b:1"), "answers with Content-Type"),
        (200, "", stated("b:1"), "answers with Content-Type ''"),
        (200, "application/json", b"[{", "is no JSON: line 1"),
        (200, "application/json", b"", "is no JSON"),
        (200, "application/json", b"null", "the whole: Input should be a valid tuple"),
        (200, "application/json", b'{"targets": []}', "the whole: Input should be a valid tuple"),
        (200, "application/json", b'[{"target": ["b:1"]}]', "0.target: Extra inputs are not permitted"),
        (200, "application/json", b"[null]", "0: Input should be"),
        (200, "application/json", b'[{"targets": ["\xff"]}]', "is not UTF-8"),
        (200, "application/json", b'[{"targets": ["\\ud800"]}]', "half of a surrogate pair"),
        (200, "application/json", b"[" * 100_000, "is nested too deeply"),
        (200, "application/json", None, "ConnectionFailed: refused"),
    ],
)
async def test_an_answer_that_makes_no_sense_keeps_the_last_targets_and_is_told_once(
    status: int, content_type: str, body: bytes | None, why: str
) -> None:
    watched = Watched(stated("a:1"))
    await watched.looked()
    watched.endpoint.status, watched.endpoint.content_type, watched.endpoint.body = status, content_type, body
    assert await watched.after(30) == ["static:1", "a:1"]
    assert await watched.after(30) == ["static:1", "a:1"]
    (told,) = watched.reported
    assert told.startswith("edge: http://sd:8080/targets: ")
    assert why in told
    assert "hush" not in told
    assert watched.discovery.problems == (told.removeprefix("edge: "),)
    watched.endpoint.status, watched.endpoint.content_type = 200, "Application/JSON; charset=utf-8"
    watched.endpoint.body = stated("c:1")
    assert await watched.after(30) == ["static:1", "c:1"]
    assert list(watched.discovery.problems) == []


async def test_an_empty_list_is_an_answer_and_takes_the_targets_away() -> None:
    watched = Watched(stated("a:1"))
    await watched.looked()
    watched.endpoint.body = b"[]"
    assert await watched.after(30) == ["static:1"]
    assert watched.reported == []


async def test_null_where_go_has_nothing_is_nothing() -> None:
    body = b'[{"targets": null, "labels": null}, {"targets": ["a:1"], "labels": {"ens_region_id": "r"}}]'
    assert await Watched(body).looked() == ["static:1", "a:1"]


async def test_rules_see_which_endpoint_listed_a_target() -> None:
    watched = Watched(
        json.dumps([{"targets": ["a:1"]}]).encode(),
        relabel_configs=[
            {"source_labels": ["__meta_url"], "regex": "http://([^:]+):.*", "target_label": "list"},
            {"source_labels": [LABEL], "regex": "", "target_label": LABEL, "replacement": REGION},
        ],
    )
    assert await watched.looked() == ["static:1", "a:1"]
    assert (await watched.discovery.refresh())[1].labels["list"] == "sd"


async def test_an_error_nobody_thought_of_stays_with_its_endpoint() -> None:
    watched = Watched(stated("a:1"))

    async def broken(*_args: object, **_kwargs: object) -> object:
        raise ZeroDivisionError("by hand")

    watched.endpoint.fetch = broken  # type: ignore[method-assign,assignment]  # what it must never do
    assert await watched.looked() == ["static:1"]
    assert "ZeroDivisionError: by hand" in watched.reported[0]


async def test_what_is_under_way_ends_with_the_discovery() -> None:
    watched = Watched(stated("a:1"))

    async def forever(*_args: object, **_kwargs: object) -> object:
        return await asyncio.Event().wait()

    watched.endpoint.fetch = forever  # type: ignore[method-assign,assignment]  # an endpoint that hangs
    await watched.discovery.refresh()
    await watched.discovery.close()
    assert watched.endpoint.closed
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("http_sd")] == []


def test_a_job_with_endpoints_needs_a_fetcher_for_each() -> None:
    config = ScrapeConfig.model_validate({"job_name": "edge", "http_sd_configs": [{"url": URL}]})
    with pytest.raises(ValueError, match="edge: needs a clock and 1 fetchers for http_sd"):
        Discovery(config, LABEL, lambda _problem: None)
