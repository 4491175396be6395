"""Where the targets of a scrape job come from: `static_configs`, `file_sd_configs` and `http_sd_configs`.

Keys and defaults are Prometheus' own (its documentation, "Configuration"). Values only: what they lead to is the
business of sources/.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from autoscaler.settings.base import Duration, Strict
from autoscaler.settings.http_client import HttpClientConfig
from autoscaler.settings.relabel import LabelName
from autoscaler.settings.unspoken import UNSPOKEN_HTTP

_FILE_SD_SUFFIXES = {".json", ".yml", ".yaml"}


def _file_sd_glob(path: Path) -> Path:
    if path.suffix.lower() not in _FILE_SD_SUFFIXES:
        raise ValueError("must end in .json, .yml or .yaml")
    if "*" in str(path.parent):
        raise ValueError("`*` may only stand in the last part of the path")
    return path


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("is not Unicode text: half of a surrogate pair is in it") from None
    return text


def _none_is_nothing(empty: Any) -> Any:
    """As in Prometheus: a JSON encoder writes `null` for a list or a mapping that has nothing in it."""

    def given(value: Any) -> Any:
        return empty if value is None else value

    return BeforeValidator(given)


def _sd_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        sound = parts.port != 0 and bool(parts.hostname)
    except ValueError as error:
        raise ValueError(f"is no URL: {error}") from None
    if parts.scheme not in {"http", "https"} or not sound:
        raise ValueError("must look like http://host:8080/targets or https://host/targets?site=1")
    if "@" in parts.netloc:
        raise ValueError("must not carry credentials; use basic_auth or authorization")
    if parts.fragment:
        raise ValueError("must have no `#`")
    return url


FileGlob = Annotated[Path, AfterValidator(_file_sd_glob)]
"""Path of a file_sd file; its last part may hold `*`."""

_Text = Annotated[str, AfterValidator(_text)]


class StaticConfig(Strict):
    """A group: targets that share labels. The same in `static_configs`, in a file_sd file and in an http_sd answer."""

    targets: Annotated[tuple[_Text, ...], _none_is_nothing(())] = Field(
        default=(), description="Addresses to scrape, each `host:port`."
    )
    labels: Annotated[dict[LabelName, _Text], _none_is_nothing({})] = Field(
        default={},
        description="Labels of these targets; the one that names their ENS region must be among them, or come from "
        "relabel_configs. `__scheme__`, `__metrics_path__`, `__scrape_timeout__` and `__param_<name>` change how they "
        "are scraped.",
    )


class FileSdConfig(Strict):
    """Files in Prometheus' file_sd format, read again whenever they change."""

    files: tuple[FileGlob, ...] = Field(
        min_length=1,
        description="Paths of .json, .yml or .yaml files, relative to autoscaler.yaml; `*` may stand in the last part.",
    )
    refresh_interval: Duration = Field(
        default=300.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds; accepted as Prometheus writes it. A change is seen within 5 s, whatever it says.",
    )


class HttpSdConfig(HttpClientConfig):
    """An endpoint that answers with target groups, in Prometheus' http_sd format."""

    refused_keys: ClassVar[Mapping[str, str]] = UNSPOKEN_HTTP

    url: Annotated[str, AfterValidator(_sd_url)] = Field(description="Where the list of targets is fetched from.")
    refresh_interval: Duration = Field(
        default=60.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds between two fetches, and the longest that one may take.",
    )
