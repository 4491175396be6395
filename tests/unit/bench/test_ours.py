"""One tiny row of each kind that needs no peer: the adapter still fits the product, and a wrong result is no row."""

import asyncio
from pathlib import Path

import pytest

from bench import extraction
from bench.children import children
from bench.exposing import exposing, longest_hold
from bench.extraction import compare, full_parse
from bench.page_shapes import NODE_WANTED, STILL, node_page
from bench.planning import check, planning, rounds
from bench.rows import SPECS
from bench.scraping import Run
from bench.sums import CPU, LOAD, MEMORY, by_hand


def test_extraction_is_timed_only_where_the_results_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    row = compare("extraction-node", node_page(), node_page(), rounds=1)
    assert row.ratio is not None
    assert row.ratio > 1

    def nothing(body: bytes, wanted: tuple[str, ...]) -> extraction.Samples:
        return dict(list(full_parse(body, wanted).items())[1:])

    monkeypatch.setattr(extraction, "full_parse", nothing)
    with pytest.raises(AssertionError, match="do not agree on version 0"):
        compare("extraction-node", node_page(), node_page(), rounds=1)


def test_the_full_parse_finds_the_wanted_samples_only() -> None:
    found = full_parse(node_page().versions[0], NODE_WANTED)
    assert len(found) == 20
    assert {name for name, _ in found} == set(NODE_WANTED)


def test_a_plan_is_timed_and_its_sums_are_right() -> None:
    found = rounds(targets=6, regions=3, count=2)
    assert len(found.cpu_ms) == len(found.wall_ms) == 2


def test_a_wrong_sum_is_told_with_its_region() -> None:
    right = {"r": {LOAD: 1.0, CPU: 2.0, MEMORY: 0.5}}
    check({"r": {LOAD: 1.0, CPU: 2.0, MEMORY: 0.5}}, right)
    with pytest.raises(AssertionError, match=r"load of r is None, not 1\.0"):
        check({"r": {LOAD: None, CPU: 2.0, MEMORY: 0.5}}, right)
    with pytest.raises(AssertionError, match="0 regions were decided, not 1"):
        check({}, right)


def test_sums_by_hand_are_those_of_the_rules() -> None:
    def target(load: float, cpu: float) -> dict[str, list[float]]:
        return {
            "node_load1": [load],
            "node_cpu_seconds_total": [cpu, 0.0],
            "node_memory_MemAvailable_bytes": [1.0],
            "node_memory_MemTotal_bytes": [4.0],
        }

    found = by_hand(["a", "a", "b"], [target(1, 10)] * 3, [target(2, 20), target(3, 30), target(5, 10)], took=10.0)
    assert found["a"] == {LOAD: 5.0, CPU: 3.0, "available": 2.0, "total": 8.0, MEMORY: 0.25}
    assert found["b"][CPU] == 0.0


def test_without_a_prometheus_the_rules_have_no_peer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PROMETHEUS_BIN", str(tmp_path / "gone"))
    monkeypatch.setattr("bench.planning.rounds", lambda **_: rounds(targets=2, regions=1, count=1))
    with children() as stack:
        rows = {row.spec.name: row for row in planning(Run(tmp_path, frozenset(SPECS)), stack)}
    assert rows["plan-rules"].ratio is None
    assert "set PROMETHEUS_BIN" in rows["plan-rules"].more["note"]


def test_our_page_is_compared_with_the_same_series() -> None:
    rows = {row.spec.name: row for row in exposing(Run(Path(), frozenset(SPECS)), regions=4)}
    assert rows["exposition"].more["series"] == 4 * 20
    assert len(rows["exposition"].ours) == len(rows["exposition"].peers)


async def test_the_longest_hold_is_that_of_one_slice_and_not_of_the_whole() -> None:
    async def sliced(slices: int) -> None:
        for _ in range(slices):
            sum(range(300_000))
            await asyncio.sleep(0)

    one, eight = await longest_hold(sliced(1)), await longest_hold(sliced(8))
    assert one > 0.001
    assert eight < 4 * one


def test_a_page_that_only_states_wanted_families_is_enough_for_the_sums() -> None:
    assert full_parse(node_page(STILL, only_wanted=True).versions[3], NODE_WANTED)
