"""`autoscaler simulate`, as people run it: a process that tells where it is, serves, and ends when told to."""

import asyncio
import json
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from autoscaler.simulator.demo_files import DEMO
from autoscaler.simulator.scenario import load_scenario
from tests.integration.servers import http_get

WITHIN = 20.0
"""Seconds that a process may take to say something, or to end."""
SMALL = """
cluster_id: c0
access_key_secret: only-for-this-test
regions:
  - {region: cn-a, initial_nodes: 3, demand: [[0, 90]]}
"""


@asynccontextmanager
async def simulate(*options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command as a process, every warning an error; it is ended by its pid if it has not ended."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "dev", "-W", "error", "-m", "autoscaler", "simulate", *options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


async def opening(child: asyncio.subprocess.Process) -> dict[str, str]:
    """The lines that it prints once it serves, by their first word."""
    assert child.stdout is not None
    said: dict[str, str] = {}
    while "books" not in said:
        line = await asyncio.wait_for(child.stdout.readline(), WITHIN)
        assert line, "it ended before it served"
        name, value = line.decode().split(maxsplit=1)
        said[name] = value.strip()
    return said


async def ended(child: asyncio.subprocess.Process) -> tuple[int, str, str]:
    out, err = await asyncio.wait_for(child.communicate(), WITHIN)
    assert child.returncode is not None
    return child.returncode, out.decode(), err.decode()


async def page(url: str) -> str:
    """The body at a URL that the command printed."""
    parts = urlsplit(url)
    assert parts.hostname == "127.0.0.1"
    assert parts.port
    body = await asyncio.to_thread(http_get, parts.port, parts.path)
    assert body is not None, f"{url} gives no answer"
    return body


def targets_in(path: Path) -> list[dict[str, Any]]:
    """The file_sd file; it is there before the command says where it serves."""
    listed: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return listed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_where_it_is_serves_books_and_metrics_and_ends_when_told_to(
    tmp_path: Path, number: signal.Signals
) -> None:
    demo = load_scenario(DEMO / "scenario.yaml")
    async with simulate("--port", "0", "--file-sd", str(tmp_path / "t.json")) as child:
        said = await opening(child)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", said["simulator"])
        assert said["cluster"] == demo.cluster_id

        books = json.loads(await page(said["books"]))
        assert books["sold"] == {region.region: 0 for region in demo.regions}
        assert books["ready"] == {region.region: region.initial_nodes for region in demo.regions}

        written = targets_in(tmp_path / "t.json")
        assert written == json.loads(await page(said["targets"]))
        assert len(written) == sum(region.initial_nodes for region in demo.regions)
        for target in written:
            assert target["targets"] == [urlsplit(said["simulator"]).netloc]
        metrics = await page(said["simulator"] + written[0]["labels"]["__metrics_path__"])
        assert any(family.samples for family in parse_text(metrics))

        child.send_signal(number)
        code, out, err = await ended(child)
    assert (code, out, err) == (0, "", "")
    assert await asyncio.to_thread(http_get, urlsplit(said["simulator"]).port or 0, "/_simulator/books") is None


async def test_a_scenario_of_ones_own_is_what_is_simulated(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SMALL, encoding="utf-8")
    async with simulate("--scenario", str(scenario), "--speed", "10") as child:
        said = await opening(child)
        assert said["cluster"] == "c0"
        assert said["key"] == "simulated-key / only-for-this-test"
        assert json.loads(await page(said["books"]))["ready"] == {"cn-a": 3}
        child.send_signal(signal.SIGTERM)
        assert (await ended(child))[0] == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "regions: [{region: cn-a, stok: 1}]\nspeed: 3\n",
            [":1: regions[0].stok: unknown key 'stok'; did you mean 'stock'?", ":2: speed: unknown key"],
        ),
        ("regions: [{region: cn-a}, {region: cn-a}]\n", ["a region is listed twice"]),
        ("regions: [\n", [":2: not YAML"]),
        ("", ["the file is empty"]),
    ],
)
async def test_a_broken_scenario_is_told_line_by_line(tmp_path: Path, text: str, told: list[str]) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(text, encoding="utf-8")
    async with simulate("--scenario", str(scenario)) as child:
        code, out, err = await ended(child)
    assert (code, out) == (1, "")
    assert err.startswith(str(scenario))
    assert "Traceback" not in err
    for part in told:
        assert part in err


async def test_a_broken_scenario_does_not_tell_its_secret(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(f"{SMALL}task_seconds: -1\naccess_key_secrt: only-for-this-test\n", encoding="utf-8")
    async with simulate("--scenario", str(scenario)) as child:
        code, _, err = await ended(child)
    assert (code, "task_seconds" in err, "access_key_secrt" in err) == (1, True, True)
    assert "only-for-this-test" not in err


async def test_a_scenario_that_is_not_there_is_a_wrong_option(tmp_path: Path) -> None:
    async with simulate("--scenario", str(tmp_path / "none.yaml")) as child:
        code, _, err = await ended(child)
    assert code == 2
    assert "none.yaml" in err


async def test_a_port_that_is_taken_is_told_without_a_traceback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with simulate("--port", str(port)) as child:
            code, out, err = await ended(child)
    assert (code, out) == (1, "")
    assert str(port) in err
    assert "Traceback" not in err


async def test_a_file_of_targets_that_can_not_be_written_is_told_at_once(tmp_path: Path) -> None:
    async with simulate("--file-sd", str(tmp_path / "none" / "t.json")) as child:
        code, _, err = await ended(child)
    assert code == 1
    assert "none" in err
    assert "Traceback" not in err
