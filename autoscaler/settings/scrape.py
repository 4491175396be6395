"""What is scraped and how, as the operator writes it: `scrape_configs` of autoscaler.yaml.

Keys, meaning and defaults are Prometheus' own (its documentation, "Configuration", `<scrape_config>`), so that a block
can be pasted; a key that is Prometheus' and is not taken says what to write instead. Values only: what they lead to is
the business of sources/.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from autoscaler.settings.base import Duration
from autoscaler.settings.byte_size import ByteSize
from autoscaler.settings.http_client import HttpClientConfig
from autoscaler.settings.pace import DEFAULT_INTERVAL, DEFAULT_TIMEOUT, timeout_fits, with_timeout
from autoscaler.settings.plain_text import PlainText, labels_as_text
from autoscaler.settings.problems import Mistake
from autoscaler.settings.relabel import MetricRelabelConfig, RelabelConfig
from autoscaler.settings.target_groups import FileSdConfig, HttpSdConfig, StaticConfig
from autoscaler.settings.unspoken import UNSPOKEN_SCRAPE

DEFAULT_BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of an uncompressed page where body_size_limit is 0."""

TextProtocol = Literal["OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4"]
Protocol = Literal[TextProtocol, "PrometheusProto"]
DEFAULT_PROTOCOLS: tuple[Protocol, ...] = (
    "OpenMetricsText1.0.0",
    "OpenMetricsText0.0.1",
    "PrometheusText1.0.0",
    "PrometheusText0.0.4",
)
"""Prometheus 3's, the most wanted first; 2.x has them without PrometheusText1.0.0."""

_MEDIA = {
    "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0",
    "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
    "PrometheusText1.0.0": "text/plain;version=1.0.0",
    "PrometheusText0.0.4": "text/plain;version=0.0.4",
}
_ESCAPED = {"OpenMetricsText1.0.0", "PrometheusText1.0.0"}
_FIRST_WEIGHT = 6
"""Tenths: one more than Prometheus has protocols (scrape/scrape.go, acceptHeader)."""


def _protocols(listed: tuple[Protocol, ...]) -> tuple[Protocol, ...]:
    if len(set(listed)) < len(listed):
        raise ValueError("names a protocol twice")
    if not any(protocol in _MEDIA for protocol in listed):
        raise Mistake("names no protocol that is read", f"add one of {', '.join(_MEDIA)}")
    return listed


class ScrapeConfig(HttpClientConfig):
    """A job: targets that are scraped the same way."""

    refused_keys: ClassVar[Mapping[str, str]] = UNSPOKEN_SCRAPE

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
    params: dict[str, tuple[PlainText, ...]] = Field(
        default={}, description="Parameters of the URL, each with a list of values, e.g. `collect[]: [cpu, meminfo]`."
    )
    honor_labels: bool = Field(
        default=False, description="True: where page and target name the same label, the page's value stays."
    )
    honor_timestamps: bool = Field(
        default=True, description="True: a sample is as old as its own timestamp says, if it has one."
    )
    body_size_limit: ByteSize = Field(
        default=0,
        ge=0,
        description="Bytes of an uncompressed page beyond which it is refused, e.g. `10MB` (a power of 1024, as in "
        "Prometheus); 0: 16 MiB.",
    )
    sample_limit: int = Field(
        default=0,
        ge=0,
        description="Samples of a page, wanted or not, beyond which it is refused; 0: no limit. With "
        "metric_relabel_configs it counts the wanted samples that these keep.",
    )
    label_limit: int = Field(
        default=0, ge=0, description="Labels of a series beyond which its page is refused; 0: no limit."
    )
    label_name_length_limit: int = Field(
        default=0, ge=0, description="Bytes of a label's name beyond which its page is refused; 0: no limit."
    )
    label_value_length_limit: int = Field(
        default=0, ge=0, description="Bytes of a label's value beyond which its page is refused; 0: no limit."
    )
    enable_compression: bool = Field(default=True, description="Ask for pages compressed with gzip.")
    scrape_protocols: Annotated[tuple[Protocol, ...], AfterValidator(_protocols)] = Field(
        default=DEFAULT_PROTOCOLS,
        min_length=1,
        description="Formats to ask for, the most wanted first. `PrometheusProto` is accepted and not asked for.",
    )
    fallback_scrape_protocol: TextProtocol | None = Field(
        default=None, description="How to read a page whose Content-Type is missing or unknown; without it, it is not."
    )
    metric_name_validation_scheme: Literal["legacy"] = Field(
        default="legacy", description="Which names relabelling makes: letters, digits and `_`."
    )
    metric_name_escaping_scheme: Literal["allow-utf-8", "underscores", "dots", "values"] = Field(
        default="allow-utf-8", description="How exporters are asked to write names that the legacy scheme lacks."
    )
    static_configs: tuple[Annotated[StaticConfig, BeforeValidator(labels_as_text)], ...] = Field(
        default=(), description="Targets written here."
    )
    file_sd_configs: tuple[FileSdConfig, ...] = Field(default=(), description="Targets from files that may change.")
    http_sd_configs: tuple[HttpSdConfig, ...] = Field(default=(), description="Targets that an endpoint lists.")
    relabel_configs: tuple[RelabelConfig, ...] = Field(
        default=(), description="Rules that keep, drop and label targets before they are scraped."
    )
    metric_relabel_configs: tuple[MetricRelabelConfig, ...] = Field(
        default=(), description="Rules that keep, drop and label series; a metric's name stays as it is exposed."
    )

    @property
    def body_limit(self) -> int:
        """Bytes that an uncompressed page may have."""
        return self.body_size_limit or DEFAULT_BODY_LIMIT

    @model_validator(mode="before")
    @classmethod
    def _short_interval_short_timeout(cls, written: Any) -> Any:
        return with_timeout(written, "scrape_interval", "scrape_timeout")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        timeout_fits(self.scrape_timeout, self.scrape_interval, ("scrape_timeout", "scrape_interval"))
        self._addresses_are_no_urls()
        return self

    def _addresses_are_no_urls(self) -> None:
        """As Prometheus does, and as it does only where no rule could make an address of it."""
        if self.relabel_configs:
            return
        for address in (address for group in self.static_configs for address in group.targets):
            if "/" in address:
                raise Mistake(
                    f"static_configs: target {address!r} is a URL",
                    "write host:port; scheme and metrics_path say the rest",
                )


def accept_header(config: ScrapeConfig) -> str:
    """The `Accept` header that asks for the job's formats, as Prometheus 3 writes it (scrape/scrape.go)."""
    media = [_media(protocol, config) for protocol in config.scrape_protocols if protocol in _MEDIA]
    return ",".join(f"{one};q=0.{_FIRST_WEIGHT - place}" for place, one in enumerate([*media, "*/*"]))


def _media(protocol: str, config: ScrapeConfig) -> str:
    escaping = f";escaping={config.metric_name_escaping_scheme}" if protocol in _ESCAPED else ""
    return _MEDIA[protocol] + escaping
