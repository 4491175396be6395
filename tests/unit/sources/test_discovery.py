"""Targets from files that change under way."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from autoscaler.sources.discovery import Discovery
from tests.unit.sources.jobs import LABEL, REGION, group, job


class Watched:
    """A discovery over globs in one folder, and everything that it reported."""

    def __init__(self, folder: Path, *globs: str) -> None:
        self.reported: list[str] = []
        config = job(group("static:1"), file_sd_configs=[{"files": [folder / glob for glob in globs]}])
        self.discovery = Discovery(config, LABEL, self.reported.append)

    async def addresses(self) -> list[str]:
        return [target.address for target in await self.discovery.refresh() if target.address != "static:1"]


def write_json(path: Path, *targets: str, labels: dict[str, str] | None = None) -> None:
    path.write_text(json.dumps([{"targets": targets, "labels": labels or {LABEL: REGION}}]), encoding="utf-8")


async def test_json_and_yaml_files_add_to_the_static_targets(tmp_path: Path) -> None:
    write_json(tmp_path / "b.json", "b:1")
    (tmp_path / "a.yml").write_text(
        f"# comment\n- targets: [a:1, 'c:1']\n  labels: {{{LABEL}: {REGION}, rack: 1.10, on: yes}}\n", encoding="utf-8"
    )
    watched = Watched(tmp_path, "*.yml", "b.json")
    targets = await watched.discovery.refresh()
    assert [target.address for target in targets] == ["static:1", "a:1", "c:1", "b:1"]
    assert targets[1].labels["rack"] == "1.10"
    assert targets[1].labels["on"] == "yes"
    assert watched.reported == []


async def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(tmp_path / "a.json", "a:1")
    watched = Watched(tmp_path, "*.json")
    first = await watched.discovery.refresh()
    with monkeypatch.context() as patch:
        patch.setattr("autoscaler.sources.file_sd._read", lambda path: pytest.fail(f"{path} was read again"))
        assert await watched.discovery.refresh() is first
    write_json(tmp_path / "a.json", "a:1", "a:2")
    assert await watched.addresses() == ["a:1", "a:2"]


async def test_a_file_put_in_the_other_s_place_is_read_even_with_its_size_and_time(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", "a:1")
    watched = Watched(tmp_path, "a.json")
    assert await watched.addresses() == ["a:1"]
    before = (tmp_path / "a.json").stat()
    write_json(tmp_path / "new", "b:1")
    os.utime(tmp_path / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "new").replace(tmp_path / "a.json")
    assert await watched.addresses() == ["b:1"]


@pytest.mark.parametrize(
    ("name", "broken", "why"),
    [
        ("a.json", b'[{"targets": ["b:1"', "is no JSON: line 1"),
        ("a.json", b"", "is no JSON"),
        ("a.json", b'{"targets": []}', "the whole: Input should be a valid tuple"),
        ("a.json", b'[{"targets": ["b:1"], "label": {}}]', "0.label: Extra inputs are not permitted"),
        ("a.json", b'[{"targets": ["b:1"], "labels": {"rack": 7}}]', "0.labels.rack: Input should be a valid string"),
        ("a.json", b'[{"targets": ["b:1"], "labels": {"a-b": "7"}}]', "'a-b' is no label name"),
        ("a.json", b"[" * 100_000, "is nested too deeply"),
        ("a.json", b'[{"targets": ["\xff"]}]', "is not UTF-8"),
        ("a.yaml", b"- targets: [b:1\n  labels", "is no YAML: line 2"),
        ("a.yaml", b"- targets: [b:1]\n  targets: [c:1]\n", "is no YAML"),
        ("a.json", b'[{"targets": [%s]}]' % (b"1" * 5000), "can not be read: Exceeds the limit"),
        ("a.yaml", b'- targets: ["\\U00110000"]', "can not be read: chr() arg not in range"),
        ("a.yaml", b'- targets: ["\\UFFFFFFFF"]', "can not be read: "),
        ("a.yaml", b"", "the whole: Input should be a valid tuple"),
    ],
)
async def test_a_broken_file_keeps_its_last_good_targets_and_is_told_once(
    tmp_path: Path, name: str, broken: bytes, why: str
) -> None:
    path = tmp_path / name
    write_json(path, "a:1")  # JSON is YAML
    watched = Watched(tmp_path, name)
    assert await watched.addresses() == ["a:1"]
    path.write_bytes(broken)
    assert await watched.addresses() == ["a:1"]
    assert await watched.addresses() == ["a:1"]
    assert len(watched.reported) == 1
    assert watched.reported[0].startswith(f"edge: {path}: ")
    assert why in watched.reported[0]
    write_json(path, "a:3")
    assert await watched.addresses() == ["a:3"]
    assert watched.discovery.problems == ()


async def test_a_named_file_that_vanishes_keeps_its_targets(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", "a:1")
    watched = Watched(tmp_path, "a.json")
    await watched.addresses()
    (tmp_path / "a.json").unlink()
    assert await watched.addresses() == ["a:1"]
    assert watched.reported == [
        f"edge: {tmp_path}/a.json: No such file or directory; the targets that it last named stay"
    ]


async def test_a_file_that_a_glob_no_longer_finds_takes_its_targets_with_it(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", "a:1")
    write_json(tmp_path / "b.json", "b:1")
    watched = Watched(tmp_path, "*.json")
    assert await watched.addresses() == ["a:1", "b:1"]
    (tmp_path / "a.json").unlink()
    assert await watched.addresses() == ["b:1"]
    assert watched.reported == []


async def test_a_directory_that_vanishes_keeps_its_targets(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", "a:1")
    watched = Watched(tmp_path, "*.json")
    assert await watched.addresses() == ["a:1"]
    away = tmp_path.with_name(f"{tmp_path.name}-away")
    os.rename(tmp_path, away)  # noqa: PTH104  # what pathlib has for it counts as blocking
    assert await watched.addresses() == ["a:1"]
    assert await watched.addresses() == ["a:1"]
    assert watched.reported == [
        f"edge: {tmp_path}: No such file or directory; the targets that it last named stay",
        f"edge: {tmp_path}/a.json: No such file or directory; the targets that it last named stay",
    ]
    os.rename(away, tmp_path)  # noqa: PTH104  # as above
    assert await watched.addresses() == ["a:1"]
    assert watched.discovery.problems == ()


async def test_rules_see_which_file_named_a_target(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", "a:1", labels={LABEL: REGION, "__meta_filepath": "elsewhere"})
    rules = [{"source_labels": ["__meta_filepath"], "target_label": "file"}]
    config = job(file_sd_configs=[{"files": [tmp_path / "**.json"]}], relabel_configs=rules)
    (target,) = await Discovery(config, LABEL, pytest.fail).refresh()
    assert target.labels["file"] == f"{tmp_path}/a.json"
    assert "__meta_filepath" not in target.labels


async def test_a_change_of_one_file_builds_no_other_target_anew(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", "a:1")
    write_json(tmp_path / "b.json", "b:1")
    watched = Watched(tmp_path, "*.json")
    first = await watched.discovery.refresh()
    write_json(tmp_path / "b.json", "c:1")
    second = await watched.discovery.refresh()
    assert [target.address for target in second] == ["static:1", "a:1", "c:1"]
    assert second[0] is first[0]
    assert second[1] is first[1]


async def test_dropped_targets_are_counted(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", "a:1", "b:1")
    rules = [{"action": "drop", "source_labels": ["__address__"], "regex": "b.*"}]
    config = job(file_sd_configs=[{"files": [tmp_path / "a.json"]}], relabel_configs=rules)
    discovery = Discovery(config, LABEL, pytest.fail)
    assert discovery.dropped == 0
    assert [target.address for target in await discovery.refresh()] == ["a:1"]
    assert discovery.dropped == 1


async def test_a_broken_file_does_not_hold_another_back(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    write_json(tmp_path / "b.json", "b:1")
    assert await Watched(tmp_path, "*.json").addresses() == ["b:1"]


async def test_targets_without_a_region_are_told_once_for_each_change(tmp_path: Path) -> None:
    watched = Watched(tmp_path, "a.json")
    told: list[Sequence[str]] = []
    for targets in (["a:1"], ["a:1"], ["a:1", "b:1"]):
        write_json(tmp_path / "a.json", *targets, labels={"rack": "7"})
        assert await watched.addresses() == []
        told.append(tuple(watched.reported))
    assert told[0] == told[1] == ("edge: 1 targets have no label ens_region_id and are not scraped: a:1",)
    assert told[2][1:] == ("edge: 2 targets have no label ens_region_id and are not scraped: a:1, b:1",)
