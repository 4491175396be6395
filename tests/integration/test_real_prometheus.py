"""The sources against the real thing: node_exporter, and a Prometheus that scrapes it too.

It is the Prometheus on PATH, and beside it the one that PROMETHEUS_BIN names.
"""

import json
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from autoscaler.clock import SystemClock
from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import Decision, Facts, RegionFacts
from autoscaler.model.names import InstanceId, RegionId
from autoscaler.model.operation import Offer
from autoscaler.model.reason import Reason
from autoscaler.model.signals import TargetStatus
from autoscaler.policy.decide import Policies, decide
from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.signals.region import RegionSignals
from autoscaler.policy.signals.said import Said
from autoscaler.settings.promql_server import PrometheusServer
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.discovery import Discovery
from autoscaler.sources.http import AiohttpFetcher
from autoscaler.sources.promql import NO_REGION, PromqlNeed, PromqlSource
from autoscaler.sources.scrape import ScrapeSource
from tests.integration.servers import RealServer, free_port, node_exporter, prometheus, prometheus_binaries, wait_until
from tests.unit.policy import builders

LABEL = "ens_region_id"
REGION = RegionId("cn-beijing-cmcc-2")
TOTAL = "node_memory_MemTotal_bytes"
QUERY = f"sum by ({LABEL}) ({TOTAL})"
STAMPED = 100.0
"""Seconds that a sample is old which stays visible: one with a time of its own is never marked as stale."""


@dataclass(frozen=True)
class Edge:
    """One node_exporter, the Prometheus that scrapes it, and the job that both are given."""

    exporter: RealServer
    server: RealServer
    job: ScrapeConfig

    def targets(self) -> list[dict[str, Any]]:
        """What Prometheus scrapes, as its API says, with the default ports that only 2.x writes."""
        answer: Any = self.server.get_json("/api/v1/targets?state=active")
        found: list[dict[str, Any]] = answer["data"]["activeTargets"]
        return [_with_port(target) for target in found if target["scrapePool"] == "edge"]


def _with_port(target: dict[str, Any]) -> dict[str, Any]:
    url = urlsplit(target["scrapeUrl"])
    if url.port is not None:
        return target
    address = f"{url.netloc}:{443 if url.scheme == 'https' else 80}"
    labels = target["labels"]
    if labels["instance"] == url.netloc:
        labels = {**labels, "instance": address}
    return {**target, "scrapeUrl": url._replace(netloc=address).geturl(), "labels": labels}


@contextmanager
def stamped_page(age: float) -> Iterator[str]:
    """The address of a page whose one sample says its own time: `age` seconds before the page is first asked for."""
    at: list[int] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            at[:] = at or [int((SystemClock().now() - age) * 1000)]
            body = f"edge_stamped 5 {at[0]}\n".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002  # as it is called there

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Page)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def write_file_sd(folder: Path, exporter: str) -> list[str]:
    """Files in both forms; the globs and paths that find them."""
    folder.mkdir()
    region = {LABEL: REGION}
    groups = [
        {"targets": [exporter], "labels": region},
        {"targets": [exporter], "labels": {**region, "__metrics_path__": "/nowhere/a b?c=d"}},
        {"targets": [exporter, exporter], "labels": {**region, "__address__": "127.0.0.1:1"}},
        {"targets": ["127.0.0.1", "[::1]"], "labels": {**region, "__param_module": "a b&c", "__param_a": "1/2"}},
    ]
    (folder / "edge-1.json").write_text(json.dumps(groups), encoding="utf-8")
    (folder / "edge-2.json").write_text(
        json.dumps([{"targets": ["127.0.0.1:1"], "labels": {LABEL: "cn-x", "__scheme__": "https"}}]), encoding="utf-8"
    )
    (folder / "named.yml").write_text(
        "- targets: ['127.0.0.1:2']\n"
        "  labels: {ens_region_id: cn-y, rack: 1.10, on: yes, empty: '', __metrics_path__: metrics}\n"
        "- targets:\n  - 127.0.0.1:3\n  labels: {ens_region_id: 007, __scheme__: https, instance: mine}\n",
        encoding="utf-8",
    )
    return [f"{folder}/edge-*.json", f"{folder}/named.yml"]


