"""The same scrape_configs, files and lists for a real Prometheus and for us: the same targets, dropped ones too."""

import asyncio
import json
import shutil
import subprocess
import threading
import urllib.request
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from autoscaler.clock import SystemClock
from autoscaler.settings.relabel import RelabelConfig
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.settings.target_groups import StaticConfig
from autoscaler.sources.discovery import Discovery
from autoscaler.sources.http import Answer
from autoscaler.sources.relabel import relabelled
from autoscaler.sources.targets import Target, discovered_labels
from tests.integration.relabel_jobs import LABEL, PATH, Block, Dice
from tests.integration.servers import free_port, prometheus, wait_until
from tests.unit.settings.relabel_rules import REFUSED, REFUSED_BY_3, TAKEN

SEED = 4
BY_DICE = 60
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Listing:
    """An http_sd server of the test, with the headers of who asked it."""

    url: str
    lists: dict[str, list[Block]]
    asked: list[dict[str, str]]


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    """All jobs ask at once at Prometheus' start; one that is turned away asks again a whole refresh_interval later."""


@contextmanager
def listing() -> Iterator[Listing]:
    lists: dict[str, list[Block]] = {}
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(lists[self.path]).encode()
            asked.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", free_port()), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="http_sd of the test")
    thread.start()
    try:
        yield Listing(f"http://127.0.0.1:{server.server_port}", lists, asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Plain:
    """Fetches a list with the standard library."""

    async def fetch(self, url: str, *, within: float, body_limit: int, headers: Mapping[str, str]) -> Answer:
        def get() -> Answer:
            request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310  # the test's own server
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  # as above
                return Answer(
                    status=answer.status, phrase="", content_type=answer.headers["Content-Type"], body=answer.read()
                )

        return await asyncio.to_thread(get)

    async def close(self) -> None:
        """Nothing is kept."""


HAND_MADE: dict[str, list[Block]] = {
    "no-rules": [],
    "blackbox": [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": "127.0.0.1"},
    ],
    "ports": [
        {"source_labels": ["__address__"], "regex": "(.*?)(?::\\d+)?", "target_label": "__address__"},
        {
            "source_labels": ["__address__", "rack"],
            "regex": "([^;]+);.+",
            "target_label": "__address__",
            "replacement": "$1:99",
        },
    ],
    "schemes": [
        {"source_labels": ["a"], "regex": ".*o.*", "target_label": "__scheme__", "replacement": "https"},
        {"source_labels": ["__scheme__"], "regex": "https", "target_label": "__address__", "replacement": "[::1]"},
    ],
    "from-meta": [
        {"source_labels": ["__meta_filepath"], "regex": ".*/([^/]+)", "target_label": "file"},
        {"source_labels": ["__meta_url"], "regex": "http://[^/]+/(.*)", "target_label": "list"},
        {"action": "labelmap", "regex": "__meta_(x)"},
    ],
    "no-path": [
        {"source_labels": [PATH], "target_label": "__param_path"},
        {"source_labels": ["rack"], "regex": ".+", "target_label": PATH, "replacement": ""},
    ],
    "shards": [
        {"source_labels": ["__address__", PATH], "modulus": 3, "target_label": "__tmp_hash", "action": "hashmod"},
        {"source_labels": ["__tmp_hash"], "regex": "0|1", "action": "keep"},
    ],
    "timeouts": [
        {"source_labels": ["rack"], "regex": ".+", "target_label": "__scrape_timeout__", "replacement": "700ms"},
        {
            "target_label": "__scrape_interval__",
            "source_labels": ["__scrape_interval__"],
            "regex": "1m",
            "replacement": "60s",
        },
    ],
    "nothing": [{"action": "drop"}],
    "half": [{"action": "drop", "source_labels": [PATH], "regex": ".*[13579] .*"}],
}


@dataclass(frozen=True)
class Both:
    """What Prometheus says of its targets, and what it was given."""

    listing: Listing
    blocks: dict[str, Block]
    active: dict[str, list[dict[str, Any]]]
    dropped: dict[str, Labels]


def _known(server: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    data = server.get_json("/api/v1/targets")["data"]
    return data["activeTargets"], data["droppedTargets"]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("same")
    sd = folder / "sd"
    sd.mkdir()
    with listing() as lists:
        dice = Dice(SEED, sd, lists.url)
        for name, rules in HAND_MADE.items():
            dice.job(name, rules)
        for number in range(BY_DICE):
            dice.job(f"dice-{number}")
        lists.lists.update(dice.jobs.lists)
        blocks = {block["job_name"]: block for block in dice.jobs.blocks}
        every = sum(len(targets) for block in dice.jobs.blocks for targets in groups(block, lists))
        config = {"global": {"scrape_interval": "1m", "scrape_timeout": "10s"}, "scrape_configs": list(blocks.values())}
        with prometheus(folder, config) as server:
            wait_until(lambda: sum(map(len, _known(server))) >= every, f"Prometheus knows {every} targets", within=90.0)
            active, dropped = _known(server)
        yield Both(lists, blocks, _by_job(active), _by_path(dropped))


def groups(block: Block, lists: Listing) -> Iterator[list[str]]:
    """The targets of every group that a job is given, from wherever."""
    for group, _meta in stated(block, lists):
        yield list(group.targets)


def stated(block: Block, lists: Listing) -> Iterator[tuple[StaticConfig, Labels]]:
    """Every group that a job is given, as it was made up, and what discovery adds to it."""
    for group in block["static_configs"]:
        yield StaticConfig.model_validate(group), {}
    folder, name = Path(block["file_sd_configs"][0]["files"][0]).parent, block["job_name"]
    for group in json.loads((folder / f"{name}-one.json").read_text(encoding="utf-8")):
        yield StaticConfig.model_validate(group), {"__meta_filepath": f"{folder}/{name}-one.json"}
    yield from _from_yaml(folder / f"{name}-more.yml")
    for group in lists.lists[f"/{name}"]:
        yield StaticConfig.model_validate(group), {"__meta_url": block["http_sd_configs"][0]["url"]}


def _from_yaml(path: Path) -> Iterator[tuple[StaticConfig, Labels]]:
    """Groups as relabel_jobs writes them: a line for the targets, one for each label, every value as JSON."""
    for text in path.read_text(encoding="utf-8").split("- targets: ")[1:]:
        first, _, *lines = text.splitlines()
        labels = dict(line.strip().split(": ", 1) for line in lines)
        found = {name: json.loads(value) for name, value in labels.items()}
        yield StaticConfig(targets=tuple(json.loads(first)), labels=found), {"__meta_filepath": str(path)}


def _by_job(active: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in active:
        found[one["scrapePool"]].append(one)
    return found


def _by_path(targets: list[dict[str, Any]]) -> dict[str, Labels]:
    """Labels before relabelling, by the path that each target alone has: nobody says whose a dropped one is."""
    return {one["discoveredLabels"].get(PATH, ""): one["discoveredLabels"] for one in targets}


def our_config(block: Block) -> ScrapeConfig:
    """Our settings, with the defaults that Prometheus was given as its global ones."""
    return ScrapeConfig.model_validate({"scrape_interval": "1m", "scrape_timeout": "10s", **block})


@asynccontextmanager
async def discovering(block: Block, reported: list[str]) -> AsyncIterator[Discovery]:
    discovery = Discovery(our_config(block), LABEL, reported.append, endpoints=[Plain()], clock=SystemClock())
    try:
        yield discovery
    finally:
        await discovery.close()


async def ours(block: Block, reported: list[str]) -> tuple[Target, ...]:
    """Our targets of a job, when its endpoint has answered."""
    async with discovering(block, reported) as discovery:
        await discovery.refresh()
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name().startswith("http_sd")))
        return await discovery.refresh()


async def test_targets_urls_and_labels_are_those_of_prometheus(both: Both) -> None:
    compared = 0
    for name, block in both.blocks.items():
        reported: list[str] = []
        found = {(one.url, frozenset(one.labels.items())) for one in await ours(block, reported)}
        theirs = {
            (one["scrapeUrl"], frozenset(one["labels"].items()))
            for one in both.active.get(name, [])
            if one["labels"].get(LABEL)
        }
        assert found == theirs, f"{name}: {block['relabel_configs']}"
        assert all(LABEL in problem for problem in reported), reported
        compared += len(found)
    assert compared > 400


async def test_timeouts_are_those_of_prometheus(both: Both) -> None:
    for name, block in both.blocks.items():
        found = {one.url: one.timeout for one in await ours(block, [])}
        theirs = {
            one["scrapeUrl"]: one["scrapeTimeout"] for one in both.active.get(name, []) if one["labels"].get(LABEL)
        }
        seconds = {"10s": 10.0, "1500ms": 1.5, "1s500ms": 1.5, "700ms": 0.7}
        assert found == {url: pytest.approx(seconds[timeout]) for url, timeout in theirs.items()}
    assert pytest.approx(0.7) in [one.timeout for one in await ours(both.blocks["timeouts"], [])]


def test_dropped_targets_are_those_of_prometheus(both: Both) -> None:
    kept, dropped = 0, 0
    for name, block in both.blocks.items():
        config = our_config(block)
        active = _by_path(both.active.get(name, []))
        for group, meta in stated(block, both.listing):
            (address,) = group.targets
            before = discovered_labels(address, {**group.labels, **meta}, config)
            gone = relabelled(before, config.relabel_configs) is None
            if name != "no-path":  # a rule takes it away there, and Prometheus 2 shows labels as its rules left them
                assert (before[PATH] in both.dropped, before[PATH] in active) == (gone, not gone), name
            kept, dropped = kept + (not gone), dropped + gone
    assert dropped > 100
    assert kept > 300


def test_labels_before_relabelling_are_those_of_prometheus(both: Both) -> None:
    # Prometheus 2 shows them right only where no rule writes: elsewhere its rules have changed what it shows.
    for name in ("no-rules", "half", "nothing"):
        block = both.blocks[name]
        theirs = {**both.dropped, **_by_path(both.active.get(name, []))}
        for group, meta in stated(block, both.listing):
            (address,) = group.targets
            before = discovered_labels(address, {**group.labels, **meta}, our_config(block))
            assert theirs[before[PATH]] == before


async def test_a_list_is_asked_for_as_prometheus_does(both: Both) -> None:
    theirs = dict(both.listing.asked[0])
    with listing() as lists:
        lists.lists["/one"] = []
        block = {"job_name": "one", "http_sd_configs": [{"url": f"{lists.url}/one", "refresh_interval": "1h"}]}
        await ours(block, [])
    (mine,) = lists.asked
    for name in ("accept", "x-prometheus-refresh-interval-seconds"):
        assert mine[name] == theirs[name]


def _promtool_takes(folder: Path, rule: Mapping[str, object]) -> bool:
    path = folder / "prometheus.yml"
    path.write_text(json.dumps({"scrape_configs": [{"job_name": "a", "relabel_configs": [rule]}]}), encoding="utf-8")
    tool = shutil.which("promtool")
    assert tool, "promtool is not installed: apt-get install prometheus"
    return subprocess.run([tool, "check", "config", path], capture_output=True, check=False).returncode == 0


def test_the_rules_that_we_refuse_are_those_that_prometheus_refuses(tmp_path: Path) -> None:
    for rule, _why in (*REFUSED, *REFUSED_BY_3):
        with pytest.raises(ValidationError):
            RelabelConfig.model_validate(rule)
    for rule, _why in REFUSED:
        if "\ud800" not in str(rule.get("regex")):  # no YAML could say that
            assert not _promtool_takes(tmp_path, rule), rule
    for rule in TAKEN:
        assert _promtool_takes(tmp_path, rule), rule
