"""Finding and telling the peers."""

from pathlib import Path

import pytest

from bench.live import Pace, job
from bench.peers import PeerMissing, find, keeping, version_in
from bench.sums import REGION_LABEL
from bench.targets import address, target_at


def test_the_named_binary_is_taken_before_that_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "newer"
    program.write_text("#!/bin/sh\necho 'prometheus, version 3.5.3+ds1 (branch: x)'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PROMETHEUS_BIN", str(program))
    found = find("PROMETHEUS_BIN", "prometheus")
    assert found.path == str(program)
    assert found.label == "prometheus 3.5.3"


def test_a_binary_that_is_not_there_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VMAGENT_BIN", str(tmp_path / "gone"))
    with pytest.raises(PeerMissing, match="set VMAGENT_BIN to a vmagent"):
        find("VMAGENT_BIN", "vmagent")
    monkeypatch.delenv("VMAGENT_BIN")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PeerMissing, match="none of vmagent is on PATH"):
        find("VMAGENT_BIN", "vmagent")


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("prometheus, version 2.42.0+ds (branch: debian/sid)", "2.42.0"),
        ("vmagent-20260101-tags-v1.145.0-0-g", "1.145.0"),
        ("vmagent", ""),
    ],
)
def test_versions_are_read_from_what_programs_say(said: str, version: str) -> None:
    assert version_in(said) == version


def test_a_peer_keeps_the_wanted_series_only() -> None:
    what = keeping({"job_name": "bench"}, ["a", "b"])
    (rule,) = what["metric_relabel_configs"]
    assert (rule["action"], rule["source_labels"], rule["regex"]) == ("keep", ["__name__"], "a|b")


def test_every_client_scrapes_the_same_targets_at_the_same_pace() -> None:
    one, two = (job(name, "node", 300, 18000, Pace()) for name in ("prometheus", "ours"))
    assert one["static_configs"] == two["static_configs"]
    assert one["scrape_interval"] == two["scrape_interval"] == "10s"
    assert (one["metrics_path"], two["metrics_path"]) == ("/node/prometheus", "/node/ours")


def test_targets_are_spread_over_regions() -> None:
    groups = job("ours", "node", 100, 18000, Pace(), regions=10)["static_configs"]
    assert [len(group["targets"]) for group in groups] == [10] * 10
    assert len({group["labels"][REGION_LABEL] for group in groups}) == 10


def test_ten_thousand_targets_have_addresses_of_their_own() -> None:
    found = {address(target) for target in range(10_000)}
    assert len(found) == 10_000
    assert all(1 <= int(part) <= 250 for part in (one.rsplit(".", 1)[1] for one in found))
    assert [target_at(address(target)) for target in (0, 249, 250, 9_999)] == [0, 249, 250, 9_999]
