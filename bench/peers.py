"""The peers: which real Prometheus, vmagent and node_exporter there are, and how they are started.

Environment variables name the binaries (PROMETHEUS_BIN, VMAGENT_BIN, NODE_EXPORTER_BIN), else they are looked for on
PATH. A scrape job comes in, in Prometheus' own keys; a running process goes out. Each is told to keep the wanted series
only, as an operator would who wants no more.
"""

import json
import os
import re
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.children import Child, ChildFailed, free_port
from bench.targets import address

_START = 20.0
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")

Job = Mapping[str, Any]
"""One entry of `scrape_configs`, in Prometheus' keys."""


class PeerMissing(Exception):
    """The binary is not there; says how to name it."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A program of somebody else's: where it is, and what to call it in the table."""

    path: str
    label: str


def find(variable: str, *names: str) -> Binary:
    """The program that the variable names, else the first of `names` on PATH. Raises PeerMissing."""
    given = os.environ.get(variable)
    path = shutil.which(given) if given else next(filter(None, map(shutil.which, names)), None)
    if path is None:
        where = f"{variable}={given} can not be run" if given else f"none of {', '.join(names)} is on PATH"
        raise PeerMissing(f"{where}; set {variable} to a {names[0]}")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=10)  # noqa: S603  # it is the peer
    return Binary(path, f"{names[0]} {version_in(said.stdout + said.stderr)}".strip())


def version_in(text: str) -> str:
    """The first version number in what a program says about itself; empty if it tells none."""
    found = _VERSION.search(text)
    return found[0] if found else ""


def prometheus() -> Binary:
    """The newest Prometheus to be had."""
    return find("PROMETHEUS_BIN", "prometheus")


def vmagent() -> Binary:
    """VictoriaMetrics' agent: the leanest scraper known."""
    return find("VMAGENT_BIN", "vmagent")


def node_exporter() -> Binary:
    """A real exporter. Debian calls it prometheus-node-exporter."""
    return find("NODE_EXPORTER_BIN", "node_exporter", "prometheus-node-exporter")


def keeping(job: Job, wanted: Sequence[str]) -> dict[str, Any]:
    """The job with all series dropped that are not wanted."""
    keep = {"source_labels": ["__name__"], "regex": "|".join(wanted), "action": "keep"}
    return {**job, "metric_relabel_configs": [keep]}


class Prometheus:
    """A running Prometheus."""

    def __init__(self, child: Child, url: str) -> None:
        self.child = child
        self._url = url

    def query(self, expression: str) -> float:
        """The one value of an instant query; 0 if there is none."""
        answer = _get(f"{self._url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        result = json.loads(answer)["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0

    def failed(self, seconds: float) -> int:
        """Scrapes of the last so many seconds that failed."""
        span = f"[{round(seconds)}s]"
        return round(self.query(f"sum(count_over_time(up{span})) - sum(sum_over_time(up{span}))"))


def start_prometheus(
    stack: ExitStack, folder: Path, name: str, job: Job, rules: Sequence[Mapping[str, Any]] = ()
) -> Prometheus:
    """A Prometheus that scrapes this job, with a store of its own; ready when it is returned.

    `rules` are recording rules, evaluated every second. JSON is YAML, so it is what the files hold.
    """
    binary, port, mine = prometheus(), free_port("127.0.0.1"), secrets.token_hex(8)
    url = f"http://127.0.0.1:{port}"
    config: dict[str, Any] = {
        "global": {"external_labels": {"bench": mine}, "evaluation_interval": "1s"},
        "scrape_configs": [job],
    }
    if rules:
        groups = {"groups": [{"name": "bench", "interval": "1s", "rules": list(rules)}]}
        (folder / f"{name}-rules.yml").write_text(json.dumps(groups))
        config["rule_files"] = [str(folder / f"{name}-rules.yml")]
    file = folder / f"{name}.yml"
    file.write_text(json.dumps(config))
    child = stack.enter_context(
        Child(
            name,
            [
                binary.path,
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / name}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            folder,
        )
    )
    _until(child, lambda: _get(f"{url}/-/ready") != "" and mine in _get(f"{url}/api/v1/status/config"))
    return Prometheus(child, url)


def start_vmagent(stack: ExitStack, folder: Path, name: str, job: Job) -> Child:
    """A vmagent that scrapes this job and throws the samples away, told to use as little memory as it can."""
    binary, port = vmagent(), free_port("127.0.0.1")
    file, nothing = folder / f"{name}.yml", folder / f"{name}-nothing.yml"
    file.write_text(json.dumps({"scrape_configs": [job]}))
    nothing.write_text(json.dumps([{"source_labels": ["__name__"], "regex": ".*", "action": "drop"}]))
    child = stack.enter_context(
        Child(
            name,
            [
                binary.path,
                f"-promscrape.config={file}",
                f"-httpListenAddr=127.0.0.1:{port}",
                "-remoteWrite.url=http://127.0.0.1:9/",
                f"-remoteWrite.relabelConfig={nothing}",
                f"-remoteWrite.tmpDataPath={folder / name}",
                "-promscrape.noStaleMarkers",
                "-promscrape.dropOriginalLabels",
                "-loggerLevel=ERROR",
            ],
            folder,
        )
    )
    _until(child, lambda: _get(f"http://127.0.0.1:{port}/health") != "")
    return child


def start_node_exporter(stack: ExitStack, folder: Path, port: int, addresses: int) -> Child:
    """One real node_exporter that listens on the addresses of so many targets and refuses nobody."""
    binary = node_exporter()
    listening = [f"--web.listen-address={address(target)}:{port}" for target in range(addresses)]
    command = [binary.path, *listening, "--web.max-requests=0", "--log.level=error"]
    child = stack.enter_context(Child("node_exporter", command, folder))
    _until(child, lambda: _get(f"http://{address(0)}:{port}/metrics") != "")
    return child


def _until(child: Child, ready: Callable[[], bool]) -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end:
        child.check()
        try:
            if ready():
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise ChildFailed(f"{child.name} is not ready after {_START:g} s")


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # loopback, made here
        text: str = answer.read().decode()
        return text
