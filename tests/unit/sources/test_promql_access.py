"""How a source shows who it is to a query API, and whom it trusts."""

import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from autoscaler.model.reason import Reason
from autoscaler.sources.http import watched
from tests.unit.sources.certificates import self_signed
from tests.unit.sources.fakes import address, serving
from tests.unit.sources.query_api import PATH, A, asking, series, told, vector


class Doorman:
    """Keeps what callers show."""

    def __init__(self) -> None:
        self.seen: list[tuple[str | None, str | None]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.headers.get("Authorization"), request.headers.get("X-Scope-OrgID")))
        return await vector(series("1"))(request)


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        (
            {"basic_auth": {"username": "edge", "password": "hush"}},
            f"Basic {b64encode(b'edge:hush').decode()}",
        ),
        ({"authorization": {"credentials": "hush"}}, "Bearer hush"),
        ({"authorization": {"type": "Token", "credentials": "hush"}}, "Token hush"),
        ({"headers": {"Authorization": "Odd hush"}}, "Odd hush"),
    ],
)
async def test_credentials_are_shown_as_prometheus_shows_them(settings: dict[str, Any], shown: str) -> None:
    doorman = Doorman()
    whole = {**settings, "headers": {"X-Scope-OrgID": "tenant", **settings.get("headers", {})}}
    async with serving({PATH: doorman.answer}) as server, asking(server, **whole) as source:
        await source.collect()
    assert doorman.seen == [(shown, "tenant")]


async def test_a_rotated_token_is_shown_once_its_file_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched, "LOOK", 0.0)
    doorman, token = Doorman(), tmp_path / "token"
    async with serving({PATH: doorman.answer}) as server:
        token.write_text("first\n", encoding="utf-8")
        async with asking(server, bearer_token_file=token) as source:
            await source.collect()
            token.write_text("the second", encoding="utf-8")
            await source.collect()
    assert [shown for shown, _ in doorman.seen] == ["Bearer first", "Bearer the second"]


@pytest.mark.parametrize("content", [None, b"two\nlines", "schlüssel".encode()])
async def test_without_a_usable_token_nothing_is_asked(tmp_path: Path, content: bytes | None) -> None:
    doorman, token = Doorman(), tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    async with serving({PATH: doorman.answer}) as server, asking(server, bearer_token_file=token) as source:
        (status,) = (await source.collect()).targets
    assert (status.up, status.reason, doorman.seen) == (False, Reason.CREDENTIALS_UNREADABLE, [])


@asynccontextmanager
async def serving_tls(certificate: Path) -> AsyncIterator[TestServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    app = web.Application()
    app.router.add_post(PATH, vector(series("1")))
    server = TestServer(app, host="127.0.0.1", scheme="https")
    await server.start_server(ssl=context)
    try:
        yield server
    finally:
        await server.close()


async def test_a_server_must_be_vouched_for(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "127.0.0.1")
    async with serving_tls(certificate) as server:
        url = f"https://{address(server)}"
        async with asking(server, url=url) as source:
            (status,) = (await source.collect()).targets
        assert (status.up, status.reason) == (False, Reason.TLS_FAILED)
        async with asking(server, url=url, tls_config={"ca_file": certificate}) as source:
            assert told(await source.collect()) == {A: 1.0}
