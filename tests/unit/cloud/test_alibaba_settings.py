"""Settings and endpoints: what may be written, and which host it leads to."""

from pathlib import Path
from typing import Any

import pytest
from alibabacloud_cs20151215.client import Client as CsClient
from alibabacloud_ens20171110.client import Client as EnsClient
from alibabacloud_tea_openapi.utils_models import Config
from pydantic import SecretStr, ValidationError

from autoscaler.cloud.build import alibaba_cloud
from autoscaler.cloud.endpoints import CS_CENTRAL_REGIONS, ENS_CENTRAL_REGIONS, endpoints
from autoscaler.settings.alibaba import AlibabaSettings
from tests.unit.cloud.servers import StillClock

REGIONS = sorted(
    {"cn-hangzhou", "cn-qingdao", "ap-southeast-1", "eu-central-1"} | CS_CENTRAL_REGIONS | ENS_CENTRAL_REGIONS
)


def settings(**values: Any) -> AlibabaSettings:
    return AlibabaSettings.model_validate({"region": "cn-hangzhou", **values})


@pytest.mark.parametrize("network", ["public", "vpc"])
@pytest.mark.parametrize("region", REGIONS)
def test_endpoints_are_those_of_the_official_clients(region: str, network: str) -> None:
    config = Config(access_key_id="a", access_key_secret="b", region_id=region, network=network)
    found = endpoints(settings(region=region, network=network))
    assert found.cs == f"https://{CsClient(config)._endpoint}"
    assert found.ens == f"https://{EnsClient(config)._endpoint}"


def test_the_special_regions_are_all_known() -> None:
    config = Config(access_key_id="a", access_key_secret="b", region_id="cn-hangzhou")
    assert set(CsClient(config)._endpoint_map) == CS_CENTRAL_REGIONS
    assert set(EnsClient(config)._endpoint_map) == ENS_CENTRAL_REGIONS


def test_a_written_endpoint_wins() -> None:
    found = endpoints(settings(cs_endpoint="CS.example:8443", ens_endpoint="https://ens.example/"))
    assert (found.cs, found.ens) == ("https://cs.example:8443", "https://ens.example")


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://cs.example", "allow_http"),
        ("ftp://cs.example", "write https"),
        ("https://cs.example/path", "without path"),
        ("https://cs.example?x=1", "without path"),
        ("https://user@cs.example", "user"),
        ("https://", "no host"),
        ("", "no host"),
        ("cs example", "no host"),
        ("cs.example:", "no port"),
        ("cs.example:99999", "no port"),
        ("cs.example:http", "no port"),
    ],
)
def test_a_wrong_endpoint_is_refused_with_its_reason(endpoint: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        settings(cs_endpoint=endpoint)
    assert caught.value.errors()[0]["loc"] == ("cs_endpoint",)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:18080", "http://[::1]:18080"])
def test_http_is_accepted_where_it_is_allowed(endpoint: str) -> None:
    assert settings(cs_endpoint=endpoint, allow_http=True).cs_endpoint == endpoint


def test_a_private_network_needs_both_endpoints() -> None:
    with pytest.raises(ValidationError, match="ens_endpoint"):
        settings(network="private", cs_endpoint="cs.example")
    assert settings(network="private", cs_endpoint="cs.example", ens_endpoint="ens.example").network == "private"


@pytest.mark.parametrize("region", ["", "hangzhou", "cn-hangzhou.evil.example/", "CN-Hangzhou"])
def test_a_region_is_a_region_id(region: str) -> None:
    with pytest.raises(ValidationError):
        settings(region=region)


def test_the_deadline_is_twenty_seconds_unless_written() -> None:
    assert settings().timeout == 20.0
    assert settings(timeout="1m30s").timeout == 90.0
    with pytest.raises(ValidationError):
        settings(timeout=0)


@pytest.mark.parametrize(
    "credentials",
    [
        {"type": "access_key", "access_key_id": "a"},
        {"type": "access_key", "access_key_id": "a", "access_key_secret": "b", "access_key_secret_file": "c"},
        {"type": "access_key", "access_key_id": "", "access_key_secret": "b"},
        {"type": "access_key", "access_key_id": "a", "access_key_secret": " "},
        {"type": "default", "access_key_id": "a"},
        {"type": "magic"},
    ],
)
def test_half_a_credential_is_refused(credentials: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(credentials=credentials)


def test_settings_show_no_secret() -> None:
    given = {"type": "access_key", "access_key_id": "a", "access_key_secret": "s3cr3t", "security_token": "t0k3n"}
    shown = repr(settings(credentials=given)) + settings(credentials=given).model_dump_json()
    assert "s3cr3t" not in shown
    assert "t0k3n" not in shown


def test_every_setting_is_described() -> None:
    assert [name for name, field in AlibabaSettings.model_fields.items() if not field.description] == []


async def test_a_client_is_built_without_a_connection(tmp_path: Path) -> None:
    given = {"type": "access_key", "access_key_id": "a", "access_key_secret_file": str(tmp_path / "none")}
    cloud = alibaba_cloud(settings(credentials=given), lambda _: SecretStr("p"), StillClock())
    await cloud.close()
