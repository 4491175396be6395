"""The alert rules: judged by promtool, held against the metrics, the reason codes and the runbook, and made to fire."""

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, generate_latest
from ruamel.yaml import YAML

from autoscaler.cli import cli
from autoscaler.model.decision import Decision
from autoscaler.model.events import LedgerFailed, OrderChanged, OrderRefused
from autoscaler.model.names import ClusterId, Money, OrderId, RegionId
from autoscaler.model.operation import ScaleOutCluster
from autoscaler.model.order import Order, OrderState
from autoscaler.model.reason import Reason
from autoscaler.settings.shape import Settings
from autoscaler.telemetry import names
from autoscaler.telemetry.metrics import MetricsObserver
from autoscaler.web.server import WebServer
from tests.integration.servers import RealServer, prometheus, wait_until

ROOT = Path(__file__).parents[2]
RULES = ROOT / "config" / "prometheus" / "autoscaler.rules.yaml"
RULES_TEST = RULES.with_name("autoscaler.rules.test.yaml")
RUNBOOK = ROOT / "docs" / "runbook.md"
REGION = RegionId("cn-beijing-cmcc-2")
OPERATION = ScaleOutCluster(ClusterId("c1"), "small", REGION, "ens.sn1", "image", "95BandwidthByMonth", 1, 40)
FIRES_WITHIN = 30.0
"""Seconds: Prometheus scrapes for the first time 5 to 6 s after its start."""


def read_rules() -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe").load(RULES.read_text(encoding="utf-8"))
    return document


ALERTS: tuple[dict[str, Any], ...] = tuple(rule for group in read_rules()["groups"] for rule in group["rules"])


