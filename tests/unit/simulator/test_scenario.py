from pathlib import Path

import pytest
from pydantic import ValidationError

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.simulator.demand import area
from autoscaler.simulator.scenario import load_scenario
from tests.unit.simulator.builders import region, scenario

WRITTEN = """
regions:
  - region: cn-beijing-cmcc-2
    initial_nodes: 3
    stock: 4
    restock: [[5m, 10]]
    demand: [[0, 100], [1m, 400]]
    dark: [[2m, 150s]]
access_key_secret: not-a-real-one
task_seconds: 90s
"""


def test_a_scenario_is_read_from_yaml_with_durations_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "storm.yaml"
    path.write_text(WRITTEN)
    read = load_scenario(path)
    only = read.region("cn-beijing-cmcc-2")
    assert only is not None
    assert (read.task_seconds, only.restock, only.dark) == (90.0, ((300.0, 10),), ((120.0, 150.0),))
    assert read.region("cn-nowhere") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("regions: [{region: cn-a, stok: 3}]", r":1: regions\[0\].stok: unknown key 'stok'; did you mean 'stock'"),
        ("regions: []", "regions: must have at least 1 item"),
        ("regions: 7", "regions: must be a list"),
        ("", "the file is empty"),
        ("[1]", "a mapping of keys to values, and this is a list"),
        ("a: 1\n---\nb: 2\n", "one document"),
        (
            "regions: [{region: cn-a}]\ntask_seconds: -1",
            r":2: task_seconds: must be greater than or equal to 0 \(is -1\)",
        ),
        ("regions: [{region: cn-a}]\nanswer_format: jsn", "did you mean 'json'"),
        ("regions: [{region: cn-a}]\nprice: -3", "price: must be from 0"),
        ("regions: [{region: cn-a}]\npools: [{id: np, region: cn-b, product: cs}]", "which is not among regions"),
        ("regions: [{region: cn-a}]\npools: [{id: np, region: cn-a, product: cs, instance_type: x}]", "among types"),
        ("regions: [{region: cn-a, types: [{type: x}]}]", "which is not among types"),
        ("regions: [{region: cn-a}]\ntypes: [{type: ens.sn1.tiny}]", "instance type is listed twice"),
        ("regions: [{region: cn-a}]\nscripts: [{region: cn-b}]", "a script waits for region cn-b"),
        ("regions: [{region: cn-a}]\nscripts: [{nodes: [{join: nevr}]}]", "did you mean 'never'"),
        ("regions: [{region: cn-a}]\nscripts: [{meanwhile: [[9, 9, paused]]}]", "end after it begins"),
        ("regions: [{region: cn-a}]\nvisible: {nodes: {missing: [[5, 2]]}}", "end after it begins"),
        ("regions: [{region: cn-a}]\nscript: {nodes: [{status: [[9, Ready], [2, Ready]]}]}", "order of their seconds"),
        ("regions: [{region: cn-a}, {region: cn-a}]", "listed twice"),
        ("regions: [{region: cn-a, demand: [[9, 1], [2, 1]]}]", "order of their seconds"),
        ("regions: [{region: cn-a, dark: [[9, 9]]}]", "end after it begins"),
        ("regions: [", "not YAML"),
    ],
)
def test_a_wrong_scenario_is_refused_with_the_place_of_the_mistake(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationRefused, match=said):
        load_scenario(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="can not be read"):
        load_scenario(tmp_path / "none.yaml")


def test_a_refused_scenario_does_not_tell_its_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text("access_key_secret: hunter2hunter2\nregions: 7\n")
    with pytest.raises(ConfigurationRefused) as caught:
        load_scenario(path)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(scenario(access_key_secret="hunter2hunter2"))


def test_a_scenario_does_not_change() -> None:
    with pytest.raises(ValidationError):
        scenario().__setattr__("seed", 3)


@pytest.mark.parametrize(
    ("second", "rate"), [(-5, 100.0), (0, 100.0), (30, 250.0), (60, 400.0), (90, 300.0), (120, 200.0), (999, 200.0)]
)
def test_demand_is_joined_by_straight_lines_and_level_outside(second: float, rate: float) -> None:
    assert region(demand=((0, 100), (60, 400), (120, 200))).demand_at(second) == rate


def test_a_jump_in_demand_is_two_points_at_one_second() -> None:
    jump = region(demand=((0, 100), (60, 100), (60, 500)))
    assert (jump.demand_at(59.9), jump.demand_at(60)) == (100.0, 500.0)


def test_a_dark_window_holds_its_beginning_and_not_its_end() -> None:
    site = region(dark=((10, 20), (40, 50)))
    assert [site.is_dark(second) for second in (9.9, 10, 19.9, 20, 45, 50)] == [False, True, True, False, True, False]


@pytest.mark.parametrize("ceiling", [40.0, 150.0, 250.0, 1000.0])
def test_the_area_under_the_demand_is_what_adding_up_small_steps_gives(ceiling: float) -> None:
    points = ((0.0, 100.0), (60.0, 300.0), (60.0, 50.0), (100.0, 200.0))
    site = region(demand=points)
    steps = 20_000
    width = 130 / steps
    added = sum(min(ceiling, site.demand_at(5 + (step + 0.5) * width)) * width for step in range(steps))
    assert area(points, 5, 135, ceiling) == pytest.approx(added, rel=1e-4)


def test_the_area_up_to_a_jump_knows_nothing_of_what_follows() -> None:
    assert area(((0.0, 100.0), (60.0, 100.0), (60.0, 900.0)), 50, 60) == 1000.0
