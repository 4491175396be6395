"""How a server is spoken to, in Prometheus' own keys: credentials, TLS, redirects.

The block is the same in `scrape_configs`, `http_sd_configs` and `prometheus` (Prometheus documentation,
"Configuration", `<scrape_config>`, `<http_config>`, `<tls_config>`). Values only; files are read when a source starts,
and those of secrets and certificates again when they change.
"""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from autoscaler.settings.base import Strict
from autoscaler.settings.problems import Mistake

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def _at_most_one(owner: Strict, *names: str) -> None:
    given = [name for name in names if getattr(owner, name) is not None]
    if len(given) > 1:
        raise ValueError(f"`{given[0]}` and `{given[1]}` exclude each other; write one of them")


class BasicAuth(Strict):
    """HTTP Basic authentication (RFC 7617)."""

    username: str | None = Field(default=None, description="The user's name.")
    username_file: Path | None = Field(default=None, description="File with the name, relative to autoscaler.yaml.")
    password: SecretStr | None = Field(default=None, description="The password; better in a file.")
    password_file: Path | None = Field(default=None, description="File with the password; read again as it changes.")

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        _at_most_one(self, "username", "username_file")
        _at_most_one(self, "password", "password_file")
        return self


class Authorization(Strict):
    """The `Authorization` header: a scheme and credentials."""

    type: str = Field(default="Bearer", description="The scheme; not Basic.")
    credentials: SecretStr | None = Field(default=None, description="The credentials; better in a file.")
    credentials_file: Path | None = Field(
        default=None, description="File with the credentials, relative to autoscaler.yaml; read again as it changes."
    )

    @model_validator(mode="after")
    def _sound(self) -> Self:
        _at_most_one(self, "credentials", "credentials_file")
        if not _SCHEME.fullmatch(self.type):  # not shown: credentials written behind the scheme are easily meant well
            raise Mistake("`type` is no scheme: one word is needed", "write the credentials into credentials_file")
        if self.type.lower() == "basic":
            raise ValueError("for `Basic` write basic_auth")
        return self


class TlsConfig(Strict):
    """TLS of a connection: whom to trust, what to show, which name to expect."""

    ca: str | None = Field(default=None, description="PEM text of the certificates to trust instead of the system's.")
    ca_file: Path | None = Field(default=None, description="PEM file with them, relative to autoscaler.yaml.")
    cert: str | None = Field(default=None, description="PEM text of the client's certificate.")
    cert_file: Path | None = Field(default=None, description="PEM file with it; read again as it changes.")
    key: SecretStr | None = Field(default=None, description="PEM text of the client's key.")
    key_file: Path | None = Field(default=None, description="PEM file with it; read again as it changes.")
    server_name: str | None = Field(default=None, description="Name that the server must prove, if not the URL's.")
    insecure_skip_verify: bool = Field(default=False, description="True trusts every server: for tests only.")
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] | None = Field(
        default=None, description="Oldest version spoken; TLS 1.2 if none is given."
    )

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        for name in ("ca", "cert", "key"):
            _at_most_one(self, name, f"{name}_file")
        certificate, key = self.cert or self.cert_file, self.key or self.key_file
        if (certificate is None) != (key is None):
            raise ValueError("a client certificate needs both cert (or cert_file) and key (or key_file)")
        return self


class HttpClientConfig(Strict):
    """What every HTTP client of the sources can be told. Base of the blocks that have these keys."""

    basic_auth: BasicAuth | None = Field(default=None, description="HTTP Basic authentication.")
    authorization: Authorization | None = Field(default=None, description="The `Authorization` header.")
    bearer_token_file: Path | None = Field(
        default=None, description="File with a bearer token, relative to autoscaler.yaml: short for authorization."
    )
    tls_config: TlsConfig = Field(default=TlsConfig(), description="TLS, where the scheme is https.")
    follow_redirects: bool = Field(default=True, description="Follow HTTP redirects, on the same host only.")
    enable_http2: bool = Field(default=True, description="Accepted as Prometheus writes it; HTTP/1.1 is spoken.")

    @model_validator(mode="after")
    def _one_way_to_authenticate(self) -> Self:
        _at_most_one(self, "basic_auth", "authorization", "bearer_token_file")
        return self
