"""What an operator may write about sources, and what is refused."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from autoscaler.settings.sources import PrometheusServer, ScrapeConfig, StaticConfig


def test_a_job_is_written_in_prometheus_own_keys() -> None:
    config = ScrapeConfig.model_validate(
        {
            "job_name": "edge",
            "scrape_interval": "1m",
            "scrape_timeout": "500ms",
            "metrics_path": "/probe",
            "scheme": "https",
            "body_size_limit": 1000,
            "static_configs": [{"targets": ["h:1"], "labels": {"ens_region_id": "r", "__param_x": "1"}}],
            "file_sd_configs": [{"files": ["sd/*.json", "more.yaml"]}],
        }
    )
    assert (config.scrape_interval, config.scrape_timeout, config.body_size_limit) == (60.0, 0.5, 1000)
    assert config.static_configs[0].targets == ("h:1",)
    assert config.file_sd_configs[0].files == (Path("sd/*.json"), Path("more.yaml"))


def test_defaults_are_prometheus_and_a_short_interval_shortens_the_timeout() -> None:
    config = ScrapeConfig(job_name="edge")
    assert (config.scrape_interval, config.scrape_timeout, config.body_size_limit) == (15.0, 10.0, 16 * 1024 * 1024)
    assert ScrapeConfig.model_validate({"job_name": "edge", "scrape_interval": "5s"}).scrape_timeout == 5.0
    server = PrometheusServer.model_validate({"name": "p", "url": "https://h/prefix/", "interval": "2s"})
    assert (server.url, server.timeout) == ("https://h/prefix", 2.0)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"scrape_interval": "5s", "scrape_timeout": "6s"}, "must not exceed scrape_interval"),
        ({"scrape_interval": "0s"}, "greater than 0"),
        ({"scrape_interval": float("inf")}, "finite"),
        ({"scrape_interval": "soon"}, "is no duration"),
        ({"metrics_path": "metrics"}, "should match pattern"),
        ({"scheme": "ftp"}, "'http' or 'https'"),
        ({"body_size_limit": 0}, "greater than 0"),
        ({"static_config": []}, "Extra inputs"),
        ({"static_configs": [{"targets": ["h:1"], "labels": {"a-b": "x"}}]}, "'a-b' is no label name"),
        ({"file_sd_configs": [{"files": []}]}, "at least 1 item"),
        ({"file_sd_configs": [{"files": ["x.txt"]}]}, "must end in .json, .yml or .yaml"),
        ({"file_sd_configs": [{"files": ["*/x.json"]}]}, "last part"),
    ],
)
def test_a_job_that_can_not_run_is_refused(written: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ScrapeConfig.model_validate({"job_name": "edge", **written})


@pytest.mark.parametrize("interval", ["soon", "0s", -1, None, [], float("nan")])
def test_a_wrong_interval_is_one_problem_and_not_two(interval: object) -> None:
    for model, written in (
        (ScrapeConfig, {"job_name": "edge", "scrape_interval": interval}),
        (PrometheusServer, {"name": "p", "url": "http://h", "interval": interval}),
    ):
        with pytest.raises(ValidationError) as refused:
            model.model_validate(written)
        assert [error["loc"] for error in refused.value.errors()] == [tuple(written)[-1:]]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"url": "prometheus:9090"}, "must look like"),
        ({"url": "http://"}, "must look like"),
        ({"url": "http://h:99999"}, "is no URL"),
        ({"url": "http://user:word@h"}, "must not carry credentials"),
        ({"url": "http://h/?dedup=true"}, "no `\\?`"),
        ({"interval": "5s", "timeout": "6s"}, "must not exceed interval"),
        ({"bearer_token_file": "t", "headers": {"authorization": "x"}}, "exclude each other"),
    ],
)
def test_a_server_that_can_not_be_asked_is_refused(written: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        PrometheusServer.model_validate({"name": "p", "url": "http://h", **written})


def test_the_values_of_headers_do_not_show() -> None:
    server = PrometheusServer.model_validate({"name": "p", "url": "http://h", "headers": {"X-Key": "hush"}})
    assert "hush" not in repr(server)
    assert "hush" not in server.model_dump_json()


@pytest.mark.parametrize("model", [StaticConfig, ScrapeConfig, PrometheusServer])
def test_every_field_says_what_it_means(model: type[BaseModel]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []
