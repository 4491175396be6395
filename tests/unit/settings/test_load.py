"""What a right configuration gives, and what the environment may change."""

from pathlib import Path

import pytest

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.policy.brakes import Brakes
from autoscaler.settings.root import Loaded, load

from . import builders


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(path: Path) -> list[str]:
    with pytest.raises(ConfigurationRefused) as caught:
        load(path)
    return list(caught.value.problems)


def right(**files: str) -> Loaded:
    return load(builders.write(Path(), **files))


def test_every_region_gets_its_policy_its_operation_and_its_cluster() -> None:
    two = builders.fleet("more", "c2", "{id: cn-a-3, template: large, labels: {carrier: x}}")
    loaded = right(g=two, u=builders.template("large"))
    assert {str(region): policy.name for region, policy in loaded.policies.items()} == {
        "cn-a-1": "edge",
        "cn-a-2": "edge",
        "cn-a-3": "edge",
    }
    assert {str(region): (one.cluster, one.template) for region, one in loaded.operations.items()} == {
        "cn-a-1": ("c1", "standard"),
        "cn-a-2": ("c1", "standard"),
        "cn-a-3": ("c2", "large"),
    }
    assert {str(cluster): sorted(regions) for cluster, regions in loaded.clusters.items()} == {
        "c1": ["cn-a-1", "cn-a-2"],
        "c2": ["cn-a-3"],
    }
    assert [dict(labels) for labels in loaded.labels.values()] == [{}, {}, {"carrier": "x"}]
    assert loaded.password("standard").get_secret_value() == "Hello1234!"
    assert loaded.notices == ()


def test_a_password_of_an_unknown_template_is_an_error() -> None:
    with pytest.raises(ConfigurationRefused, match="no NodeTemplate 'none'"):
        right().password("none")


def test_defaults_are_those_of_the_manual() -> None:
    settings = right().settings
    assert (settings.loop.interval, settings.loop.coalesce) == (30.0, 0.05)
    executor = settings.executor
    assert (executor.purchases.per_minute, executor.purchases.burst, executor.purchases.concurrency) == (30.0, 1, 4)
    assert (executor.reads.per_second, executor.reads.burst) == (10.0, 20)
    assert (executor.decision_valid_for, executor.settle_after, executor.clock_skew) == (120.0, 300.0, 900.0)
    assert (executor.poll_interval, executor.node_deadline, executor.capacity_max_age) == (10.0, 3600.0, 120.0)
    assert (executor.backoff.first, executor.backoff.longest, executor.reads.purchase_share) == (1.0, 60.0, 0.3)
    assert (executor.check_stock, executor.price_from) == (False, "template")
    assert settings.ledger.retention == 400 * 86_400
    assert (settings.web.host, settings.web.port, settings.region_label) == ("127.0.0.1", 8080, "ens_region_id")
    assert (settings.log.format, settings.log.level) == ("auto", "info")


def test_brakes_are_read_as_the_policy_takes_them() -> None:
    assert right().brakes == Brakes()
    main = builders.MAIN + "brakes: {max_unready_percent: 20, ok_unready_nodes: 0, account_stop: 1h}\n"
    loaded = load(builders.write(Path(), main))
    assert loaded.brakes == Brakes(max_unready_share=0.2, ok_unready_nodes=0, account_stop_seconds=3600.0)


def test_a_pace_of_its_own_is_that_of_its_call_only() -> None:
    main = (
        builders.MAIN + "executor: {purchases: {per_minute: 6, per_action: {ScaleClusterNodePool: {per_minute: 2}}}}\n"
    )
    purchases = load(builders.write(Path(), main)).settings.executor.purchases
    assert purchases.pace("ScaleClusterNodePool").per_minute == 2.0
    assert purchases.pace("ScaleOutCluster").per_minute == 6.0


def test_relative_paths_start_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    builders.write(tmp_path / "etc", builders.MAIN + "ledger: {path: var/orders.db}\n")
    monkeypatch.chdir(tmp_path)
    settings = load(Path("etc/autoscaler.yaml")).settings
    assert (settings.ledger.path, settings.policies) == (Path("etc/var/orders.db"), Path("etc/policies"))


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSCALER_WEB__PORT", "9090")
    monkeypatch.setenv("AUTOSCALER_LOOP__INTERVAL", "1m30s")
    monkeypatch.setenv("AUTOSCALER_EXECUTOR", '{"purchases": {"burst": 2}}')
    main = builders.MAIN + "web: {host: 127.0.0.2, port: 1}\nexecutor: {purchases: {per_minute: 3}}\n"
    settings = load(builders.write(Path(), main)).settings
    assert (settings.web.host, settings.web.port, settings.loop.interval) == ("127.0.0.2", 9090, 90.0)
    assert (settings.executor.purchases.per_minute, settings.executor.purchases.burst) == (3.0, 2)


