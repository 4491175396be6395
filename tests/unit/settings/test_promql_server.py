"""What an operator may write about a Prometheus server, and what is refused."""

import pytest
from pydantic import ValidationError

from autoscaler.settings.promql_server import PrometheusServer


def server(**written: object) -> PrometheusServer:
    return PrometheusServer.model_validate({"name": "p", **written})


def test_one_url_or_several_are_where_to_ask() -> None:
    assert server(url="https://h/prefix/").endpoints == ("https://h/prefix",)
    assert server(urls=["http://a:9090/", "http://b:9090"]).endpoints == ("http://a:9090", "http://b:9090")


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({}, "write either `url`, or `urls`"),
        ({"urls": []}, "write either `url`, or `urls`"),
        ({"url": "http://a", "urls": ["http://b"]}, "write either `url`, or `urls`"),
        ({"urls": ["http://a", "http://a/"]}, "names one of them twice"),
        ({"urls": ["http://a", "b:9090"]}, "must look like"),
        ({"url": "http://user:word@h"}, "must not carry credentials"),
        ({"url": "http://h", "basic_auth": {"username": "u"}, "bearer_token_file": "t"}, "exclude each other"),
        (
            {"url": "http://h", "basic_auth": {"username": "u"}, "headers": {"authorization": "x"}},
            "`Authorization` and",
        ),
        ({"url": "http://h", "tls_config": {"cert_file": "c"}}, "needs both cert"),
    ],
)
def test_a_server_that_can_not_be_asked_is_refused(written: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        server(**written)


def test_partial_answers_are_not_used_unless_it_is_said() -> None:
    assert not server(url="http://h").use_partial_answers


def test_secrets_do_not_show() -> None:
    shown = repr(server(url="http://h", basic_auth={"password": "hush"}, headers={"X-Key": "hush"}))
    assert "hush" not in shown