@pytest.fixture(scope="module", params=prometheus_binaries())
def edge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    folder = tmp_path_factory.mktemp("edge")
    with ExitStack() as stack:
        exporter = stack.enter_context(node_exporter(folder))
        job = {"job_name": "edge", "file_sd_configs": [{"files": write_file_sd(folder / "sd", exporter.address)}]}
        stamped = stack.enter_context(stamped_page(STAMPED))
        old = {"job_name": "old", "static_configs": [{"targets": [stamped], "labels": {LABEL: REGION}}]}
        server = stack.enter_context(prometheus(folder, {"scrape_configs": [job, old]}, request.param))
        for metric in (TOTAL, "edge_stamped"):
            wait_until(lambda: metric in (server.get(f"/api/v1/query?query={metric}") or ""), f"it has {metric}")  # noqa: B023  # called here
        yield Edge(exporter, server, ScrapeConfig.model_validate(job))


@asynccontextmanager
async def asking(edge: Edge, *needs: PromqlNeed) -> AsyncIterator[PromqlSource]:
    server = PrometheusServer.model_validate({"name": "prom", "url": edge.server.url})
    source = PromqlSource(server, needs, region_label=LABEL, clock=SystemClock())
    try:
        yield source
    finally:
        await source.close()


async def scraped(job: ScrapeConfig, *wanted: str) -> tuple[TargetStatus, ...]:
    """What all targets of a job say when they are first asked."""
    targets = await Discovery(job, LABEL, print).refresh()
    fetcher = AiohttpFetcher(lookups=4, reuse=0, config=job)
    clock = SystemClock()
    source = ScrapeSource(job, wanted=frozenset(wanted), region_label=LABEL, clock=clock, fetcher=fetcher)
    found: list[TargetStatus] = []
    try:
        while len(found) < len(targets):
            found += (await source.collect()).targets
    finally:
        await source.close()
    return tuple(found)


def static_job(edge_or_exporter: RealServer) -> ScrapeConfig:
    static = [{"targets": [edge_or_exporter.address], "labels": {LABEL: REGION}}]
    return ScrapeConfig.model_validate({"job_name": "direct", "static_configs": static})


async def both_ways(edge: Edge) -> tuple[Sequence[TargetStatus], Sequence[TargetStatus]]:
    """The exporter scraped by ourselves, and asked for through Prometheus."""
    async with asking(edge, PromqlNeed(QUERY, 60)) as source:
        return await scraped(static_job(edge.exporter), TOTAL), (await source.collect()).targets


async def test_a_scrape_and_a_query_give_the_same_number_for_the_region(edge: Edge) -> None:
    (direct,), (queried, whole) = await both_ways(edge)
    assert (direct.region, queried.region, whole.region) == (REGION, REGION, NO_REGION)
    assert [target.reason for target in (direct, queried, whole)] == [Reason.UP] * 3
    columns = direct.columns[TOTAL], queried.columns[QUERY]
    assert columns[0].values[0] == columns[1].values[0] > 0
    assert [len(column.values) for column in columns] == [1, 1]
    assert all(abs(SystemClock().now() - column.oldest) < 10 for column in columns)


