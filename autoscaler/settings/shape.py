"""The shape of autoscaler.yaml.

The values of the file and of the environment come in, one frozen model goes out. A variable such as
AUTOSCALER_WEB__PORT wins over the file. It must not look at any other file.
"""

from collections import Counter
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from autoscaler.settings.alibaba import AlibabaSettings
from autoscaler.settings.sections import (
    BrakeSettings,
    ExecutorSettings,
    LedgerSettings,
    LogSettings,
    LoopSettings,
    WebSettings,
)
from autoscaler.settings.sources import PrometheusServer, ScrapeConfig

PREFIX = "AUTOSCALER_"
DELIMITER = "__"


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
    policies: Path = Field(default=Path("policies"), description="Policy directory; relative to autoscaler.yaml.")
    ledger: LedgerSettings = Field(default=LedgerSettings(), description="Where orders are kept.")
    loop: LoopSettings = Field(default=LoopSettings(), description="How often regions are decided.")
    executor: ExecutorSettings = Field(default=ExecutorSettings(), description="How orders are placed and followed.")
    brakes: BrakeSettings = Field(default=BrakeSettings(), description="What stops purchases in the whole fleet.")
    web: WebSettings = Field(default=WebSettings(), description="Where metrics and health are served.")
    log: LogSettings = Field(default=LogSettings(), description="What is logged.")

    @field_validator("prometheus", mode="after")
    @classmethod
    def _sources_have_names(cls, servers: list[PrometheusServer], info: ValidationInfo) -> list[PrometheusServer]:
        # Broken scrape_configs are not in `data`, and have been complained about.
        if "scrape_configs" not in info.data:
            return servers
        names = [*(one.job_name for one in info.data["scrape_configs"]), *(one.name for one in servers)]
        if not names:
            raise ValueError("there is no source of metrics: write at least one entry of scrape_configs or prometheus")
        twice = [name for name, times in Counter(names).items() if times > 1]
        if twice:
            raise ValueError(
                f"names in scrape_configs and prometheus must differ; used twice: {', '.join(sorted(twice))}"
            )
        return servers

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
