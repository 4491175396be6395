"""Real servers of the Prometheus family for tests: started on loopback, known to be ours, stopped by pid.

A folder of the test comes in, a running server goes out. A missing binary is a failure that names its Debian package,
never a skip.
"""

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

READY_WITHIN = 20.0
"""Seconds that a server may take until it answers."""
STOP_WITHIN = 5.0
"""Seconds after SIGTERM before SIGKILL."""
POLL = 0.03
_PORTS = range(18000, 32000)
"""Below the range that outgoing connections take their ports from."""
_given: set[int] = set()


def free_port() -> int:
    """A port of loopback that nothing listens on, and that this process has not been given before."""
    while True:
        port = secrets.choice(_PORTS)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until(check: Callable[[], bool], what: str, within: float = READY_WITHIN) -> None:
    """Ask every 30 ms until it is true. Raises AssertionError naming `what` after `within` seconds."""
    end = time.monotonic() + within
    while not check():
        assert time.monotonic() < end, f"not within {within:g} s: {what}"
        time.sleep(POLL)


def http_get(port: int, path: str, status: int = 200) -> str | None:
    """The body of an answer with that status from loopback; None for any other answer, and for none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == status else None


class RealServer:
    """A child process that serves HTTP on `port`; `package` is the Debian package of its binary."""

    def __init__(self, package: str, binary: str, arguments: Sequence[str], port: int, log: Path) -> None:
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.url = f"http://{self.address}"
        self._package = package
        self._binary = binary
        self._arguments = list(arguments)
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The child's process id."""
        assert self._child is not None, f"{self._binary} was not started"
        return self._child.pid

    def start(self, is_ours: Callable[[], bool]) -> None:
        """Start, and wait until `is_ours` has recognised this very server by its answer while the child lives."""
        path = shutil.which(self._binary)
        assert path, f"{self._binary} is not installed: apt-get install {self._package}"
        with self._log.open("ab") as log:
            self._child = subprocess.Popen([path, *self._arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: self._lives() and is_ours(), f"{self._binary} answers on {self.address}")
            assert self._lives()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the child, by its pid; does nothing if it has ended."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    def get(self, path: str) -> str | None:
        """The body of a 200 answer, else None."""
        return http_get(self.port, path)

    def get_json(self, path: str) -> object:
        """What the server's API answers. Raises AssertionError if it does not."""
        body = self.get(path)
        assert body is not None, f"{self.url}{path} gives no answer"
        return json.loads(body)

    def _lives(self) -> bool:
        assert self._child is not None
        code = self._child.poll()
        end = self._log.read_text(errors="replace")[-2000:] if code is not None else ""
        assert code is None, f"{self._binary} ended with code {code}:\n{end}"
        return True


@contextmanager
def node_exporter(folder: Path, *, collectors: Sequence[str] = ("meminfo",)) -> Iterator[RealServer]:
    """A node_exporter with these collectors and the textfile collector.

    Whatever a test writes to `folder`/textfile/*.prom is on its page. It is known as ours by a series
    `test_run{id="..."}` on its page.
    """
    ours, port = secrets.token_hex(8), free_port()
    textfiles = folder / "textfile"
    textfiles.mkdir(parents=True, exist_ok=True)
    (textfiles / "test_run.prom").write_text(f'test_run{{id="{ours}"}} 1\n', encoding="utf-8")
    arguments = [
        f"--web.listen-address=127.0.0.1:{port}",
        "--collector.disable-defaults",
        f"--collector.textfile.directory={textfiles}",
        *(f"--collector.{name}" for name in dict.fromkeys(("textfile", *collectors))),
    ]
    server = RealServer(
        "prometheus-node-exporter", "prometheus-node-exporter", arguments, port, folder / "node_exporter.log"
    )
    server.start(lambda: ours in (server.get("/metrics") or ""))
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def prometheus(folder: Path, config: Mapping[str, object], binary: str = "prometheus") -> Iterator[RealServer]:
    """A Prometheus with this configuration; `global` intervals are 1 s unless it says otherwise.

    `binary` is a name on PATH or the path of another version.

    It is known as ours by a random external label. Its first scrape comes 5 to 6 s after the start, since targets are
    taken over every 5 s: start it once for many tests and wait with `wait_until`.
    """
    ours, port = secrets.token_hex(8), free_port()
    written = config.get("global", {})
    assert isinstance(written, Mapping)
    whole = {
        **config,
        "global": {
            "scrape_interval": "1s",
            "evaluation_interval": "1s",
            **written,
            "external_labels": {**written.get("external_labels", {}), "test_run": ours},
        },
    }
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(whole), encoding="utf-8")  # JSON is YAML
    arguments = [
        f"--config.file={path}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        "--web.enable-admin-api",
        "--web.enable-remote-write-receiver",
        "--rules.alert.resend-delay=1s",
        "--log.level=warn",
    ]
    server = RealServer("prometheus", binary, arguments, port, folder / "prometheus.log")
    server.start(lambda: bool(server.get("/-/ready")) and ours in (server.get("/api/v1/status/config") or ""))
    try:
        yield server
    finally:
        server.stop()


def prometheus_binaries() -> list[str]:
    """The Prometheus on PATH, and the one that PROMETHEUS_BIN names if it is set."""
    other = os.environ.get("PROMETHEUS_BIN")
    return ["prometheus", *([other] if other else [])]


@contextmanager
def alertmanager(folder: Path, receiver: Mapping[str, object], route: Mapping[str, object]) -> Iterator[RealServer]:
    """An Alertmanager that sends every alert to one receiver, as this route says; it is no part of a cluster.

    It is known as ours by the random end of the receiver's name in its configuration.
    """
    name, port = f"autoscaler-{secrets.token_hex(8)}", free_port()
    config = {"route": {**route, "receiver": name}, "receivers": [{**receiver, "name": name}]}
    path = folder / "alertmanager.yml"
    path.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    arguments = [
        f"--config.file={path}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=debug",
    ]
    log = folder / "alertmanager.log"
    server = RealServer("prometheus-alertmanager", "prometheus-alertmanager", arguments, port, log)
    server.start(lambda: bool(server.get("/-/ready")) and name in (server.get("/api/v2/status") or ""))
    try:
        yield server
    finally:
        server.stop()