def decision_from(statuses: Sequence[TargetStatus], origin: dict[str, dict[str, str]], per_node: float) -> Decision:
    """What a policy that reads its signal from this origin decides on what was said, with two nodes ready."""
    document = {
        "apiVersion": "autoscaler/v1",
        "kind": "ScalingPolicy",
        "metadata": {"name": "memory"},
        "spec": {
            "regions": ["cn-*"],
            "maxNodes": 20,
            "signals": [{"name": "memory", **origin}],
            "rules": [
                {"type": "TargetTracking", "signal": "memory", "target": {"type": "AverageValue", "value": per_node}}
            ],
        },
    }
    policy = ScalingPolicy.model_validate(document)
    now, (spec,) = SystemClock().now(), policy.spec.signals
    assert spec.source is not None
    signals = RegionSignals(REGION, policy.spec.signals)
    own, whole = ([one for one in statuses if one.region == region] for region in (REGION, NO_REGION))
    signals.read(spec.source, Said(own, whole, now))
    nobody: frozenset[InstanceId] = frozenset()
    ready = frozenset({InstanceId("i-1"), InstanceId("i-2")})
    facts = RegionFacts(REGION, signals.signals, Capacity(REGION, ready, nobody, nobody, nobody, now))
    policies = Policies({REGION: policy}, 120.0, {REGION: (Offer(builders.operation(REGION)),)})
    (decision,) = decide(Facts(1, now, {REGION: facts}), policies).decisions
    return decision


async def test_a_scrape_and_a_query_lead_to_the_same_decision(edge: Edge) -> None:
    own, asked = await both_ways(edge)
    per_node = own[0].columns[TOTAL].values[0] / 4.5
    direct = decision_from(own, {"scrape": {"job": "direct", "metric": TOTAL}}, per_node)
    queried = decision_from(asked, {"promql": {"server": "prom", "query": QUERY}}, per_node)
    assert (direct.desired, direct.delta, direct.reason) == (5, 3, Reason.ABOVE_TARGET)
    assert (queried.desired, queried.delta, queried.reason) == (5, 3, Reason.ABOVE_TARGET)
    assert direct.votes == queried.votes
    assert direct.steps == queried.steps
    assert [signal.coverage for signal in (*direct.signals, *queried.signals)] == [1.0, 1.0]


async def test_the_whole_page_of_node_exporter_is_well_formed_to_us(tmp_path: Path) -> None:
    collectors = ["cpu", "diskstats", "filesystem", "loadavg", "meminfo", "netdev", "stat", "uname", "vmstat"]
    wanted = {"node_load1", "node_uname_info", "node_cpu_seconds_total"}
    with node_exporter(tmp_path, collectors=collectors) as exporter:
        (status,) = await scraped(static_job(exporter), *wanted)
    assert status.reason is Reason.UP
    assert set(status.columns) == wanted


async def test_our_targets_are_those_of_prometheus_for_the_same_files(edge: Edge) -> None:
    reported: list[str] = []
    ours = await Discovery(edge.job, LABEL, reported.append).refresh()
    theirs = edge.targets()
    assert sorted(target.url for target in ours) == sorted({target["scrapeUrl"] for target in theirs})
    assert {target.url: target.labels for target in ours} == {one["scrapeUrl"]: one["labels"] for one in theirs}
    assert reported == []


async def test_both_agree_on_which_targets_are_up(edge: Edge) -> None:
    statuses = await scraped(edge.job, TOTAL)
    wait_until(lambda: all(one["health"] != "unknown" for one in edge.targets()), "Prometheus has tried every target")
    assert {target.target: target.up for target in statuses} == {
        one["scrapeUrl"]: one["health"] == "up" for one in edge.targets()
    }
    assert {target.target for target in statuses if target.up} == {f"{edge.exporter.url}/metrics"}


@pytest.mark.parametrize(
    ("query", "reason", "detail"),
    [
        ("sum by (", Reason.BAD_STATUS, "HTTP 400 Bad Request: bad_data: "),
        ("1 + 1", Reason.WRONG_RESULT, "scalar"),
        ("up[1m]", Reason.WRONG_RESULT, "matrix"),
        (f"sum({TOTAL})", Reason.WRONG_RESULT, "1 series have no label ens_region_id"),
        ('label_replace(up, "x", "y", "z", "(")', Reason.BAD_STATUS, "execution"),
    ],
)
async def test_a_query_that_is_wrong_is_refused_in_the_server_s_own_words(
    edge: Edge, query: str, reason: Reason, detail: str
) -> None:
    async with asking(edge, PromqlNeed(query, 60)) as source:
        (status,) = (await source.collect()).targets
    assert (status.up, status.reason) == (False, reason)
    assert detail in status.detail


