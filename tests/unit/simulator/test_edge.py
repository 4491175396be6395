import json
from pathlib import Path
from typing import Any

import pytest

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.edge import EdgeFleet, page, prefers_openmetrics, write_file_sd
from autoscaler.simulator.load import NodeReading, RegionLoad
from autoscaler.simulator.records import ScaleOutBody
from tests.unit.simulator.builders import FAR, NEAR, START, openmetrics_samples, region, scenario, text_samples

PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
READING = NodeReading(rate=62.5, utilization=0.625, requests=1234.0, busy_seconds=40.0, up_seconds=100.0)


def fleet_of(*, nodes: int = 2, **fields: Any) -> tuple[CloudBooks, EdgeFleet]:
    books = CloudBooks(
        scenario(region(initial_nodes=nodes, **fields), region(FAR, initial_nodes=0), task_seconds=60, join_seconds=30),
        START,
    )
    return books, EdgeFleet(books)


def buy(books: CloudBooks, nodes: int, at: float) -> None:
    books.buy(ScaleOutBody("c", NEAR, "ens.sn1.tiny", nodes, "m-1", 40, 0, 1), "r", START + at)


def reading(books: CloudBooks, fleet: EdgeFleet, index: int, at: float) -> NodeReading:
    found = fleet.reading(NEAR, books.region_instances(NEAR)[index].id, START + at)
    assert found is not None
    return found


def test_load_per_node_falls_when_nodes_join_and_not_before() -> None:
    books, fleet = fleet_of(demand=((0, 160),))
    assert (reading(books, fleet, 0, 5).rate, reading(books, fleet, 0, 5).utilization) == (80.0, 0.8)
    buy(books, 2, at=10)
    assert reading(books, fleet, 0, 99.9).rate == 80.0
    assert [reading(books, fleet, index, 100).rate for index in range(4)] == [40.0] * 4
    assert reading(books, fleet, 3, 100).utilization == 0.4


def test_a_node_that_has_not_joined_or_stands_elsewhere_has_no_page() -> None:
    books, fleet = fleet_of()
    buy(books, 1, at=0)
    bought = books.region_instances(NEAR)[-1].id
    assert fleet.reading(NEAR, bought, START + 89) is None
    assert fleet.reading(NEAR, bought, START + 90) is not None
    assert fleet.reading(FAR, bought, START + 90) is None
    assert fleet.reading(NEAR, "i-none", START + 90) is None


def test_a_saturated_node_reports_all_its_requests_and_no_more_than_one_cpu_share() -> None:
    books, fleet = fleet_of(nodes=1, demand=((0, 250),))
    got = reading(books, fleet, 0, 40)
    assert (got.rate, got.utilization, got.requests, got.busy_seconds) == (250.0, 1.0, 10_000.0, 40.0)


def test_counters_of_all_nodes_add_up_to_what_the_users_sent() -> None:
    books, fleet = fleet_of(demand=((0, 100), (300, 400)))
    buy(books, 1, at=10)
    buy(books, 2, at=60)
    total = sum(reading(books, fleet, index, 300).requests for index in range(5))
    assert total == pytest.approx(300 * 250)


def test_counters_never_fall() -> None:
    books, fleet = fleet_of(demand=((0, 100), (100, 300), (100, 20)))
    buy(books, 3, at=5)
    seen = [reading(books, fleet, 0, at) for at in range(0, 200, 7)]
    for name in ("requests", "busy_seconds", "up_seconds"):
        values = [getattr(one, name) for one in seen]
        assert values == sorted(values)


def test_a_region_without_nodes_still_has_a_load_when_the_first_one_joins() -> None:
    load = RegionLoad(((0.0, 50.0),), 100.0)
    load.join([90.0])
    got = load.reading(90.0, 100.0)
    assert (got.rate, got.requests, got.up_seconds) == (50.0, 500.0, 10.0)


def test_both_formats_parse_and_say_the_same() -> None:
    plain, plain_type = page(READING, "")
    strict, strict_type = page(READING, PROMETHEUS_ACCEPT)
    assert plain_type.startswith("text/plain; version=0.0.4")
    assert strict_type.startswith("application/openmetrics-text; version=1.0.0")
    assert strict.endswith(b"# EOF\n")
    samples = text_samples(plain.decode())
    assert openmetrics_samples(strict.decode()) == samples
    assert samples[("edge_requests_per_second",)] == 62.5
    assert samples[("edge_cpu_utilization_ratio",)] == 0.625
    assert samples[("edge_requests_total",)] == 1234.0
    assert samples[("node_load1",)] == 1.25
    assert samples[("node_memory_MemTotal_bytes",)] > samples[("node_memory_MemAvailable_bytes",)] > 0
    cpu = {key: value for key, value in samples.items() if key[0] == "node_cpu_seconds_total"}
    assert sum(cpu.values()) == pytest.approx(200.0)
    assert cpu["node_cpu_seconds_total", "0", "idle"] == 60.0


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (PROMETHEUS_ACCEPT, True),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", True),
        ("application/openmetrics-text;version=0.0.1", False),
        ("text/plain;q=0.5,application/openmetrics-text;q=0.4", False),
        ("application/openmetrics-text;q=oops", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_the_accept_header_decides_by_its_weights(accept: str, openmetrics: bool) -> None:
    assert prefers_openmetrics(accept) is openmetrics


def test_the_target_list_grows_with_the_nodes_and_keeps_those_in_the_dark() -> None:
    books, fleet = fleet_of(dark=((50, 500),))
    buy(books, 1, at=0)
    before, after = fleet.targets("127.0.0.1:1", START + 89), fleet.targets("127.0.0.1:1", START + 90)
    assert (len(before), len(after)) == (2, 3)
    bought = books.region_instances(NEAR)[-1]
    assert after[-1] == {
        "targets": ["127.0.0.1:1"],
        "labels": {
            "ens_region_id": NEAR,
            "node": bought.node_name,
            "instance_id": bought.id,
            "__metrics_path__": f"/edge/{NEAR}/{bought.id}/metrics",
        },
    }


def test_a_target_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "targets.json"
    path.write_text("old")
    held = path.open()
    write_file_sd(path, [{"targets": ["a:1"], "labels": {}}])
    with held:
        assert held.read() == "old"
    assert json.loads(path.read_text()) == [{"targets": ["a:1"], "labels": {}}]
    assert [one.name for one in tmp_path.iterdir()] == ["targets.json"]
