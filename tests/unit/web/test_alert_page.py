"""Promises of the page that Alertmanager posts to, asked over real HTTP and HTTPS."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from autoscaler.model.decision import Decision
from autoscaler.model.errors import ConfigurationRefused
from autoscaler.model.names import RegionId
from autoscaler.model.order import Order
from autoscaler.settings.alertmanager import AlertReceiver
from autoscaler.settings.web_tls import TlsServer
from autoscaler.web import alerts, server
from autoscaler.web.alerts import AlertPage
from autoscaler.web.metrics import Encode
from autoscaler.web.server import WebServer
from tests.unit.web.client_certificates import Authority

PATH = "/api/v1/alerts/edge"
TOKEN = {"Authorization": "Bearer s3cret"}


class Quiet:
    """A status view and metrics that have nothing to say."""

    def decisions(self) -> Sequence[Decision]:
        return ()

    def decision(self, region: RegionId) -> Decision | None:
        return None

    def open_orders(self) -> Sequence[Order]:
        return ()

    def readiness(self) -> Mapping[str, str | None]:
        return {"ledger": None}

    def heartbeat_age(self) -> float:
        return 0.0

    def tick(self) -> int:
        return 1

    async def render(self, encode: Encode) -> bytes:
        return b""


@dataclass
class Inbox:
    """Keeps what it is given, or refuses it."""

    taken: list[bytes] = field(default_factory=list)
    refusal: str = ""
    taking: asyncio.Event | None = None

    async def take(self, body: bytes) -> None:
        if self.taking is not None:
            await self.taking.wait()
        if self.refusal:
            raise ValueError(self.refusal)
        self.taken.append(body)


@dataclass(frozen=True)
class Site:
    """A running server and the inbox behind its page."""

    url: str
    inbox: Inbox
    registry: CollectorRegistry

    async def post(
        self,
        body: object = b"{}",
        headers: Mapping[str, str] = TOKEN,
        path: str = PATH,
        context: ssl.SSLContext | None = None,
    ) -> tuple[int, str, Mapping[str, str]]:
        """Status, text and headers of the answer."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + path, data=body, headers=headers, ssl=context or True) as answer,
        ):
            return answer.status, await answer.text(), answer.headers

    async def get(self, path: str, context: ssl.SSLContext | None = None, method: str = "GET") -> int:
        """The status of the answer."""
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, ssl=context or True) as answer,
        ):
            return answer.status

    def counted(self, outcome: str, receiver: str = "edge") -> float | None:
        """How many posts ended so."""
        return self.registry.get_sample_value(alerts.POSTS, {"receiver": receiver, "outcome": outcome})


@asynccontextmanager
async def running(tls: TlsServer | None = None, **settings: object) -> AsyncIterator[Site]:
    inbox, registry, quiet = Inbox(), CollectorRegistry(), Quiet()
    written = settings or {"bearer_token": "s3cret"}
    receiver = AlertReceiver.model_validate({"name": "edge", "body_size_limit": 1000, **written})
    page = AlertPage([(receiver, inbox)], registry)
    site = WebServer(quiet, quiet, host="127.0.0.1", port=0, version="1", alerts=page, tls=tls)
    await site.start()
    try:
        yield Site(site.url, inbox, registry)
    finally:
        await site.stop()


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(server, "LINGERING_SECONDS", 0.05)
    async with running() as made:
        yield made


async def test_a_notification_reaches_its_inbox_and_is_counted(site: Site) -> None:
    assert site.counted("taken") == 0
    status, text, headers = await site.post(b'{"version": "4"}')
    assert (status, text) == (200, '{"status": "taken"}\n')
    assert site.inbox.taken == [b'{"version": "4"}']
    assert site.counted("taken") == 1
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_the_answer_comes_after_the_inbox_has_taken_it(site: Site) -> None:
    site.inbox.taking = asyncio.Event()
    posting = asyncio.create_task(site.post())
    await asyncio.wait([posting], timeout=0.1)
    assert not posting.done()
    site.inbox.taking.set()
    assert (await posting)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer s3cre"},
        {"Authorization": "Bearer s3cret2"},
        {"Authorization": "bearer S3CRET"},
        {"Authorization": "Basic s3cret"},
        {"Authorization": "Bearer schlüssel"},
    ],
)
async def test_without_the_token_nothing_is_taken(site: Site, headers: Mapping[str, str]) -> None:
    status, text, answered = await site.post(headers=headers)
    assert (status, answered["WWW-Authenticate"]) == (401, "Bearer")
    assert "s3cret" not in text
    assert (site.inbox.taken, site.counted("unauthorized")) == ([], 1)


