"""What an operator may write about sources, and what is refused."""

import pytest
from pydantic import ValidationError

from autoscaler.settings.promql_server import PrometheusServer
from autoscaler.settings.scrape import ScrapeConfig


def test_a_short_interval_shortens_the_timeout_of_a_server() -> None:
    server = PrometheusServer.model_validate({"name": "p", "url": "https://h/prefix/", "interval": "2s"})
    assert (server.url, server.timeout) == ("https://h/prefix", 2.0)


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


def test_every_field_says_what_it_means() -> None:
    assert [name for name, field in PrometheusServer.model_fields.items() if not field.description] == []
