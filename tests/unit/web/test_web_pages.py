"""Promises of the web server, asked over real HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse
from structlog.testing import capture_logs

from autoscaler.model.capacity import Capacity
from autoscaler.model.decision import Decision, GuardStep, Purchase, Vote
from autoscaler.model.events import LedgerFailed, SourceFailed, WaveArrived
from autoscaler.model.names import ClusterId, InstanceId, Money, OrderId, RegionId, TaskId
from autoscaler.model.operation import ScaleOutCluster
from autoscaler.model.order import Order, OrderState, Receipt
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal, TargetStatus, Wave
from autoscaler.policy.explain import explain, summary
from autoscaler.ports import Observer
from autoscaler.telemetry.exposition import Exposition
from autoscaler.telemetry.families import Families, Labels
from autoscaler.web.accept import prefers_text, takes_gzip
from autoscaler.web.metrics import SMALL
from autoscaler.web.server import WebServer
from autoscaler.web.sources import SourceBoard
from autoscaler.web.status import StatusView, strict_json

REGION = RegionId("cn-beijing-cmcc-2")
OTHER = RegionId("cn-wuxi-telecom-4")
AT = 1_000.0
NONE: frozenset[InstanceId] = frozenset()

DECISION = Decision(
    REGION,
    "default",
    AT,
    Capacity(REGION, frozenset({InstanceId("i-1"), InstanceId("i-2")}), NONE, NONE, NONE, AT),
    3,
    (Signal(REGION, "cpu", float("nan"), AT - 5, 3, 4),),
    (Vote("track", 9, Reason.ABOVE_TARGET, "80 over 60"),),
    (GuardStep("bounds", 9, 5, Reason.ABOVE_MAXIMUM, "maximum is 5"),),
    5,
)
BLIND = Decision(OTHER, "default", AT, None, 0, (), (Vote("track", None, Reason.SIGNAL_MISSING, "dark"),), (), 0)
OPERATION = ScaleOutCluster(ClusterId("c1"), "small", REGION, "ens.sn1", "image", "95BandwidthByMonth", 1, 40)
ORDER = Order(
    OrderId("order-1"),
    7,
    REGION,
    OPERATION,
    3,
    AT,
    AT + 3600,
    state=OrderState.ACCEPTED,
    receipt=Receipt(TaskId("T-1"), "REQ-1"),
)
WAVE = Wave(
    "nodes",
    AT,
    0.5,
    (
        TargetStatus("a", REGION, up=True, reason=Reason.UP),
        TargetStatus("b", REGION, up=False, reason=Reason.TIMED_OUT, detail="no answer"),
    ),
)


NO_METRICS = Exposition(CollectorRegistry(), Families(), ())


@dataclass
class Board:
    """A status view that says what a test wrote on it."""

    known: list[Decision] = field(default_factory=lambda: [BLIND, DECISION])
    orders: list[Order] = field(default_factory=lambda: [ORDER])
    checks: dict[str, str | None] = field(default_factory=lambda: {"ledger": None, "capacity": None})
    age: float = 1.0
    broken: bool = False

    def decisions(self) -> Sequence[Decision]:
        if self.broken:
            raise RuntimeError("hunter2")
        return self.known

    def decision(self, region: RegionId) -> Decision | None:
        return next((one for one in self.known if one.region == region), None)

    def open_orders(self) -> Sequence[Order]:
        return self.orders

    def readiness(self) -> Mapping[str, str | None]:
        return self.checks

    def heartbeat_age(self) -> float:
        return self.age

    def tick(self) -> int:
        return 42


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def document(self) -> dict[str, object]:
        def refuse(word: str) -> object:
            raise AssertionError(f"{word} is no JSON")

        assert self.headers["Content-Type"].startswith("application/json")
        found = json.loads(self.text, parse_constant=refuse)
        assert isinstance(found, dict)
        return found


class Site:
    """A running server, the board behind it and a client before it."""

    def __init__(self) -> None:
        self.board = Board()
        self.registry = CollectorRegistry()
        Counter("autoscaler_ledger_failures_total", "Help.", registry=self.registry).inc()
        self.families = Families()
        view: StatusView = self.board
        self.sources = SourceBoard()
        self.sources.notice(WaveArrived(WAVE))
        self.server = WebServer(
            view,
            Exposition(self.registry, self.families, ()),
            host="127.0.0.1",
            port=0,
            version="1.2.3",
            sources=self.sources,
        )

    async def ask(self, path: str, accept: str = "*/*", method: str = "GET", encoding: str = "identity") -> Answer:
        headers = {"Accept": accept, "Accept-Encoding": encoding}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.server.url + path, headers=headers, allow_redirects=False) as response,
        ):
            return Answer(response.status, dict(response.headers), await response.text())


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    await site.server.start()
    yield site
    await site.server.stop()


async def test_port_zero_is_a_free_port_below_32768_each_time(site: Site) -> None:
    second = WebServer(Board(), NO_METRICS, host="127.0.0.1", port=0, version="1")
    await second.start()
    ports = {int(server.url.rsplit(":", 1)[1]) for server in (site.server, second)}
    await second.stop()
    assert len(ports) == 2
    assert all(1024 < port < 32768 for port in ports)


async def test_a_taken_port_is_said_at_once(site: Site) -> None:
    port = int(site.server.url.rsplit(":", 1)[1])
    second = WebServer(Board(), NO_METRICS, host="127.0.0.1", port=port, version="1")
    with pytest.raises(OSError, match="in use"):
        await second.start()
    await second.stop()


async def test_a_stopped_server_answers_nobody_and_stops_twice(site: Site) -> None:
    await site.server.stop()
    await site.server.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await site.ask("/healthz")


async def test_metrics_are_the_text_format_unless_asked_otherwise(site: Site) -> None:
    answer = await site.ask("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "autoscaler_ledger_failures" in {family.name for family in parse(answer.text)}


async def test_metrics_are_openmetrics_when_asked(site: Site) -> None:
    answer = await site.ask("/metrics", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    families = parse_openmetrics(answer.text)  # type: ignore[no-untyped-call]  # the library left it untyped
    assert [family.name for family in families][:1] == ["autoscaler_ledger_failures"]


async def test_an_unreadable_accept_header_still_gets_metrics(site: Site) -> None:
    answer = await site.ask("/metrics", "application/openmetrics-text;version=one.two")
    assert (answer.status, "autoscaler_ledger_failures_total 1.0" in answer.text) == (200, True)


async def test_openmetrics_ends_with_its_end_and_has_no_created_series(site: Site) -> None:
    series = site.families.counter("autoscaler_things_total", "Help.").series(Labels({"region": REGION}))
    series.set(2)
    answer = await site.ask("/metrics", "application/openmetrics-text")
    assert answer.text.endswith(f'autoscaler_things_total{{region="{REGION}"}} 2.0\n# EOF\n')
    assert "# TYPE autoscaler_things counter\n" in answer.text
    assert "autoscaler_things_created" not in answer.text


async def test_the_escaping_that_is_asked_for_is_the_one_that_is_sent_and_named(site: Site) -> None:
    site.families.gauge("autoscaler_desired_nodes", "Help.").series(Labels({"region": REGION})).set(3)
    answer = await site.ask("/metrics", "application/openmetrics-text;version=1.0.0;escaping=dots")
    assert answer.headers["Content-Type"].endswith("; escaping=dots")
    assert f'\nautoscaler__desired__nodes{{region="{REGION}"}} 3.0\n' in answer.text


@pytest.mark.parametrize("regions", [1, 2000])
async def test_metrics_are_gzip_where_it_is_taken_and_the_same_page(site: Site, regions: int) -> None:
    family = site.families.gauge("autoscaler_desired_nodes", "Help.")
    for n in range(regions):
        family.series(Labels({"region": f"cn-region-{n}"})).set(n)
    plain, packed = await site.ask("/metrics"), await site.ask("/metrics", encoding="deflate, gzip;q=0.5")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.text == plain.text
    assert (len(plain.text) > SMALL) == (regions > 1)
    assert int(packed.headers["Content-Length"]) < max(300, len(plain.text) / 4)
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_head_has_the_headers_of_get_and_no_body(site: Site, encoding: str) -> None:
    got, head = [await site.ask("/metrics", method=method, encoding=encoding) for method in ("GET", "HEAD")]
    assert (head.status, head.text) == (200, "")
    names = ("Content-Type", "Content-Length", "Vary")
    assert [head.headers[name] for name in names] == [got.headers[name] for name in names]
    assert head.headers.get("Content-Encoding") == got.headers.get("Content-Encoding")


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP ; q=0.2", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=odd", False),
        ("identity", False),
        ("x-gzip", False),
    ],
)
def test_gzip_is_sent_to_those_who_name_it_only(header: str, taken: bool) -> None:
    assert takes_gzip(header) is taken


@pytest.mark.parametrize(
    ("age", "status", "text"),
    [(0.0, 200, "ok"), (29.9, 200, "ok"), (30.0, 503, "30.0 s old"), (float("inf"), 503, "no heartbeat")],
)
async def test_health_is_the_age_of_the_heartbeat(site: Site, age: float, status: int, text: str) -> None:
    site.board.age = age
    answer = await site.ask("/healthz")
    assert (answer.status, text in answer.text) == (status, True)


async def test_health_does_not_depend_on_readiness(site: Site) -> None:
    site.board.checks["capacity"] = "not read yet"
    assert (await site.ask("/healthz")).status == 200


async def test_ready_when_every_check_is_good(site: Site) -> None:
    answer = await site.ask("/readyz")
    assert (answer.status, answer.text) == (200, "ok\n")


async def test_verbose_readiness_lists_the_checks_one_a_line(site: Site) -> None:
    assert (await site.ask("/readyz?verbose")).text == "[+]ledger ok\n[+]capacity ok\n"
    site.board.checks["capacity"] = "not read\nyet"
    answer = await site.ask("/readyz?verbose")
    assert (answer.status, answer.text) == (503, "[+]ledger ok\n[-]capacity: not read yet\n")


async def test_unreadiness_says_why_without_being_asked(site: Site) -> None:
    site.board.checks["capacity"] = "not read yet"
    assert "[-]capacity: not read yet" in (await site.ask("/readyz")).text


async def test_no_checks_at_all_is_not_ready(site: Site) -> None:
    site.board.checks.clear()
    assert (await site.ask("/readyz")).status == 503


async def test_the_status_shows_regions_orders_and_sources(site: Site) -> None:
    document = (await site.ask("/api/v1/status")).document
    assert (document["version"], document["tick"]) == ("1.2.3", 42)
    regions = document["regions"]
    assert isinstance(regions, list)
    first = {key: regions[0][key] for key in ("region", "policy", "ready", "committed", "desired", "reason", "summary")}
    assert first == {
        "region": REGION,
        "policy": "default",
        "ready": 2,
        "committed": 3,
        "desired": 5,
        "reason": "AboveMaximum",
        "summary": summary(DECISION),
    }
    assert regions[1]["ready"] is None
    orders, sources = document["orders"], document["sources"]
    assert isinstance(orders, list)
    assert isinstance(sources, list)
    assert (orders[0]["id"], orders[0]["state"], orders[0]["nodes"]) == ("order-1", "accepted", 3)
    assert (sources[0]["source"], sources[0]["targets_up"], sources[0]["targets_total"]) == ("nodes", 1, 2)
    assert [target["reason"] for target in sources[0]["down"]] == ["TimedOut"]


async def test_an_order_shows_what_it_costs_for_whom_it_is_and_what_was_wanted_and_left(site: Site) -> None:
    spilled = replace(ORDER, cost=Money(123_450), for_region=OTHER, desired=5, in_stock=2, failed_joins=1)
    site.board.orders = [spilled, ORDER]
    orders = (await site.ask("/api/v1/status")).document["orders"]
    assert isinstance(orders, list)
    keys = ("cost", "for_region", "desired", "in_stock", "failed_joins", "type", "operation")
    assert [orders[0][key] for key in keys] == [1234.5, OTHER, 5, 2, 1, "ens.sn1", "ScaleOutCluster"]
    assert [orders[1][key] for key in keys[:5]] == [None, None, 0, None, 0]


async def test_an_order_shows_what_of_it_counts_against_budgets(site: Site) -> None:
    partly = frozenset({InstanceId("i-1")})
    site.board.orders = [
        replace(ORDER, cost=Money(30_000)),
        replace(ORDER, cost=Money(30_000), state=OrderState.PARTIAL, instances=partly),
        replace(ORDER, cost=Money(30_000), state=OrderState.FAILED, instances=frozenset()),
        replace(ORDER, cost=Money(0)),
    ]
    orders = (await site.ask("/api/v1/status")).document["orders"]
    assert isinstance(orders, list)
    assert [(order["cost"], order["charged"]) for order in orders] == [
        (300.0, 300.0),
        (300.0, 100.0),
        (300.0, 0.0),
        (None, None),
    ]


async def test_a_region_shows_what_is_being_bought_for_it(site: Site) -> None:
    purchase = Purchase(OPERATION, 2, Money(50_000), OTHER)
    site.board.known = [BLIND, DECISION._replace(purchase=purchase)]
    regions = (await site.ask("/api/v1/status")).document["regions"]
    assert isinstance(regions, list)
    assert regions[0]["purchase"] == {"type": "ens.sn1", "nodes": 2, "cost": 500.0, "for_region": OTHER}
    assert regions[1]["purchase"] is None


async def test_a_ledger_that_can_not_be_written_is_unready_and_alive(site: Site) -> None:
    site.board.checks["ledger"] = "ledger /var/lib/a.db: the disk is full"
    answer = await site.ask("/readyz")
    assert (answer.status, "[-]ledger: ledger /var/lib/a.db: the disk is full" in answer.text) == (503, True)
    assert (await site.ask("/healthz")).status == 200


def test_a_failing_source_keeps_what_its_last_wave_said_until_it_is_well() -> None:
    board: Observer = (sources := SourceBoard())
    for event in (WaveArrived(WAVE), SourceFailed("nodes", "refused"), LedgerFailed("full")):
        board.notice(event)
    (entry,) = sources.entries()
    assert (entry["targets_up"], entry["at"], entry["fault"]) == (1, AT, "refused")
    board.notice(WaveArrived(WAVE))
    assert sources.entries()[0]["fault"] is None


def test_a_source_that_never_answered_is_listed_with_its_fault() -> None:
    board = SourceBoard()
    board.notice(SourceFailed("nodes", "refused"))
    (entry,) = board.entries()
    assert (entry["source"], entry["at"], entry["fault"]) == ("nodes", None, "refused")


def test_a_wave_about_some_regions_leaves_what_was_learnt_of_the_others() -> None:
    board = SourceBoard()
    down = TargetStatus("c", OTHER, up=False, reason=Reason.DNS_FAILED)
    board.notice(WaveArrived(Wave("nodes", AT, 0.5, (*WAVE.targets, down))))
    board.notice(WaveArrived(Wave("nodes", AT + 5, 0.1, WAVE.targets[:1], frozenset({REGION}))))
    (entry,) = board.entries()
    assert (entry["at"], entry["took_seconds"]) == (AT + 5, 0.1)
    assert (entry["targets_up"], entry["targets_total"]) == (1, 2)
    assert entry["down"] == [{"target": "c", "region": OTHER, "reason": "DnsFailed", "detail": ""}]
    board.notice(WaveArrived(Wave("nodes", AT + 9, 0.1, (), frozenset({OTHER, RegionId("cn-never-seen")}))))
    (entry,) = board.entries()
    assert (entry["targets_up"], entry["targets_total"], entry["down"]) == (1, 1, [])
    board.notice(WaveArrived(Wave("nodes", AT + 15, 0.1, ())))
    assert board.entries()[0]["targets_total"] == 0


async def test_a_server_without_a_source_board_lists_no_sources() -> None:
    server = WebServer(Board(), NO_METRICS, host="127.0.0.1", port=0, version="1")
    await server.start()
    async with aiohttp.ClientSession() as session, session.get(server.url + "/api/v1/status") as response:
        assert (await response.json())["sources"] == []
    await server.stop()


async def test_not_a_number_and_infinity_are_null_in_json(site: Site) -> None:
    site.board.age = float("inf")
    document = (await site.ask("/api/v1/status")).document
    regions = document["regions"]
    assert isinstance(regions, list)
    assert regions[0]["signals"][0]["value"] is None
    assert document["heartbeat_age_seconds"] is None


async def test_explain_is_json_or_text_as_the_client_likes(site: Site) -> None:
    path, text = f"/api/v1/regions/{REGION}/explain", "\n".join(explain(DECISION))
    assert (await site.ask(path)).document == {"region": REGION, "text": text}
    answer = await site.ask(path, "text/plain")
    assert (answer.text, answer.headers["Content-Type"]) == (text + "\n", "text/plain; charset=utf-8")


async def test_an_unknown_region_is_a_json_404(site: Site) -> None:
    answer = await site.ask("/api/v1/regions/cn-nowhere/explain", "text/plain")
    error = answer.document["error"]
    assert isinstance(error, dict)
    assert (answer.status, error["status"]) == (404, 404)
    assert "cn-nowhere" in error["message"]


async def test_the_root_leads_to_the_status(site: Site) -> None:
    answer = await site.ask("/")
    assert (answer.status, answer.headers["Location"]) == (302, "/api/v1/status")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/api/v1/status"])
async def test_only_get_is_served(site: Site, method: str, path: str) -> None:
    answer = await site.ask(path, method=method)
    assert (answer.status, "GET" in answer.headers["Allow"]) == (405, True)


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/healthz", "/api/v1/status", "/nowhere", "/api/v1/regions/x/explain"]
)
async def test_every_answer_is_nosniff_and_names_no_server(site: Site, path: str) -> None:
    answer = await site.ask(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Server" not in answer.headers


async def test_a_malformed_request_is_refused_and_does_no_harm(site: Site) -> None:
    host, port = site.server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GARBAGE\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    assert answer.split(" ", 2)[1] == "400"
    assert (await site.ask("/healthz")).status == 200


async def test_a_failing_page_is_a_500_that_tells_nothing_and_is_logged(site: Site) -> None:
    site.board.broken = True
    with capture_logs() as lines:
        answer = await site.ask("/api/v1/status")
    assert (answer.status, "hunter2" in answer.text) == (500, False)
    assert [(line["path"], line["log_level"]) for line in lines] == [("/api/v1/status", "error")]
    assert (await site.ask("/healthz")).status == 200


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", True),
        ("text/*", True),
        ("text/plain, */*", True),
        ("text/plain;q=0.5, application/json", False),
        ("application/json;q=0.5, text/plain;q=0.9", True),
        ("text/plain;q=odd", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
    ],
)
def test_the_accept_header_chooses_text_only_when_it_ranks_first(accept: str, text: bool) -> None:
    assert prefers_text(accept) is text


def test_an_ipv6_host_is_bracketed_and_a_wildcard_is_reachable() -> None:
    def url(host: str) -> str:
        return WebServer(Board(), NO_METRICS, host=host, port=9090, version="1").url

    assert url("::1") == "http://[::1]:9090"
    assert url("0.0.0.0") == "http://127.0.0.1:9090"


def test_strict_json_looks_into_lists() -> None:
    assert strict_json({"a": [float("nan"), (float("inf"),), 1.5]}) == '{"a": [null, [null], 1.5]}'
