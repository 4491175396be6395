"""What an operator may write in `scrape_configs`, and what is refused: Prometheus' own keys, meaning and rules."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from autoscaler.settings.byte_size import ByteSize
from autoscaler.settings.checked import check
from autoscaler.settings.relabel import RelabelConfig
from autoscaler.settings.scrape import DEFAULT_BODY_LIMIT, ScrapeConfig, accept_header
from autoscaler.settings.target_groups import FileSdConfig, HttpSdConfig, StaticConfig
from tests.unit.settings.relabel_rules import REFUSED, REFUSED_BY_3, TAKEN

PASTED: dict[str, Any] = {
    "job_name": "edge",
    "scrape_interval": "1m",
    "scrape_timeout": "500ms",
    "metrics_path": "/probe",
    "scheme": "https",
    "params": {"module": ["icmp"], "collect[]": ["cpu", "meminfo"]},
    "honor_labels": True,
    "honor_timestamps": False,
    "body_size_limit": "10MB",
    "sample_limit": 1000,
    "label_limit": 30,
    "label_name_length_limit": 200,
    "label_value_length_limit": 2000,
    "enable_compression": False,
    "scrape_protocols": ["PrometheusText0.0.4"],
    "fallback_scrape_protocol": "PrometheusText0.0.4",
    "metric_name_validation_scheme": "legacy",
    "metric_name_escaping_scheme": "underscores",
    "basic_auth": {"username": "scraper", "password": "hush"},
    "tls_config": {"ca_file": "ca.pem", "server_name": "edge", "insecure_skip_verify": True},
    "follow_redirects": False,
    "enable_http2": True,
    "static_configs": [{"targets": ["h:1"], "labels": {"ens_region_id": "r", "__param_x": "1"}}],
    "file_sd_configs": [{"files": ["sd/*.json", "more.yaml"], "refresh_interval": "1m"}],
    "http_sd_configs": [
        {"url": "https://sd/targets?site=1", "refresh_interval": "30s", "authorization": {"credentials": "hush"}}
    ],
    "relabel_configs": [
        {
            "source_labels": ["__address__"],
            "regex": "([^:]+)(?::\\d+)?",
            "target_label": "__address__",
            "replacement": "${1}:80",
        },
        {"action": "labelmap", "regex": "__meta_(.+)"},
        {"action": "Drop", "source_labels": ["a", "b"], "separator": "", "regex": "x"},
        {"action": "hashmod", "source_labels": ["__address__"], "modulus": 4, "target_label": "__tmp_hash"},
    ],
    "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "go_.*", "action": "drop"}],
}


def config(**written: object) -> ScrapeConfig:
    return ScrapeConfig.model_validate({"job_name": "edge", **written})


def problems(**written: object) -> list[str]:
    """What the operator is told of the file `edge.yaml`."""
    _, found = check(ScrapeConfig, {"job_name": "edge", **written}, ScrapeConfig.model_validate, lambda _: ("f", None))
    return [str(problem).removeprefix("f: ") for problem in found]


def test_a_block_is_taken_as_prometheus_has_it() -> None:
    job = ScrapeConfig.model_validate(PASTED)
    assert (job.scrape_interval, job.scrape_timeout, job.body_limit) == (60.0, 0.5, 10 * 1024 * 1024)
    assert job.params == {"module": ("icmp",), "collect[]": ("cpu", "meminfo")}
    assert job.static_configs[0].targets == ("h:1",)
    assert job.file_sd_configs[0].files == (Path("sd/*.json"), Path("more.yaml"))
    assert job.http_sd_configs[0].refresh_interval == 30.0
    assert [rule.action for rule in job.relabel_configs] == ["replace", "labelmap", "drop", "hashmod"]
    assert problems(**PASTED) == []


def test_what_is_not_written_is_as_in_prometheus() -> None:
    job = config(file_sd_configs=[{"files": ["a.json"]}], http_sd_configs=[{"url": "http://sd"}])
    assert (job.scrape_interval, job.scrape_timeout, job.body_limit) == (15.0, 10.0, DEFAULT_BODY_LIMIT)
    assert (job.metrics_path, job.scheme, job.params) == ("/metrics", "http", {})
    assert (job.honor_labels, job.honor_timestamps, job.enable_compression) == (False, True, True)
    assert (job.sample_limit, job.label_limit, job.body_size_limit) == (0, 0, 0)
    assert (job.file_sd_configs[0].refresh_interval, job.http_sd_configs[0].refresh_interval) == (300.0, 60.0)
    rule = RelabelConfig(target_label="x")
    assert (rule.action, rule.regex, rule.replacement, rule.separator) == ("replace", "(.*)", "$1", ";")
    assert (rule.source_labels, rule.modulus) == ((), 0)


def test_a_short_interval_shortens_the_timeout() -> None:
    assert config(scrape_interval="5s").scrape_timeout == 5.0


@pytest.mark.parametrize(
    ("written", "bytes_"),
    [
        ("10MB", 10 * 1024**2),
        ("64MiB", 64 * 1024**2),
        ("1.5KiB", 1536),
        ("1GB512MB", 1536 * 1024**2),
        ("7B", 7),
        ("0", 0),
        (0, 0),
        ("1000", 1000),
        (1000, 1000),
    ],
)
def test_a_size_is_a_power_of_1024_as_in_prometheus(written: object, bytes_: int) -> None:
    assert TypeAdapter(ByteSize).validate_python(written) == bytes_


@pytest.mark.parametrize("written", ["10mb", "MB", "10 MB", "-1MB", "1e3B", "10MBx", "", "٣B", "1kB"])
def test_what_is_no_size_is_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="is no size"):
        config(body_size_limit=written)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ({"scrape_interval": "5s", "scrape_timeout": "6s"}, "must not exceed scrape_interval"),
        ({"scrape_interval": "0s"}, "greater than 0"),
        ({"scrape_interval": float("inf")}, "finite"),
        ({"scrape_interval": "soon"}, "is no duration"),
        ({"metrics_path": "metrics"}, "should match pattern"),
        ({"scheme": "ftp"}, "'http' or 'https'"),
        ({"body_size_limit": -1}, "greater than or equal to 0"),
        ({"sample_limit": -1}, "greater than or equal to 0"),
        ({"params": {"a": "b"}}, "valid tuple"),
        ({"scrape_protocols": []}, "at least 1 item"),
        ({"scrape_protocols": ["PrometheusText0.0.4", "PrometheusText0.0.4"]}, "names a protocol twice"),
        ({"scrape_protocols": ["PrometheusProto"]}, "names no protocol that is read"),
        ({"scrape_protocols": ["prometheustext0.0.4"]}, "Input should be"),
        ({"fallback_scrape_protocol": "PrometheusProto"}, "Input should be"),
        ({"metric_name_validation_scheme": "utf8"}, "Input should be 'legacy'"),
        ({"basic_auth": {"username": "a"}, "authorization": {"credentials": "b"}}, "exclude each other"),
        ({"static_config": []}, "Extra inputs"),
        ({"static_configs": [{"targets": ["h:1"], "labels": {"a-b": "x"}}]}, "'a-b' is no label name"),
        ({"static_configs": [{"targets": ["http://h:1/metrics"]}]}, "'http://h:1/metrics' is a URL"),
        ({"static_configs": [{"targets": ["\ud800"]}]}, "half of a surrogate pair"),
        ({"file_sd_configs": [{"files": []}]}, "at least 1 item"),
        ({"file_sd_configs": [{"files": ["x.txt"]}]}, "must end in .json, .yml or .yaml"),
        ({"file_sd_configs": [{"files": ["*/x.json"]}]}, "last part"),
        ({"http_sd_configs": [{}]}, "Field required"),
        ({"http_sd_configs": [{"url": "sd:8080"}]}, "must look like"),
        ({"http_sd_configs": [{"url": "http://"}]}, "must look like"),
        ({"http_sd_configs": [{"url": "http://h:99999"}]}, "is no URL"),
        ({"http_sd_configs": [{"url": "http://user:word@h"}]}, "must not carry credentials"),
        ({"http_sd_configs": [{"url": "http://h/#x"}]}, "no `#`"),
        ({"http_sd_configs": [{"url": "http://h", "refresh_interval": "0s"}]}, "greater than 0"),
    ],
)
def test_a_job_that_can_not_run_is_refused(written: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        config(**written)


def test_a_url_may_stand_where_a_rule_can_make_an_address_of_it() -> None:
    rule = {"source_labels": ["__address__"], "target_label": "__param_target"}
    assert config(static_configs=[{"targets": ["http://h/"]}], relabel_configs=[rule]).static_configs


def test_a_modulus_beyond_64_bits_is_refused_where_prometheus_would_take_another() -> None:
    with pytest.raises(ValidationError, match="less than"):
        RelabelConfig(action="hashmod", target_label="a", modulus=2**64)


@pytest.mark.parametrize(("written", "why"), [*REFUSED, *REFUSED_BY_3])
def test_a_rule_that_prometheus_refuses_is_refused(written: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        RelabelConfig.model_validate(written)


@pytest.mark.parametrize("written", TAKEN)
def test_a_rule_that_prometheus_takes_is_taken(written: dict[str, object]) -> None:
    RelabelConfig.model_validate(written)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"target_label": "__name__", "replacement": "x"}, "may not write __name__"),
        ({"action": "lowercase", "source_labels": ["__name__"], "target_label": "__name__"}, "may not write __name__"),
        ({"action": "hashmod", "modulus": 2, "target_label": "__name__"}, "may not write __name__"),
        ({"action": "labeldrop", "regex": "__.*"}, "labeldrop would take __name__ away"),
        ({"action": "labelkeep", "regex": "mode"}, "labelkeep would take __name__ away"),
    ],
)
def test_a_rule_for_series_may_not_touch_the_metric_s_name(rule: dict[str, object], why: str) -> None:
    (told,) = problems(metric_relabel_configs=[rule])
    assert told.startswith(f"metric_relabel_configs[0]: {why}; ")
    assert len(config(relabel_configs=[rule]).relabel_configs) == 1


def test_a_rule_for_series_may_look_at_the_metric_s_name() -> None:
    rules = [
        {"action": "keep", "source_labels": ["__name__"], "regex": "node_.*"},
        {"source_labels": ["__name__"], "target_label": "family"},
        {"action": "labeldrop", "regex": "mode"},
        {"action": "labelkeep", "regex": "__name__|cpu"},
    ]
    assert len(config(metric_relabel_configs=rules).metric_relabel_configs) == 4


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"kubernetes_sd_configs": []}, "serve it for http_sd_configs, or read a Prometheus with promql"),
        ({"ec2_sd_configs": [{"region": "x"}]}, "file_sd file"),
        ({"proxy_url": "http://user:hush@proxy"}, "proxies are not spoken to"),
        ({"oauth2": {"client_secret": "hush"}}, "authorization.credentials_file"),
        ({"bearer_token": "hush"}, "bearer_token_file"),
        ({"target_limit": 5}, "leave it out"),
        ({"scrape_native_histograms": True}, "native histograms are not read"),
    ],
)
def test_a_key_of_prometheus_that_is_not_taken_says_what_to_write_instead(
    written: dict[str, object], told: str
) -> None:
    (problem,) = problems(**written)
    assert problem.startswith(f"{next(iter(written))}: ")
    assert "does not belong here" in problem
    assert told in problem
    assert "hush" not in problem


def test_an_endpoint_s_keys_that_are_not_taken_say_so_too() -> None:
    (problem,) = problems(http_sd_configs=[{"url": "http://h", "proxy_url": "x"}])
    assert problem.startswith("http_sd_configs[0].proxy_url: ")
    assert "proxies are not spoken to" in problem


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"scrape_intervall": "5s"}, "scrape_interval"),
        ({"relabel_config": []}, "relabel_configs"),
        ({"relabel_configs": [{"target_labels": "a", "action": "drop"}]}, "target_label"),
        ({"relabel_configs": [{"action": "labelmpa"}]}, "labelmap"),
        ({"http_sd_configs": [{"uri": "http://h"}]}, "url"),
    ],
)
def test_a_misspelt_word_is_told_with_what_was_meant(written: dict[str, object], meant: str) -> None:
    assert [f"did you mean {meant!r}?" in problem for problem in problems(**written)] == [True]


def test_a_wrong_expression_is_told_with_its_place() -> None:
    (problem,) = problems(relabel_configs=[{"target_label": "a", "regex": "[a"}])
    assert problem.startswith("relabel_configs[0].regex: is no RE2 regular expression: missing ]: [a (is '[a')")


@pytest.mark.parametrize(
    ("written", "header"),
    [
        (
            {},
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                "application/openmetrics-text;version=0.0.1;q=0.5,"
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
            ),
        ),
        ({"scrape_protocols": ["PrometheusText0.0.4"]}, "text/plain;version=0.0.4;q=0.6,*/*;q=0.5"),
        (
            {
                "scrape_protocols": ["PrometheusProto", "PrometheusText1.0.0"],
                "metric_name_escaping_scheme": "underscores",
            },
            "text/plain;version=1.0.0;escaping=underscores;q=0.6,*/*;q=0.5",
        ),
    ],
)
def test_formats_are_asked_for_as_prometheus_does(written: Mapping[str, object], header: str) -> None:
    assert accept_header(config(**written)) == header


def test_text_without_quotes_that_yaml_takes_for_a_truth_or_a_number_is_text() -> None:
    rule = {"source_labels": ["scrape"], "regex": True, "replacement": 2, "target_label": "a"}
    job = config(
        relabel_configs=[rule],
        params={"debug": [1]},
        static_configs=[{"targets": ["h:1"], "labels": {"rack": 5, "canary": False}}],
    )
    (made,) = job.relabel_configs
    assert (made.regex, made.replacement, job.params) == ("true", "2", {"debug": ("1",)})
    assert made.regexp.matches("true")
    assert job.static_configs[0].labels == {"rack": "5", "canary": "false"}


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ({"relabel_configs": [{"regex": 1.1, "target_label": "a"}]}, "relabel_configs[0].regex"),
        ({"static_configs": [{"labels": {"version": 1.1}}]}, "static_configs[0].labels.version"),
    ],
)
def test_a_number_that_may_have_been_another_text_is_asked_for_in_quotes(
    written: Mapping[str, object], place: str
) -> None:
    assert problems(**written) == [f"{place}: must be text (is 1.1); put it in quotes"]


def test_secrets_do_not_show() -> None:
    job = ScrapeConfig.model_validate(PASTED)
    assert "hush" not in repr(job)
    assert "hush" not in job.model_dump_json()


@pytest.mark.parametrize("model", [StaticConfig, FileSdConfig, HttpSdConfig, RelabelConfig, ScrapeConfig])
def test_every_field_says_what_it_means(model: type[BaseModel]) -> None:
    assert [name for name, field in model.model_fields.items() if not field.description] == []
