"""A smoke of the real thing in small: a process that answers as targets, asked over HTTP, measured and ended."""

import gzip
import http.client
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.children import Child, ChildFailed, children, free_port
from bench.live import Client, Pace, job, measure, start_ours, start_targets
from bench.ours import Reader
from bench.page_shapes import NODE_WANTED, node_page
from bench.pages import chunked
from bench.targets import TargetsSpec, address, answer


def test_a_target_answers_with_its_own_page_and_counts_who_asked(tmp_path: Path) -> None:
    port = free_port()
    with children() as stack:
        targets = start_targets(stack, tmp_path, TargetsSpec(port, interval=1.0, delay=(0.0, 0.001)))
        bodies = [asked(3, port, "node", "one"), asked(3, port, "node", "one"), asked(4, port, "node", "two")]
        counts = targets.ask("counts")
    assert bodies == [node_page().body(0, b"~000003"), node_page().body(1, b"~000003"), node_page().body(0, b"~000004")]
    assert (counts["one"]["answers"], counts["one"]["targets"], counts["two"]["answers"]) == (2, 1, 1)


def asked(target: int, port: int, page: str, client: str) -> bytes:
    connection = http.client.HTTPConnection(address(target), port, timeout=10)
    try:
        connection.request("GET", f"/{page}/{client}")
        return connection.getresponse().read()
    finally:
        connection.close()


def test_windows_divide_the_cpu_of_a_client_by_its_answers(tmp_path: Path) -> None:
    port, pace = free_port(), Pace(interval=5.0, warm_up=0.5, window=0.5, windows=2)
    asking = (
        "import http.client, time\n"
        f"c = http.client.HTTPConnection('{address(0)}', {port})\n"
        "while True:\n"
        "    c.request('GET', '/node-wanted/loop'); c.getresponse().read(); time.sleep(0.1)\n"
    )
    with children() as stack:
        targets = start_targets(stack, tmp_path, TargetsSpec(port, pace.interval, delay=(0.0, 0.0)))
        loop = Client("loop", stack.enter_context(Child("loop", [sys.executable, "-c", asking], tmp_path)))
        found = measure(targets, [loop], pace, fleet=1)["loop"]
    assert all(1 <= scrapes <= 6 for scrapes in found.scrapes)
    assert all(0 < us < 100_000 for us in found.us_per_scrape)
    assert found.missed == 0
    assert 1 < found.rss_mb < 200


@pytest.mark.parametrize("reader", ["own", "aiohttp"])
def test_our_source_scrapes_every_target_and_keeps_what_is_wanted(tmp_path: Path, reader: Reader) -> None:
    port, pace = free_port(), Pace(interval=1.0, warm_up=1.2, window=2.0, windows=1)
    with children() as stack:
        targets = start_targets(stack, tmp_path, TargetsSpec(port, pace.interval, delay=(0.0, 0.01)))
        what = job("ours", "node", 3, port, pace, regions=2)
        ours = start_ours(stack, tmp_path, "ours", what, NODE_WANTED, reader)
        found = measure(targets, [ours], pace, fleet=3)["ours"]
    assert (found.samples, found.reasons) == (20.0, {})
    assert found.scrapes[0] >= 3
    assert 0 < found.us_per_scrape[0] < 100_000


def test_a_compressed_page_is_the_page_compressed() -> None:
    head, _, framed = answer("ksm-gzip", 0, 7).partition(b"\r\n\r\n")
    plain = answer("ksm", 0, 7)
    assert b"Content-Encoding: gzip" in head
    assert len(framed) < len(plain) / 3
    whole = b""
    while framed:
        size, _, framed = framed.partition(b"\r\n")
        whole, framed = whole + framed[: int(size, 16)], framed[int(size, 16) + 2 :]
    assert chunked(gzip.decompress(whole)) == plain


def test_a_process_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    with Child("broken", ["sh", "-c", "echo no such flag >&2; exit 3"], tmp_path) as broken:
        time.sleep(0.2)
        with pytest.raises(ChildFailed, match=r"broken ended with status 3: no such flag"):
            broken.cpu()


def test_a_process_that_can_not_start_says_why_instead_of_being_waited_for(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such module')"]
    with Child("mute", command, tmp_path, speaks=True) as mute, pytest.raises(ChildFailed, match="no such module"):
        mute.heard(10.0)


def test_no_process_outlives_its_run(tmp_path: Path) -> None:
    def run(stack: ExitStack) -> None:
        started.append(stack.enter_context(Child("sleeper", ["sleep", "60"], tmp_path)))
        raise RuntimeError("in the middle")

    started: list[Child] = []
    with pytest.raises(RuntimeError, match="in the middle"), children() as stack:
        run(stack)
    assert not Path(f"/proc/{started[0].pid}").exists()
    with pytest.raises(ChildFailed, match="ended"):
        started[0].check()
