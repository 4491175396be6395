"""Credentials and TLS out of settings and files: what is sent, and what is said if that can not be."""

import ssl
import tempfile
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from autoscaler.model.reason import Reason
from autoscaler.settings.http_client import HttpClientConfig
from autoscaler.sources.http import watched
from autoscaler.sources.http.contract import FetchFailed
from autoscaler.sources.http.identity import Identity
from autoscaler.sources.http.watched import Watched
from tests.unit.sources.certificates import authority


async def header(**config: object) -> str | None:
    identity = Identity(HttpClientConfig.model_validate(config))
    await identity.look(tls=False)
    value = identity.authorization()
    assert value is None or value not in repr(identity)
    return value


async def refusal(**tls: object) -> FetchFailed:
    identity = Identity(HttpClientConfig.model_validate({"tls_config": tls}))
    await identity.look(tls=True)
    with pytest.raises(FetchFailed) as caught:
        identity.context()
    assert caught.value.reason is Reason.CREDENTIALS_UNREADABLE
    return caught.value


def basic(pair: str) -> str:
    return "Basic " + b64encode(pair.encode()).decode()


async def test_each_way_to_authenticate_makes_its_header(tmp_path: Path) -> None:
    user, word = tmp_path / "user", tmp_path / "word"
    user.write_text("jürgen\n")
    word.write_text("pass:word\n")
    assert await header() is None
    assert await header(basic_auth={"username": "u", "password": "p"}) == basic("u:p")
    assert await header(basic_auth={"username": "u"}) == basic("u:")
    assert await header(basic_auth={"username_file": user, "password_file": word}) == basic("jürgen:pass:word")
    assert await header(authorization={"credentials": "abc"}) == "Bearer abc"
    assert await header(authorization={"type": "Token", "credentials_file": word}) == "Token pass:word"
    assert await header(bearer_token_file=word) == "Bearer pass:word"


async def test_a_trust_that_can_not_be_built_says_which_file_is_wrong(tmp_path: Path) -> None:
    ca = authority(tmp_path)
    mine, other = ca.vouch("mine"), ca.vouch("other")
    (tmp_path / "no.pem").write_text("no certificate")
    assert "no.pem" in (await refusal(ca_file=tmp_path / "no.pem")).detail
    assert "missing.pem" in (await refusal(ca_file=tmp_path / "missing.pem")).detail
    assert "`ca`" in (await refusal(ca="no certificate")).detail
    assert "missing.pem" in (await refusal(cert_file=mine, key_file=tmp_path / "missing.pem")).detail
    mixed = tmp_path / "mixed.pem"
    mixed.write_bytes(mine.read_bytes().partition(b"-----BEGIN CERTIFICATE")[0])
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(b"-----BEGIN CERTIFICATE" + other.read_bytes().partition(b"-----BEGIN CERTIFICATE")[2])
    assert "belongs to it" in (await refusal(cert_file=certificate, key_file=mixed)).detail
    secret = mixed.read_text()
    assert secret.splitlines()[1] not in (await refusal(cert_file=certificate, key=secret)).detail


async def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    ca = authority(tmp_path)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        ca.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    assert "must be without a passphrase" in (await refusal(cert_file=ca.path, key_file=locked)).detail


async def test_who_trusts_an_authority_trusts_nobody_else_and_checks_names(tmp_path: Path) -> None:
    identity = Identity(HttpClientConfig.model_validate({"tls_config": {"ca_file": authority(tmp_path).path}}))
    await identity.look(tls=True)
    context = identity.context()
    assert len(context.get_ca_certs()) == 1
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


async def test_a_value_is_made_once_until_a_file_of_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "LOOK", 0.0)
    file, made = tmp_path / "token", []
    file.write_text("1")

    def make() -> str:
        made.append(file.read_text())
        return made[-1]

    value = Watched((file, None), make)
    for _ in range(3):
        await value.look()
    assert (value.value(), made) == ("1", ["1"])
    later = tmp_path / "later"
    later.write_text("2")
    later.rename(file)  # another file of the same size
    await value.look()
    assert (value.value(), made) == ("2", ["1", "2"])
    file.unlink()
    await value.look()
    with pytest.raises(FetchFailed):
        value.value()
    file.write_text("3")
    await value.look()
    assert value.value() == "3"


async def test_files_are_looked_at_no_more_than_once_a_second(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("1")
    value = Watched((file,), file.read_text)
    assert value.due(0.0)
    await value.look()
    file.write_text("22")
    await value.look()
    assert value.value() == "1"


async def test_what_has_no_files_is_made_once() -> None:
    value = Watched((), lambda: "made")
    await value.look()
    assert not value.due(1e12)
    assert value.value() == "made"


async def test_a_fault_that_nobody_thought_of_is_a_reason_without_its_text_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watched, "LOOK", 0.0)
    faults: list[Exception] = [TypeError("hush"), OSError(30, "Read-only file system")]

    def make() -> str:
        if faults:
            raise faults.pop(0)
        return "made"

    value, told = Watched((), make), []
    for _ in range(2):
        await value.look()
        with pytest.raises(FetchFailed) as caught:
            value.value()
        assert caught.value.reason is Reason.CREDENTIALS_UNREADABLE
        told.append(caught.value.detail.rpartition("ready: ")[2])
    assert told == ["TypeError", "OSError: Read-only file system"]
    await value.look()
    assert value.value() == "made"
    assert not value.due(1e12)


async def test_files_are_shown_without_writing_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = authority(tmp_path).vouch("mine")

    def refuse(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    identity = Identity(HttpClientConfig.model_validate({"tls_config": {"cert_file": mine, "key_file": mine}}))
    await identity.look(tls=True)
    assert isinstance(identity.context(), ssl.SSLContext)
    assert "No usable temporary directory" in (await refusal(cert=mine.read_text(), key_file=mine)).detail
