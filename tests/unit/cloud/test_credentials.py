"""Credentials: from the settings, from a mounted file, from the vendor's chain; their failures have names."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.utils import auth_util

from autoscaler.cloud.credentials import AccessKeySource, OfficialCredentials, credential_source
from autoscaler.model.errors import Forbidden, Unavailable
from autoscaler.settings.alibaba import AccessKeyCredentials, DefaultCredentials


def pair(**values: Any) -> AccessKeyCredentials:
    return AccessKeyCredentials.model_validate({"type": "access_key", "access_key_id": "ak", **values})


@pytest.fixture
def bare_chain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The vendor's chain with nothing to be found in it, whatever this machine has."""
    for name in ("access_key_id", "access_key_secret", "security_token", "credentials_uri", "credentials_file"):
        monkeypatch.setattr(auth_util, f"environment_{name}", None)
    monkeypatch.setattr(auth_util, "enable_oidc_credential", False)
    monkeypatch.setattr(auth_util, "environment_cli_profile_disabled", "true")
    monkeypatch.setattr(auth_util, "environment_ecs_metadata_disabled", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


async def test_a_written_pair_is_used_as_it_is() -> None:
    found = await AccessKeySource(pair(access_key_secret="sk", security_token="st")).get()
    assert found.access_key_id == "ak"
    assert found.secrets == ("sk", "st")


async def test_a_rotated_secret_file_is_taken_up(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("first\n")
    source = AccessKeySource(pair(access_key_secret_file=file))
    assert (await source.get()).secrets == ("first",)
    file.write_text("second\n")
    assert (await source.get()).secrets == ("second",)


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
async def test_a_secret_file_without_a_secret_is_forbidden(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Forbidden, match="secret"):
        await AccessKeySource(pair(access_key_secret_file=file)).get()


async def test_the_chain_finds_the_environment(bare_chain: pytest.MonkeyPatch) -> None:
    bare_chain.setattr(auth_util, "environment_access_key_id", "ak")
    bare_chain.setattr(auth_util, "environment_access_key_secret", "sk")
    source = credential_source(DefaultCredentials())
    found = await source.get()
    assert (found.access_key_id, found.secrets) == ("ak", ("sk",))


async def test_an_empty_chain_is_forbidden_and_says_where_it_looked(bare_chain: pytest.MonkeyPatch) -> None:
    with pytest.raises(Forbidden, match="Environment") as caught:
        await OfficialCredentials().get()
    assert caught.value.code == "NoCredentials"


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (CredentialException('refused: {"AccessKeySecret": "s3cr3t", "SecurityToken":"t0k3n"}'), Forbidden),
        (OSError("security_token=t0k3n secret: s3cr3t"), Unavailable),
        (RuntimeError("SECRET = 's3cr3t'"), Unavailable),
    ],
)
async def test_a_failing_chain_shows_no_secret(
    bare_chain: pytest.MonkeyPatch, failure: Exception, expected: type[Exception]
) -> None:
    source = OfficialCredentials()

    def fail() -> None:
        raise failure

    bare_chain.setattr(source, "_client", SimpleNamespace(get_credential=fail))
    with pytest.raises(expected) as caught:
        await source.get()
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cr3t" not in f"{error!r} {error}"
        assert "t0k3n" not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__


async def test_an_empty_key_from_the_chain_is_forbidden(bare_chain: pytest.MonkeyPatch) -> None:
    source = OfficialCredentials()
    empty = SimpleNamespace(access_key_id="ak", access_key_secret=None, security_token=None)
    bare_chain.setattr(source, "_client", SimpleNamespace(get_credential=lambda: empty))
    with pytest.raises(Forbidden, match="empty"):
        await source.get()
