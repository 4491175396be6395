"""Settings of the Alibaba Cloud connection: which API region, which endpoints, whose credentials.

What the operator wrote comes in, a frozen model goes out. The rules that turn a region into an endpoint are in
`cloud.endpoints`; nothing here opens a connection or reads a file.
"""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from autoscaler.settings.base import Duration, Strict

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


class DefaultCredentials(Strict):
    """The vendor's own chain: environment, RRSA (OIDC), CLI profile, credentials file, instance role, URI."""

    type: Literal["default"] = Field(default="default", description="use the vendor's default credential chain")


class AccessKeyCredentials(Strict):
    """An AccessKey pair written or mounted by the operator; with a security token it is a temporary one."""

    type: Literal["access_key"] = Field(description="use the AccessKey pair given here")
    access_key_id: str = Field(min_length=1, description="AccessKey ID of the RAM user or role")
    access_key_secret: SecretStr | None = Field(default=None, description="AccessKey secret, as text")
    access_key_secret_file: Path | None = Field(
        default=None, description="path of a file that holds the AccessKey secret; read anew for every call"
    )
    security_token: SecretStr | None = Field(
        default=None, description="security token that belongs to a temporary AccessKey (STS)"
    )

    @field_validator("access_key_secret", "security_token")
    @classmethod
    def _not_empty(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().strip():
            raise ValueError("is empty; leave it out if there is none")
        return value

    @model_validator(mode="after")
    def _one_secret(self) -> "AccessKeyCredentials":
        if (self.access_key_secret is None) == (self.access_key_secret_file is None):
            raise ValueError("give either access_key_secret or access_key_secret_file, and not both")
        return self


CredentialSettings = Annotated[DefaultCredentials | AccessKeyCredentials, Field(discriminator="type")]
"""Whose credentials sign the calls, told apart by `type`."""


class AlibabaSettings(Strict):
    """How to reach the two products: CS (the ACK cluster) and ENS (its instances)."""

    region: str = Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)+$",
        description="API region in which the ACK cluster is registered, e.g. cn-hangzhou; not an ens_region_id",
    )
    network: Literal["public", "vpc", "private"] = Field(
        default="public",
        description="public: internet endpoints; vpc: endpoints inside a VPC; private: only the endpoints given below",
    )
    allow_http: bool = Field(default=False, description="accept http:// endpoints; secrets then travel in the clear")
    cs_endpoint: str | None = Field(
        default=None, description="CS endpoint, https://host[:port] or host[:port]; replaces the one of the region"
    )
    ens_endpoint: str | None = Field(
        default=None, description="ENS endpoint, https://host[:port] or host[:port]; replaces the one of the region"
    )
    timeout: Duration = Field(
        default=20.0, gt=0, le=600, description="total deadline of one API call, connecting included (seconds)"
    )
    credentials: CredentialSettings = Field(
        default=DefaultCredentials(), description="whose credentials sign the calls"
    )

    @field_validator("cs_endpoint", "ens_endpoint")
    @classmethod
    def _base_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        return None if value is None else base_url(value, allow_http=bool(info.data.get("allow_http")))

    @model_validator(mode="after")
    def _private_needs_endpoints(self) -> "AlibabaSettings":
        missing = [name for name in ("cs_endpoint", "ens_endpoint") if getattr(self, name) is None]
        if self.network == "private" and missing:
            raise ValueError(f"network is private, which needs {' and '.join(missing)}")
        return self


def base_url(text: str, *, allow_http: bool) -> str:
    """`scheme://host[:port]` of an endpoint; without a scheme it is https.

    Raises:
        ValueError: no such URL, a path or user in it, or http where it is not allowed.

    >>> base_url("cs.example:8443", allow_http=False)
    'https://cs.example:8443'
    """
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"{text!r}: write https://host[:port] or host[:port]")
    if parts.scheme == "http" and not allow_http:
        raise ValueError(f"{text!r}: http sends secrets in the clear; use https, or set allow_http: true")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{text!r}: an endpoint is https://host[:port] only, without path, query or user")
    host, port = _host_and_port(text, parts.netloc)
    return f"{parts.scheme}://{host.lower()}{port}"


def _host_and_port(text: str, netloc: str) -> tuple[str, str]:
    host, port = (netloc, "") if netloc.endswith("]") or ":" not in netloc else netloc.rsplit(":", 1)
    if not _HOST.fullmatch(host):
        raise ValueError(f"{text!r}: {host!r} is no host name or address")
    if ":" in netloc.removeprefix(host) and not (re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536):
        raise ValueError(f"{text!r}: {port!r} is no port; ports are 1 to 65535")
    return host, f":{int(port)}" if port else ""