async def test_what_the_inbox_refuses_is_a_400_in_its_words(site: Site) -> None:
    site.inbox.refusal = "version: Input should be '4'"
    status, text, _ = await site.post()
    assert (status, "Input should be '4'" in text, site.counted("malformed")) == (400, True, 1)


async def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(site: Site) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100

    assert (await site.post(b"x" * 1001))[0] == 413
    assert (await site.post(pieces()))[0] == 413
    assert (await site.post(b"x" * 1000))[0] == 200
    assert (site.counted("too_large"), len(site.inbox.taken)) == (2, 1)


async def test_a_body_without_an_end_is_refused_while_it_comes(site: Site) -> None:
    chunk = b"3e9\r\n" + b"x" * 1001 + b"\r\n"
    answer = await raw(site, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
    assert answer.split(b" ", 2)[1] == b"413"


async def test_a_compressed_body_is_not_taken(site: Site) -> None:
    status, text, _ = await site.post(gzip.compress(b"x" * 100_000), {**TOKEN, "Content-Encoding": "gzip"})
    assert (status, "compressed" in text, site.inbox.taken) == (415, True, [])


async def raw(site: Site, request: bytes) -> bytes:
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


HEAD = b"POST /api/v1/alerts/edge HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\n"


async def test_a_body_that_breaks_off_is_not_taken(site: Site) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    with capture_logs() as lines:
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(HEAD + b"Content-Length: 9\r\n\r\n{")
        writer.close()
        await writer.wait_closed()
        assert (await site.post())[0] == 200
    assert (site.inbox.taken, lines) == ([b"{}"], [])


async def test_chunks_that_are_none_are_malformed(site: Site) -> None:
    answer = await raw(site, HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n")
    assert answer.split(b" ", 2)[1] == b"400"
    assert site.inbox.taken == []


async def test_a_body_that_does_not_come_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "READ_WITHIN", 0.05)
    answer = await raw(site, HEAD + b"Content-Length: 9\r\n\r\n{")
    assert answer.split(b" ", 2)[1] == b"408"
    assert site.counted("too_slow") == 1


async def test_a_large_body_of_a_stranger_is_not_read(site: Site) -> None:
    head = HEAD.replace(b"s3cret", b"guess") + b"Content-Length: 900\r\n\r\n"
    answer = await raw(site, head)
    assert answer.split(b" ", 2)[1] == b"401"


async def test_a_receiver_that_nobody_wrote_is_a_404_and_no_label_of_a_metric(site: Site) -> None:
    status, text, _ = await site.post(path="/api/v1/alerts/other")
    assert (status, "no alert receiver 'other'" in text) == (404, True)
    assert site.counted("unknown_receiver", "") == 1
    assert site.counted("unknown_receiver", "other") is None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_alerts_are_only_posted(site: Site, method: str) -> None:
    assert await site.get(PATH, method=method) == 405


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/readyz", "/api/v1/status"])
async def test_the_other_pages_take_no_posts(site: Site, path: str) -> None:
    assert (await site.post(path=path))[0] == 405


async def test_a_rotated_token_counts_at_once(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n", encoding="utf-8")
    async with running(bearer_token_file=token) as site:
        assert (await site.post(headers={"Authorization": "Bearer first"}))[0] == 200
        token.write_text("second\n", encoding="utf-8")
        assert (await site.post(headers={"Authorization": "Bearer first"}))[0] == 401
        assert (await site.post(headers={"Authorization": "Bearer second"}))[0] == 200


@pytest.mark.parametrize("content", [None, b"", b" \n", b"two words", b"\xff"])
async def test_without_a_usable_token_of_our_own_nobody_is_let_in_and_alertmanager_tries_again(
    tmp_path: Path, content: bytes | None
) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    async with running(bearer_token_file=token) as site:
        with capture_logs() as lines:
            status, text, _ = await site.post(headers={"Authorization": "Bearer "})
    assert (status, str(tmp_path) in text, site.counted("token_unreadable")) == (503, False, 1)
    assert [(line["log_level"], line["receiver"]) for line in lines] == [("error", "edge")]


def trusting(authority: Authority, certificate: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.ca_file)
    if certificate is not None:
        context.load_cert_chain(*certificate)
    return context


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


def server_tls(authority: Authority, *, clients: bool) -> TlsServer:
    cert_file, key_file = authority.issue("server")
    return TlsServer(cert_file=cert_file, key_file=key_file, client_ca_file=authority.ca_file if clients else None)


async def test_the_whole_server_speaks_https_if_it_is_told_to(ours: Authority) -> None:
    async with running(server_tls(ours, clients=False), bearer_token="s3cret") as site:
        assert site.url.startswith("https://127.0.0.1:")
        assert (await site.post(context=trusting(ours)))[0] == 200
        assert await site.get("/healthz", trusting(ours)) == 200
        with pytest.raises(aiohttp.ClientConnectionError):
            await site.get("/healthz")


async def test_a_receiver_without_a_token_wants_a_certificate_that_we_vouch_for(
    ours: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "strangers").issue("stranger")
    tls = server_tls(ours, clients=True)
    async with running(tls, region_label="site") as site:
        known = trusting(ours, ours.issue("alertmanager"))
        assert (await site.post(headers={}, context=known))[0] == 200
        status, text, _ = await site.post(headers=TOKEN, context=trusting(ours))
        assert (status, "a client certificate is needed" in text) == (401, True)
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await site.post(headers={}, context=trusting(ours, stranger))
        assert len(site.inbox.taken) == 1
        assert await site.get("/healthz", trusting(ours)) == 200


async def test_a_certificate_is_no_substitute_for_a_token_that_is_asked_for(ours: Authority) -> None:
    async with running(server_tls(ours, clients=True), bearer_token="s3cret") as site:
        context = trusting(ours, ours.issue("alertmanager"))
        assert (await site.post(headers={}, context=context))[0] == 401


async def test_a_receiver_without_a_token_lets_nobody_in_over_plain_http() -> None:
    async with running(region_label="site") as site:
        assert (await site.post(headers=TOKEN))[0] == 401


async def serial(site: Site, context: ssl.SSLContext) -> str:
    port = int(site.url.rsplit(":", 1)[1])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("peercert")["serialNumber"]
    writer.close()
    await writer.wait_closed()
    assert isinstance(shown, str)
    return shown


async def test_a_renewed_certificate_is_shown_from_the_second_connection_on(ours: Authority) -> None:
    context = trusting(ours)
    async with running(server_tls(ours, clients=False), bearer_token="s3cret") as site:
        first = await serial(site, context)
        assert await serial(site, context) == first
        ours.issue("server")
        await serial(site, context)
        renewed = await serial(site, context)
        assert renewed != first
        assert await serial(site, context) == renewed


async def test_a_broken_renewal_leaves_the_certificate_that_works(ours: Authority) -> None:
    tls = server_tls(ours, clients=False)
    async with running(tls, bearer_token="s3cret") as site:
        first = await serial(site, trusting(ours))
        other, _ = ours.issue("other")
        tls.cert_file.write_bytes(other.read_bytes())  # whose key is another one
        with capture_logs() as lines:
            shown = [await serial(site, trusting(ours)) for _ in range(3)]
        assert shown == [first] * 3
        assert [line["event"] for line in lines] == ["web.tls: the changed certificate is not used"]


@pytest.mark.parametrize("field_name", ["cert_file", "key_file", "client_ca_file"])
async def test_a_file_that_can_not_be_used_is_said_before_anything_listens(ours: Authority, field_name: str) -> None:
    tls = server_tls(ours, clients=True).model_copy(update={field_name: Path("/nowhere.pem")})
    with pytest.raises(ConfigurationRefused, match=r"web\.tls.*nowhere\.pem"):
        async with running(tls):
            pass