def test_a_mistake_in_a_variable_is_told_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSCALER_WEB__PORT", "many")
    monkeypatch.setenv("AUTOSCALER_LOOP__INTERVL", "3s")
    monkeypatch.setenv("AUTOSCALER_LGO__LEVEL", "debug")
    assert sorted(refused(builders.write(Path()))) == [
        "environment variable AUTOSCALER_LGO__LEVEL: unknown section 'LGO'; did you mean 'LOG'?",
        "environment variable AUTOSCALER_LOOP__INTERVL: loop.intervl: unknown key 'intervl'; did you mean 'interval'?",
        "environment variable AUTOSCALER_WEB__PORT: web.port: must be a whole number (is 'many')",
    ]


def test_variables_that_kubernetes_makes_for_a_service_are_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSCALER_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("AUTOSCALER_SERVICE_HOST", "10.0.0.1")
    right()


def test_a_variable_that_is_no_json_is_told_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSCALER_ALIBABA", "Secret99{")
    (problem,) = refused(builders.write(Path()))
    assert 'error parsing value for field "alibaba"' in problem
    assert "Secret99" not in problem


def test_the_file_can_not_set_arguments_of_the_settings_library() -> None:
    (problem,) = refused(builders.write(Path(), builders.MAIN + "_env_file: other\n"))
    assert "_env_file: unknown key '_env_file'; allowed keys are: alibaba, " in problem


def test_a_url_with_a_password_is_not_shown() -> None:
    main = builders.MAIN + "web: {host: 'x', port: 'http://user:Secret99@host'}\n"
    (problem,) = refused(builders.write(Path(), main))
    assert "(hidden)" in problem
    assert "Secret99" not in problem


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("region: cn-hangzhou", "region: cn-hangzhou\n  credentials: Secret99"),
        (
            "region: cn-hangzhou",
            "region: cn-hangzhou\n  credentials: {type: access_key, access_key_secret: [Secret99]}",
        ),
        ("region: cn-hangzhou", "region: cn-hangzhou\n  cs_endpoint: user:Secret99@host"),
        ("url: http://127.0.0.1:9090", "url: http://u:Secret99@h\n    headers: Secret99"),
        ("url: http://127.0.0.1:9090", "url: http://127.0.0.1:9090\n    headers: {X-Token: [Secret99]}"),
        ("url: http://127.0.0.1:9090", "url: http://127.0.0.1:9090\n    heders: {X-Token: Secret99}"),
        ("url: http://127.0.0.1:9090", "url: http://127.0.0.1:9090?token=Secret99"),
        ("url: http://127.0.0.1:9090", "url: http://127.0.0.1:9090\n    authorization: {type: Bearer Secret99}"),
    ],
)
def test_a_secret_in_the_wrong_place_or_form_is_not_shown(old: str, new: str) -> None:
    problems = refused(builders.write(Path(), builders.MAIN.replace(old, new)))
    assert problems
    assert "Secret99" not in "\n".join(problems)


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "a: [\n"])
def test_a_file_that_says_nothing_is_one_problem(text: str) -> None:
    assert len(refused(builders.write(Path(), text))) == 1


def test_there_must_be_a_source_and_names_must_differ() -> None:
    none = "alibaba: {region: cn-hangzhou}\n"
    assert any("there is no source of metrics" in one for one in refused(builders.write(Path(), none)))
    twice = builders.MAIN.replace("central", "gateway")
    (problem,) = refused(builders.write(Path(), twice))
    assert "prometheus: names in scrape_configs" in problem
    assert "must differ; used twice: gateway" in problem


def test_the_digest_changes_with_any_file() -> None:
    before = right().digest
    assert right().digest == before
    assert right(a=builders.policy("edge", '"cn-a-*"') + "\n").digest != before
    assert load(builders.write(Path(), builders.MAIN + "\n")).digest != before


def test_the_shipped_configuration_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    loaded = load(Path("config/autoscaler.yaml"))
    assert loaded.templates == {"standard", "large"}
    assert {policy.name for policy in loaded.policies.values()} == {"edge-requests", "edge-cpu"}
    assert loaded.policies.keys() == loaded.operations.keys() == loaded.offers.keys()
    assert all(offer.price for offers in loaded.offers.values() for offer in offers)
    assert {budget.name.partition(" ")[0] for budget in loaded.budgets} == {"site", "north", "total"}
    assert [notice.partition(": ")[2] for notice in loaded.notices] == [
        f"NodeTemplate {name!r} has the sample's password; set your own before buying" for name in ("standard", "large")
    ]
