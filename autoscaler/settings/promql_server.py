"""A Prometheus server as the operator writes it: `prometheus` of autoscaler.yaml.

Values only: what they lead to is the business of sources/.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from autoscaler.settings.base import Duration
from autoscaler.settings.http_client import HttpClientConfig
from autoscaler.settings.pace import DEFAULT_INTERVAL, DEFAULT_TIMEOUT, timeout_fits, with_timeout
from autoscaler.settings.unspoken import UNSPOKEN_HTTP

_CREDENTIALS = ("basic_auth", "authorization", "bearer_token_file")


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_wrong = parts.port == 0
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port_is_wrong:
        raise ValueError("must look like http://host:9090 or https://host/prefix")
    if "@" in parts.netloc:
        raise ValueError("must not carry credentials; use basic_auth, authorization, bearer_token_file or headers")
    if parts.query or parts.fragment:
        raise ValueError("must end with its path: no `?` and no `#`")
    return url.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""Where an API begins, without a slash at the end."""


class PrometheusServer(HttpClientConfig):
    """A Prometheus server, or anything that answers its query API; with `urls`, several that hold the same series."""

    refused_keys: ClassVar[Mapping[str, str]] = {**UNSPOKEN_HTTP, "http_headers": "write `headers: {name: value}`"}

    name: str = Field(min_length=1, description="Unique name, by which signals refer to it.")
    url: BaseUrl | None = Field(
        default=None,
        description="Where its API begins, without /api/v1, e.g. `http://prometheus:9090` or `https://host/prefix`.",
    )
    urls: tuple[BaseUrl, ...] = Field(
        default=(),
        description="Instead of url: several servers that hold the same series, the preferred one first. The next is "
        "asked where one does not answer within its share of the timeout, or answers with 5xx.",
    )
    interval: Duration = Field(
        default=DEFAULT_INTERVAL, gt=0, allow_inf_nan=False, description="Seconds between two askings of every query."
    )
    timeout: Duration = Field(
        default=DEFAULT_TIMEOUT,
        gt=0,
        allow_inf_nan=False,
        description="Seconds for one whole query, all tries together, at most interval; 10 unless the interval is "
        "shorter.",
    )
    use_partial_answers: bool = Field(
        default=False,
        description="True: an answer that lacks the series of some store (Thanos, VictoriaMetrics, remote read) is "
        "used all the same; otherwise its signals are missing.",
    )
    headers: dict[str, SecretStr] = Field(
        default={}, description="Further request headers, e.g. `X-Scope-OrgID`; their values are kept secret."
    )

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Where to ask, the preferred one first."""
        return self.urls or ((self.url,) if self.url else ())

    @model_validator(mode="before")
    @classmethod
    def _short_interval_short_timeout(cls, written: Any) -> Any:
        return with_timeout(written, "interval", "timeout")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        timeout_fits(self.timeout, self.interval, ("timeout", "interval"))
        if bool(self.url) == bool(self.urls):
            raise ValueError("write either `url`, or `urls` with at least one entry")
        if len(set(self.urls)) < len(self.urls):
            raise ValueError("urls: names one of them twice")
        credentials = next((name for name in _CREDENTIALS if getattr(self, name) is not None), None)
        if credentials and any(name.lower() == "authorization" for name in self.headers):
            raise ValueError(f"headers: `Authorization` and {credentials} exclude each other")
        return self
