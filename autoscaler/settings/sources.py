"""Where metrics come from, as the operator writes it: `scrape_configs` and `prometheus` of autoscaler.yaml.

Keys and defaults are Prometheus' own where it has them (Prometheus documentation, "Configuration"). Values only: what
they lead to is the business of sources/.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from autoscaler.settings.base import Duration, Strict, parse_duration

DEFAULT_INTERVAL = 15.0
DEFAULT_TIMEOUT = 10.0

_FILE_SD_SUFFIXES = {".json", ".yml", ".yaml"}


def _with_timeout(written: Any, interval_key: str, timeout_key: str) -> Any:
    """As Prometheus does: an interval shorter than the default timeout shortens it, where no timeout is written."""
    if not isinstance(written, Mapping) or timeout_key in written:
        return written
    try:
        interval = parse_duration(written.get(interval_key))
    except ValueError:
        return written  # the field itself says what is wrong with it
    if not isinstance(interval, int | float) or not 0 < interval < DEFAULT_TIMEOUT:
        return written
    return {**written, timeout_key: interval}


def _timeout_fits(timeout: float, interval: float, names: tuple[str, str]) -> None:
    if timeout > interval:
        raise ValueError(f"{names[0]} ({timeout:g} s) must not exceed {names[1]} ({interval:g} s)")


def _label_name(name: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
        raise ValueError(f"{name!r} is no label name; letters, digits and _ only, no digit first")
    return name


def _file_sd_glob(path: Path) -> Path:
    if path.suffix.lower() not in _FILE_SD_SUFFIXES:
        raise ValueError("must end in .json, .yml or .yaml")
    if "*" in str(path.parent):
        raise ValueError("`*` may only stand in the last part of the path")
    return path


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_wrong = parts.port == 0
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port_is_wrong:
        raise ValueError("must look like http://host:9090 or https://host/prefix")
    if "@" in parts.netloc:
        raise ValueError("must not carry credentials; use bearer_token_file or headers")
    if parts.query or parts.fragment:
        raise ValueError("must end with its path: no `?` and no `#`")
    return url.rstrip("/")


LabelName = Annotated[str, AfterValidator(_label_name)]
"""A Prometheus label name."""

FileGlob = Annotated[Path, AfterValidator(_file_sd_glob)]
"""Path of a file_sd file; its last part may hold `*`."""


class StaticConfig(Strict):
    """Targets that share labels: the same in `static_configs` and in every file_sd file."""

    targets: tuple[str, ...] = Field(default=(), description="Addresses to scrape, each `host:port`.")
    labels: dict[LabelName, str] = Field(
        default={},
        description="Labels of these targets; the one that names their ENS region must be among them. `__scheme__`, "
        "`__metrics_path__` and `__param_<name>` change how they are scraped.",
    )


class FileSdConfig(Strict):
    """Files in Prometheus' file_sd format, read again whenever they change."""

    files: tuple[FileGlob, ...] = Field(
        min_length=1,
        description="Paths of .json, .yml or .yaml files, relative to autoscaler.yaml; `*` may stand in the last part.",
    )


class ScrapeConfig(Strict):
    """A job: targets that are scraped the same way."""

    job_name: str = Field(min_length=1, description="Unique name, by which signals refer to it.")
    scrape_interval: Duration = Field(
        default=DEFAULT_INTERVAL, gt=0, allow_inf_nan=False, description="Seconds between two scrapes of a target."
    )
    scrape_timeout: Duration = Field(
        default=DEFAULT_TIMEOUT,
        gt=0,
        allow_inf_nan=False,
        description="Seconds for one whole scrape, at most scrape_interval; 10 unless the interval is shorter.",
    )
    metrics_path: str = Field(default="/metrics", pattern=r"^/", description="Path of the metrics page.")
    scheme: Literal["http", "https"] = Field(default="http", description="http or https.")
    body_size_limit: int = Field(
        default=16 * 1024 * 1024, gt=0, description="Bytes of an uncompressed page beyond which it is refused."
    )
    static_configs: tuple[StaticConfig, ...] = Field(default=(), description="Targets written here.")
    file_sd_configs: tuple[FileSdConfig, ...] = Field(default=(), description="Targets from files that may change.")

    @model_validator(mode="before")
    @classmethod
    def _short_interval_short_timeout(cls, written: Any) -> Any:
        return _with_timeout(written, "scrape_interval", "scrape_timeout")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _timeout_fits(self.scrape_timeout, self.scrape_interval, ("scrape_timeout", "scrape_interval"))
        return self


class PrometheusServer(Strict):
    """A Prometheus server, or anything that answers its query API."""

    name: str = Field(min_length=1, description="Unique name, by which signals refer to it.")
    url: Annotated[str, AfterValidator(_base_url)] = Field(
        description="Where its API begins, without /api/v1, e.g. `http://prometheus:9090` or `https://host/prefix`."
    )
    interval: Duration = Field(
        default=DEFAULT_INTERVAL, gt=0, allow_inf_nan=False, description="Seconds between two askings of every query."
    )
    timeout: Duration = Field(
        default=DEFAULT_TIMEOUT,
        gt=0,
        allow_inf_nan=False,
        description="Seconds for one whole query, at most interval; 10 unless the interval is shorter.",
    )
    bearer_token_file: Path | None = Field(
        default=None,
        description="File with the token for `Authorization: Bearer`, relative to autoscaler.yaml; read at each pass.",
    )
    headers: dict[str, SecretStr] = Field(
        default={}, description="Further request headers, e.g. `X-Scope-OrgID`; their values are kept secret."
    )

    @model_validator(mode="before")
    @classmethod
    def _short_interval_short_timeout(cls, written: Any) -> Any:
        return _with_timeout(written, "interval", "timeout")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _timeout_fits(self.timeout, self.interval, ("timeout", "interval"))
        if self.bearer_token_file and any(name.lower() == "authorization" for name in self.headers):
            raise ValueError("headers: `Authorization` and bearer_token_file exclude each other")
        return self
