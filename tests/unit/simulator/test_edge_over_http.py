import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.unit.simulator.builders import FAR, NEAR, Caller, openmetrics_samples, region, scenario, text_samples


def rate(text: str) -> float:
    return text_samples(text)[("edge_requests_per_second",)]


async def pages(caller: Caller) -> dict[str, Any]:
    targets = (await caller.get("/_simulator/targets")).json
    return {target["labels"]["instance_id"]: target["labels"]["__metrics_path__"] for target in targets}


async def test_every_target_serves_a_page_and_its_load_falls_when_nodes_join() -> None:
    given = scenario(region(initial_nodes=1, demand=((0, 120),)), task_seconds=60, join_seconds=30)
    async with Caller(given) as caller:
        before = {node: rate((await caller.get(path)).text) for node, path in (await pages(caller)).items()}
        await caller.buy(count=2)
        await caller.clock.advance(90)
        after = {node: rate((await caller.get(path)).text) for node, path in (await pages(caller)).items()}
    assert list(before.values()) == [120.0]
    assert list(after.values()) == [40.0, 40.0, 40.0]
    assert before.keys() < after.keys()


async def test_a_page_is_open_metrics_for_whoever_prefers_it() -> None:
    async with Caller(scenario(region(initial_nodes=1))) as caller:
        (path,) = (await pages(caller)).values()
        answer = await caller.get(path, accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert {name for name, *_ in openmetrics_samples(answer.text)} >= {"edge_requests_total", "node_cpu_seconds_total"}


async def test_in_the_dark_a_region_closes_connections_and_its_neighbour_answers() -> None:
    given = scenario(region(initial_nodes=1, dark=((10, 20),)), region(FAR, initial_nodes=1))
    async with Caller(given) as caller:
        paths = {path.split("/")[2]: path for path in (await pages(caller)).values()}
        assert (await caller.get(paths[NEAR])).status == 200
        await caller.clock.advance(10)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await caller.get(paths[NEAR])
        assert (await caller.get(paths[FAR])).status == 200
        statuses = [row["node_status"] for row in (await caller.nodes()).json["nodes"]]
        instances = (await caller.ens("DescribeInstances", EnsRegionId=NEAR)).json["TotalCount"]
        still_listed = await pages(caller)
        await caller.clock.advance(10)
        assert (await caller.get(paths[NEAR])).status == 200
    assert (statuses, instances, len(still_listed)) == (["Unknown", "Ready"], 1, 2)


async def test_a_node_that_is_not_there_is_not_found() -> None:
    async with Caller(scenario()) as caller:
        assert (await caller.get(f"/edge/{NEAR}/i-none/metrics")).status == 404


async def test_the_target_file_says_what_the_target_page_says(tmp_path: Path) -> None:
    async with Caller(scenario()) as caller:
        caller.simulator.write_file_sd(tmp_path / "targets.json")
        page = await caller.get("/_simulator/targets")
        assert page.headers["Content-Type"].startswith("application/json")
        assert json.loads((tmp_path / "targets.json").read_text()) == page.json == caller.simulator.targets()
        assert page.json[0]["targets"] == [caller.simulator.address]
