"""The fixtures themselves: what they start is theirs, and what can not be started says why."""

import os
from pathlib import Path

import pytest

from tests.integration.servers import RealServer, free_port, node_exporter


def test_a_missing_binary_fails_and_names_its_package(tmp_path: Path) -> None:
    server = RealServer("its-package", "no-such-binary", [], free_port(), tmp_path / "log")
    with pytest.raises(AssertionError, match="no-such-binary is not installed: apt-get install its-package"):
        server.start(lambda: True)


def test_a_server_that_ends_at_once_fails_with_its_last_words(tmp_path: Path) -> None:
    server = RealServer("coreutils", "cat", [str(tmp_path / "absent")], free_port(), tmp_path / "log")
    with pytest.raises(AssertionError, match=r"cat ended with code 1:\n.*No such file"):
        server.start(lambda: False)


def test_a_port_is_given_once_and_is_below_those_of_outgoing_connections() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert all(18000 <= port < 32000 for port in ports)


def test_what_a_test_writes_is_on_the_page_and_the_process_is_gone_afterwards(tmp_path: Path) -> None:
    with node_exporter(tmp_path) as exporter:
        (tmp_path / "textfile" / "mine.prom").write_text("edge_load 7\n", encoding="utf-8")
        assert "\nedge_load 7\n" in (exporter.get("/metrics") or "")
        pid = exporter.pid
    assert exporter.get("/metrics") is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