def sections() -> Mapping[str, str]:
    """The text of each section of the runbook, by its anchor."""
    parts = re.split(r"^## (.+)$", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def promtool(*arguments: str, given: bytes = b"") -> str:
    """What promtool says; a refusal fails the test with its words."""
    path = shutil.which("promtool")
    assert path, "promtool is not installed: apt-get install prometheus"
    done = subprocess.run([path, *arguments], input=given, capture_output=True, check=False, timeout=60)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said


def test_the_rules_are_valid() -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", str(RULES))


def test_the_rules_fire_when_they_should_and_not_before() -> None:
    assert "SUCCESS" in promtool("test", "rules", str(RULES_TEST))


def test_every_alert_has_a_unit_test() -> None:
    tested = RULES_TEST.read_text(encoding="utf-8")
    assert [alert["alert"] for alert in ALERTS if alert["alert"] not in tested] == []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_how_bad_it_is_and_leads_to_a_section_that_says_what_to_do(alert: dict[str, Any]) -> None:
    assert re.fullmatch(r"Autoscaler[A-Z][A-Za-z]+", alert["alert"])
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    file, anchor = alert["annotations"]["runbook_url"].split("#")
    assert ROOT / file == RUNBOOK
    section = sections()[anchor]
    assert section.strip().startswith(f"`{alert['alert']}`, {alert['labels']['severity']}. ")
    assert re.search(r"\bLook\b", section)
    assert re.search(r"\bDo\b", section)


def test_no_section_of_the_runbook_is_without_its_alert() -> None:
    leading = {alert["annotations"]["runbook_url"].split("#")[1] for alert in ALERTS}
    assert set(sections()) == leading | {"Series and their number"}


def test_the_rules_ask_for_series_that_exist() -> None:
    known = {value for name, value in vars(names).items() if name.isupper() and str(value).startswith("autoscaler_")}
    asked = {word for alert in ALERTS for word in re.findall(r"autoscaler_\w+", alert["expr"])}
    assert asked <= known


def test_the_rules_name_reason_codes_and_states_that_exist() -> None:
    codes, states = {reason.value for reason in Reason}, {state.value for state in OrderState}
    for alert in ALERTS:
        for label, pattern in re.findall(r'(reason|state)[=!]~?"([^"]+)"', alert["expr"]):
            known = codes if label == "reason" else states
            for word in pattern.split("|"):
                assert [code for code in known if re.fullmatch(word, code)], f"{alert['alert']}: {word}"


def test_the_catch_all_leaves_out_only_what_another_alert_is_about() -> None:
    (catch_all,) = (alert for alert in ALERTS if alert["alert"] == "AutoscalerNeedsHuman")
    others = " ".join(alert["expr"] for alert in ALERTS if alert is not catch_all)
    about_the_account = {"AccountStopped", "Forbidden", "BalanceExhausted"}  # all three: autoscaler_account_stopped
    left_out = {word for words in re.findall(r'reason!~"([^"]+)"', catch_all["expr"]) for word in words.split("|")}
    assert {word for word in left_out if word.removesuffix(".*") not in others} == about_the_account


def commands() -> list[str]:
    """Every command of ours in the runbook."""
    fences = re.findall(r"^```\n(.*?)^```", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    lines = [line for fence in fences for line in fence.splitlines()]
    return [line.split(" | ")[0] for line in lines if line.startswith("autoscaler ")]


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_runbook_is_one_that_exists(line: str, tmp_path: Path) -> None:
    words = shlex.split(line, comments=True)[1:]
    result = CliRunner().invoke(cli, words, env={"AUTOSCALER_CONFIG": str(tmp_path / "no-such-file.yaml")})
    assert result.exit_code == 1, result.output  # understood, and refused for the file; a usage error is 2


def test_the_runbook_and_the_rules_name_settings_that_exist() -> None:
    sections_of_settings = "|".join(Settings.model_fields)
    text = RUNBOOK.read_text(encoding="utf-8") + " ".join(alert["annotations"]["description"] for alert in ALERTS)
    named = set(re.findall(rf"\b(?:{sections_of_settings})\.[a-z_]+(?:\.[a-z_]+)*", text))
    assert len(named) > 8
    for name in named:
        model: Any = Settings
        for key in name.split("."):
            assert key in model.model_fields, name
            model = model.model_fields[key].annotation


def test_the_runbook_counts_every_series() -> None:
    told = sections()["Series and their number"]
    wildcards = tuple(f"autoscaler{word}" for word in re.findall(r"`(?:autoscaler)?(_\w+_)\*`", told))
    for name, value in vars(names).items():
        if name.isupper() and str(value).startswith("autoscaler_"):
            assert value.removeprefix("autoscaler") in told or value.startswith(wildcards), value


def an_order(state: OrderState, made: float) -> Order:
    return Order(OrderId("o-1"), 7, REGION, OPERATION, 3, made, made + 3600, state=state, cost=Money(300))


def test_the_page_passes_promtool_check_metrics() -> None:
    registry = CollectorRegistry()
    observer = MetricsObserver(registry, "1.2.3")
    observer.notice(OrderChanged(an_order(OrderState.ACCEPTED, 1.0), OrderState.SUBMITTING))
    observer.notice(OrderChanged(replace(an_order(OrderState.IN_DOUBT, 1.0), id=OrderId("o-2")), OrderState.SUBMITTING))
    observer.notice(OrderRefused(REGION, Reason.BUDGET_EXHAUSTED, "budget north, day"))
    observer.notice(LedgerFailed("disk is full"))
    assert promtool("check", "metrics", given=generate_latest(registry)) == ""


class NothingDecided:
    """A web.status.StatusView of a daemon that has just started: only its metrics are asked for here."""

    def decisions(self) -> Sequence[Decision]:
        return ()

    def decision(self, region: RegionId) -> Decision | None:
        return None

    def open_orders(self) -> Sequence[Order]:
        return ()

    def readiness(self) -> Mapping[str, str | None]:
        return {}

    def heartbeat_age(self) -> float:
        return 0.0

    def tick(self) -> int:
        return 0


def hurried_rules(folder: Path) -> Path:
    """The shipped rules, but for their `for`: nobody waits a minute in a test."""
    rules = read_rules()
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["for"] = "1s"
    path = folder / "rules.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(rules, file)
    return path


def firing(server: RealServer) -> set[tuple[str, str]]:
    """Names of the alerts that fire, with the region that they are about."""
    answer: Any = server.get_json("/api/v1/alerts")
    alerts = [alert for alert in answer["data"]["alerts"] if alert["state"] == "firing"]
    return {(alert["labels"]["alertname"], alert["labels"].get("region", "")) for alert in alerts}


async def test_a_real_prometheus_fires_for_an_order_in_doubt_and_for_a_ledger_fault_and_stops_when_they_end(
    tmp_path: Path,
) -> None:
    registry = CollectorRegistry()
    observer = MetricsObserver(registry, "1.2.3")
    doubt = an_order(OrderState.IN_DOUBT, time.time() - 3600)
    observer.restore([doubt])
    observer.notice(LedgerFailed("disk is full"))
    page = WebServer(NothingDecided(), observer.page, host="127.0.0.1", port=0, version="1.2.3")
    await page.start()
    job = {"job_name": "autoscaler", "static_configs": [{"targets": [page.url.removeprefix("http://")]}]}
    config = {"rule_files": [os.fspath(hurried_rules(tmp_path))], "scrape_configs": [job]}

    def watch() -> None:
        both = {("AutoscalerOrderInDoubt", REGION), ("AutoscalerLedgerCannotWrite", "")}
        with prometheus(tmp_path, config) as server:
            wait_until(lambda: firing(server) == both, "both alerts fire, and no other", FIRES_WITHIN)
            observer.notice(OrderChanged(doubt.moved(OrderState.ACCEPTED, Reason.EVIDENCE_FOUND, 1.0), doubt.state))
            wait_until(lambda: firing(server) == set(), "no alert fires", FIRES_WITHIN)

    try:
        await asyncio.to_thread(watch)
    finally:
        await page.stop()
