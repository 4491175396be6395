"""The sources against the real thing: node_exporter, and a Prometheus that scrapes it too."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoscaler.clock import SystemClock
from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import Decision, Facts, RegionFacts
from autoscaler.model.names import InstanceId, RegionId
from autoscaler.model.operation import Offer
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Wave
from autoscaler.policy.decide import Policies, decide
from autoscaler.policy.language import ScalingPolicy
from autoscaler.policy.signals import WaveIndex, measure
from autoscaler.ports import SampleSource
from autoscaler.settings.sources import PrometheusServer, ScrapeConfig
from autoscaler.sources.discovery import Discovery
from autoscaler.sources.promql import PromqlNeed, PromqlSource
from autoscaler.sources.scrape import ScrapeSource
from tests.integration.servers import RealServer, node_exporter, prometheus, wait_until
from tests.unit.policy import builders

LABEL = "ens_region_id"
REGION = RegionId("cn-beijing-cmcc-2")
TOTAL = "node_memory_MemTotal_bytes"
QUERY = f"sum by ({LABEL}) ({TOTAL})"


@dataclass(frozen=True)
class Edge:
    """One node_exporter, the Prometheus that scrapes it, and the job that both are given."""

    exporter: RealServer
    server: RealServer
    job: ScrapeConfig

    def targets(self) -> list[dict[str, Any]]:
        """What Prometheus scrapes, as its API says."""
        answer: Any = self.server.get_json("/api/v1/targets?state=active")
        found: list[dict[str, Any]] = answer["data"]["activeTargets"]
        return found


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


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    folder = tmp_path_factory.mktemp("edge")
    with ExitStack() as stack:
        exporter = stack.enter_context(node_exporter(folder))
        job = {"job_name": "edge", "file_sd_configs": [{"files": write_file_sd(folder / "sd", exporter.address)}]}
        server = stack.enter_context(prometheus(folder, {"scrape_configs": [job]}))
        wait_until(lambda: TOTAL in (server.get(f"/api/v1/query?query={TOTAL}") or ""), f"Prometheus has {TOTAL}")
        yield Edge(exporter, server, ScrapeConfig.model_validate(job))


@asynccontextmanager
async def asking(edge: Edge, *needs: PromqlNeed) -> AsyncIterator[PromqlSource]:
    server = PrometheusServer.model_validate({"name": "prom", "url": edge.server.url})
    source = PromqlSource(server, needs, region_label=LABEL, clock=SystemClock())
    try:
        yield source
    finally:
        await source.close()


async def pass_of(source: SampleSource) -> Wave:
    try:
        return await source.collect()
    finally:
        await source.close()


async def both_ways(edge: Edge) -> tuple[Wave, Wave]:
    """The exporter scraped by ourselves, and asked for through Prometheus."""
    job = ScrapeConfig.model_validate(
        {"job_name": "direct", "static_configs": [{"targets": [edge.exporter.address], "labels": {LABEL: REGION}}]}
    )
    scraped = await pass_of(ScrapeSource(job, wanted=frozenset({TOTAL}), region_label=LABEL, clock=SystemClock()))
    async with asking(edge, PromqlNeed(QUERY, 60)) as source:
        return scraped, await source.collect()


async def test_a_scrape_and_a_query_give_the_same_number_for_the_region(edge: Edge) -> None:
    scraped, asked = await both_ways(edge)
    (direct,) = scraped.samples
    (queried,) = asked.samples
    assert (direct.region, queried.region) == (REGION, REGION)
    assert direct.value == queried.value > 0
    assert [target.reason for target in (*scraped.targets, *asked.targets)] == [Reason.UP, Reason.UP]
    now = SystemClock().now()
    assert abs(now - queried.at) < 10
    assert abs(now - direct.at) < 10


def decision_from(wave: Wave, origin: dict[str, object], per_node: float) -> Decision:
    """What a policy that reads its signal from this origin decides on the wave, with two nodes ready."""
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
    now, index = SystemClock().now(), WaveIndex(wave)
    signals = {spec.name: measure(spec, REGION, index) for spec in policy.spec.signals}
    nobody: frozenset[InstanceId] = frozenset()
    ready = frozenset({InstanceId("i-1"), InstanceId("i-2")})
    facts = RegionFacts(REGION, signals, Capacity(REGION, ready, nobody, nobody, nobody, now))
    policies = Policies({REGION: policy}, 120.0, {REGION: (Offer(builders.operation(REGION)),)})
    (decision,) = decide(Facts(1, now, {REGION: facts}), policies).decisions
    return decision


async def test_a_scrape_and_a_query_lead_to_the_same_decision(edge: Edge) -> None:
    scraped, asked = await both_ways(edge)
    per_node = scraped.samples[0].value / 4.5
    direct = decision_from(scraped, {"scrape": {"job": "direct", "metric": TOTAL}}, per_node)
    queried = decision_from(asked, {"promql": {"server": "prom", "query": QUERY}}, per_node)
    assert (direct.desired, direct.delta, direct.reason) == (5, 3, Reason.ABOVE_TARGET)
    assert (queried.desired, queried.delta, queried.reason) == (5, 3, Reason.ABOVE_TARGET)
    assert direct.votes == queried.votes
    assert direct.steps == queried.steps
    assert [signal.coverage for signal in (*direct.signals, *queried.signals)] == [1.0, 1.0]


async def test_the_whole_page_of_node_exporter_is_well_formed_to_us(tmp_path: Path) -> None:
    collectors = ["cpu", "diskstats", "filesystem", "loadavg", "meminfo", "netdev", "stat", "uname", "vmstat"]
    with node_exporter(tmp_path, collectors=collectors) as exporter:
        static = [{"targets": [exporter.address], "labels": {LABEL: REGION}}]
        job = ScrapeConfig.model_validate({"job_name": "page", "static_configs": static})
        wanted = frozenset({"node_load1", "node_uname_info", "node_cpu_seconds_total"})
        wave = await pass_of(ScrapeSource(job, wanted=wanted, region_label=LABEL, clock=SystemClock()))
    assert [target.reason for target in wave.targets] == [Reason.UP]
    assert {sample.metric for sample in wave.samples} == wanted


async def test_our_targets_are_those_of_prometheus_for_the_same_files(edge: Edge) -> None:
    reported: list[str] = []
    ours = await Discovery(edge.job, LABEL, reported.append).refresh()
    theirs = edge.targets()
    assert sorted(target.url for target in ours) == sorted({target["scrapeUrl"] for target in theirs})
    assert {target.url: target.labels for target in ours} == {one["scrapeUrl"]: one["labels"] for one in theirs}
    assert reported == []


async def test_both_agree_on_which_targets_are_up(edge: Edge) -> None:
    wave = await pass_of(ScrapeSource(edge.job, wanted=frozenset({TOTAL}), region_label=LABEL, clock=SystemClock()))
    wait_until(lambda: all(one["health"] != "unknown" for one in edge.targets()), "Prometheus has tried every target")
    assert {target.target: target.up for target in wave.targets} == {
        one["scrapeUrl"]: one["health"] == "up" for one in edge.targets()
    }
    assert {target.target for target in wave.targets if target.up} == {f"{edge.exporter.url}/metrics"}


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


async def test_several_series_of_a_region_are_not_chosen_between(edge: Edge) -> None:
    async with asking(edge, PromqlNeed(f'up{{{LABEL}="{REGION}"}}', 60)) as source:
        wave = await source.collect()
    assert [(target.region, target.reason) for target in wave.targets] == [(REGION, Reason.SEVERAL_SERIES)]
    assert wave.samples == ()


async def test_a_server_that_can_looks_back_no_further_than_the_need_allows(edge: Edge) -> None:
    build: Any = edge.server.get_json("/api/v1/status/buildinfo")
    can = tuple(int(part) for part in build["data"]["version"].split(".")[:2]) >= (2, 43)
    patient, hasty = PromqlNeed(f"max by ({LABEL}) (test_run)", 60), PromqlNeed(f"min by ({LABEL}) (test_run)", 0.001)
    async with asking(edge, patient, hasty) as source:
        wave = await source.collect()
    assert [sample.metric for sample in wave.samples] == [patient.query, *([] if can else [hasty.query])]


async def test_a_server_that_is_gone_is_a_fault_of_every_query(tmp_path: Path) -> None:
    with node_exporter(tmp_path) as gone:
        server = PrometheusServer.model_validate({"name": "prom", "url": gone.url})
    source = PromqlSource(server, [PromqlNeed(QUERY, 60)], region_label=LABEL, clock=SystemClock())
    (status,) = (await pass_of(source)).targets
    assert (status.region, status.up, status.reason) == (RegionId(""), False, Reason.CONNECTION_FAILED)
