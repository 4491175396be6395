"""The shape of autoscaler.yaml.

The values of the file and of the environment come in, one frozen model goes out. A variable such as
AUTOSCALER_WEB__PORT wins over the file. It must not look at any other file.
"""

from collections import Counter
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from autoscaler.settings.alertmanager import AlertReceiver, check_receivers
from autoscaler.settings.alibaba import AlibabaSettings
from autoscaler.settings.promql_server import PrometheusServer
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.settings.sections import (
    BrakeSettings,
    ExecutorSettings,
    LedgerSettings,
    LogSettings,
    LoopSettings,
    WebSettings,
)

PREFIX = "AUTOSCALER_"
DELIMITER = "__"
_SOURCES = ("scrape_configs", "prometheus", "alertmanager")
Source = ScrapeConfig | PrometheusServer | AlertReceiver
"""An entry of one of the sections that signals refer to by name."""


class Settings(BaseSettings):
    """Everything in autoscaler.yaml. Times are seconds, written as Prometheus durations."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter=DELIMITER, extra="forbid", frozen=True, validate_default=True
    )

    alibaba: AlibabaSettings = Field(description="The account to buy with, and its endpoints.")
    region_label: str = Field(
        default="ens_region_id", min_length=1, description="Label of targets and series that names the ENS region."
    )
    scrape_configs: list[ScrapeConfig] = Field(default=[], description="Targets to scrape, as in Prometheus.")
    prometheus: list[PrometheusServer] = Field(default=[], description="Prometheus servers to ask.")
    alertmanager: list[AlertReceiver] = Field(default=[], description="Alertmanagers that send alerts.")
    policies: Path = Field(default=Path("policies"), description="Policy directory; relative to autoscaler.yaml.")
    ledger: LedgerSettings = Field(default=LedgerSettings(), description="Where orders are kept.")
    loop: LoopSettings = Field(default=LoopSettings(), description="How often regions are decided.")
    executor: ExecutorSettings = Field(default=ExecutorSettings(), description="How orders are placed and followed.")
    brakes: BrakeSettings = Field(default=BrakeSettings(), description="What stops purchases in the whole fleet.")
    web: WebSettings = Field(default=WebSettings(), description="Where metrics and health are served.")
    log: LogSettings = Field(default=LogSettings(), description="What is logged.")

    @field_validator("scrape_configs", "prometheus", "alertmanager", mode="after")
    @classmethod
    def _names_differ(cls, entries: list[Source], info: ValidationInfo) -> list[Source]:
        # `data` has the sections before this one; broken ones are not in it, and have been complained about.
        before = [one for section in _SOURCES for one in info.data.get(section, ())]
        times = Counter(_name(one) for one in (*before, *entries))
        twice = sorted(name for name in {_name(one) for one in entries} if times[name] > 1)
        if twice:
            raise ValueError(
                f"names in scrape_configs, prometheus and alertmanager must differ; used twice: {', '.join(twice)}"
            )
        return entries

    @field_validator("alertmanager", mode="after")
    @classmethod
    def _there_is_a_source(cls, receivers: list[AlertReceiver], info: ValidationInfo) -> list[AlertReceiver]:
        if not receivers and not any(info.data.get(section, "broken") for section in _SOURCES[:-1]):
            raise ValueError(
                "there is no source of metrics: write at least one entry of scrape_configs, prometheus or alertmanager"
            )
        return receivers

    @field_validator("web", mode="after")
    @classmethod
    def _nobody_else_sends_alerts(cls, web: WebSettings, info: ValidationInfo) -> WebSettings:
        check_receivers(info.data.get("alertmanager", ()), web.tls)
        return web

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then the file; nothing else is looked at."""
        return env_settings, init_settings


def _name(source: Source) -> str:
    return source.job_name if isinstance(source, ScrapeConfig) else source.name