async def test_several_series_of_a_region_stay_together_for_a_policy_to_judge(edge: Edge) -> None:
    query = f'up{{{LABEL}="{REGION}"}}'
    async with asking(edge, PromqlNeed(query, 60)) as source:
        first, again = await source.collect(), await source.collect()
    status = first.targets[0]
    assert (status.region, status.up) == (REGION, True)
    assert len(status.columns[query].values) > 1
    assert again.targets[0].columns[query].series is status.columns[query].series
    signals = {"promql": {"server": "prom", "query": query}}
    signal = decision_from(first.targets, signals, 1.0).signals[0]
    assert (signal.value, signal.reason) == (None, Reason.SEVERAL_SERIES)


@pytest.mark.parametrize(
    ("query", "max_age", "sees"),
    [
        (f"max by ({LABEL}) (edge_stamped)", STAMPED + 150, True),
        (f"max by ({LABEL}) (edge_stamped)", STAMPED - 40, False),
        (f"max by ({LABEL}) (edge_stamped) + 0", 0.001, False),
        (f"max by ({LABEL}) (max_over_time(edge_stamped[10m]))", STAMPED - 40, True),
        (f"max by ({LABEL}) (max_over_time(edge_stamped[10s]))", STAMPED + 150, False),
    ],
)
async def test_no_server_looks_back_further_than_the_need_allows(
    edge: Edge, query: str, max_age: float, sees: bool
) -> None:
    """Ranges are the operator's own word. On 2.42 as on 3: see promql_lookback."""
    async with asking(edge, PromqlNeed(query, max_age)) as source:
        wave = await source.collect()
    assert [target.region for target in wave.targets if target.columns] == ([REGION] if sees else [])
    for target in wave.targets:
        for column in target.columns.values():
            assert abs(column.oldest - wave.at) < 5


async def test_the_next_endpoint_answers_for_one_that_is_gone(edge: Edge, tmp_path: Path) -> None:
    with node_exporter(tmp_path) as gone:
        pass
    server = PrometheusServer.model_validate({"name": "prom", "urls": [gone.url, edge.server.url]})
    source = PromqlSource(server, [PromqlNeed(QUERY, 60)], region_label=LABEL, clock=SystemClock(), report=print)
    try:
        statuses = (await source.collect()).targets
    finally:
        await source.close()
    assert [(one.region, one.up, one.detail) for one in statuses] == [
        (region, True, f"answered by {edge.server.url}") for region in (REGION, NO_REGION)
    ]


async def test_a_remark_about_the_query_does_not_spoil_its_answer(edge: Edge) -> None:
    query = f"quantile by ({LABEL}) (7, {TOTAL})"
    async with asking(edge, PromqlNeed(query, 60)) as source:
        statuses = (await source.collect()).targets
    assert [(one.region, one.up) for one in statuses] == [(REGION, True), (NO_REGION, True)]
    remarks = {one.detail.split(":")[0] for one in statuses}
    assert remarks <= {"", "PromQL warning"}  # 2.42 does not remark


async def test_a_server_that_is_gone_is_a_fault_of_every_query(tmp_path: Path) -> None:
    with node_exporter(tmp_path) as gone:
        server = PrometheusServer.model_validate({"name": "prom", "url": gone.url})
    source = PromqlSource(server, [PromqlNeed(QUERY, 60)], region_label=LABEL, clock=SystemClock())
    try:
        (status,) = (await source.collect()).targets
    finally:
        await source.close()
    assert (status.region, status.up, status.reason) == (NO_REGION, False, Reason.CONNECTION_FAILED)
