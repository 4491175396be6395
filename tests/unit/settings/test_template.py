"""Every limit of the purchase API's parameter table, at its edges."""

from pathlib import Path

import pytest

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.settings.amounts import hundredths
from autoscaler.settings.checked import check
from autoscaler.settings.template import PERIODS, NodeTemplate

STRONG = "Hello1234!"
GOOD: dict[str, object] = {
    "worker_instance_type": "ens.sn1.tiny",
    "worker_image_id": "m-2QVLO2T8NYgm8CNQVg0000",
    "ens_internet_charge_type": "BandwidthByDay",
    "worker_system_disk_size": 40,
    "login_password": STRONG,
}


def document(changes: dict[str, object], without: tuple[str, ...] = ()) -> dict[str, object]:
    spec = {key: value for key, value in {**GOOD, **changes}.items() if key not in without}
    return {"apiVersion": "autoscaler/v1", "kind": "NodeTemplate", "metadata": {"name": "standard"}, "spec": spec}


def problems(changes: dict[str, object], without: tuple[str, ...] = ()) -> list[str]:
    raw = document(changes, without)
    _, found = check(NodeTemplate, raw, NodeTemplate.model_validate, lambda path: ("t.yaml", len(path)))
    return [str(problem) for problem in found]


def template(changes: dict[str, object], without: tuple[str, ...] = ()) -> NodeTemplate:
    return NodeTemplate.model_validate(document(changes, without))


RENEW: dict[str, object] = {"worker_auto_renew": True}


@pytest.mark.parametrize(
    "changes",
    [
        *({"worker_period": months} for months in PERIODS),
        *({"worker_system_disk_size": size} for size in (20, 30, 90, 100)),
        *({"worker_data_disk_size": size} for size in (0, 20, 190, 200)),
        *({**RENEW, "worker_auto_renew_period": months} for months in (1, 12)),
        {"worker_auto_renew": False, "worker_auto_renew_period": 3},
        {"timeout_mins": 1},
        {"is_edge_worker": True},
        {"ens_internet_charge_type": "95BandwidthByMonth"},
        *({"login_password": word} for word in ("Abcdefg1", "abcdef1!", "ABCDEF1!", "Abcdefg!", "Ab1" + "x" * 27)),
    ],
)
def test_what_the_api_takes_is_taken(changes: dict[str, object]) -> None:
    assert problems(changes) == []


PERIOD = "must be one of 1, 2, 3, 6, 12, 24, 36, 48, 60 (months)"
SYSTEM = "must be a multiple of 10 from 20 to 100 (GiB)"
DISK = "must be 0 for no data disk, or a multiple of 10 from 20 to 200 (GiB)"


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        *(("worker_period", months, f"{PERIOD} (is {months})") for months in (0, 4, 5, 7, 13, 61, -1)),
        ("worker_period", True, "must be a whole number (is true)"),
        ("worker_period", 1.0, "must be a whole number (is 1.0)"),
        ("worker_period", "1", "must be a whole number (is '1'); leave out the quotes"),
        *(("worker_system_disk_size", size, f"{SYSTEM} (is {size})") for size in (0, 10, 19, 25, 101, 110)),
        ("worker_system_disk_size", "40", "must be a whole number (is '40'); leave out the quotes"),
        *(("worker_data_disk_size", size, f"{DISK} (is {size})") for size in (10, 19, 25, 201, 210, -10)),
        ("worker_auto_renew_period", 0, "must be greater than or equal to 1 (is 0)"),
        ("worker_auto_renew_period", 13, "must be less than or equal to 12 (is 13)"),
        ("worker_auto_renew", "true", "must be true or false (is 'true'); leave out the quotes"),
        ("timeout_mins", 0, "must be greater than or equal to 1 (is 0)"),
        (
            "is_edge_worker",
            False,
            "must be true: a managed edge cluster takes ENS instances as edge workers only (is false)",
        ),
        (
            "ens_internet_charge_type",
            "ByDay",
            "must be 'BandwidthByDay' or '95BandwidthByMonth' (is 'ByDay')",
        ),
        ("worker_instance_type", "", "must have at least 1 character (is '')"),
        ("worker_image_id", "", "must have at least 1 character (is '')"),
    ],
)
def test_what_the_api_refuses_is_refused_with_value_and_allowed_ones(key: str, value: object, reason: str) -> None:
    assert problems({key: value}) == [f"t.yaml:2: spec.{key}: {reason}"]


@pytest.mark.parametrize("key", ["worker_instance_type", "ens_internet_charge_type", "worker_system_disk_size"])
def test_what_the_api_requires_is_required(key: str) -> None:
    assert problems({}, without=(key,)) == [f"t.yaml:2: spec.{key}: is required"]


def test_auto_renewal_requires_its_period() -> None:
    reason = "is required when worker_auto_renew is true: 1 to 12 (months)"
    assert problems(RENEW) == [f"t.yaml:2: spec.worker_auto_renew_period: {reason}"]


@pytest.mark.parametrize("word", ["Abc123!", "Ab1" + "x" * 28, "abcdefgh1", "ABCDEFGH!", "12345678!", "", "écôlÉ12 "])
def test_a_weak_password_is_refused_and_not_shown(word: str) -> None:
    (problem,) = problems({"login_password": word})
    assert problem.startswith("t.yaml:2: spec.login_password: a password must have 8 to 30 characters")
    assert problem.endswith(f"(hidden, {len(word)} characters)")
    assert not word or word not in problem


@pytest.mark.parametrize("value", [STRONG, {"a": STRONG}, [STRONG], 1234567890])
def test_a_password_under_a_wrong_key_or_of_a_wrong_type_is_not_shown(value: object) -> None:
    shown = "\n".join([*problems({"login_pasword": value}), *problems({"login_password": [value]})])
    assert "unknown key 'login_pasword'; did you mean 'login_password'?" in shown
    assert STRONG not in shown
    assert "1234567890" not in shown


def test_not_more_than_one_place_has_the_password(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(STRONG)
    exactly = "exactly one of login_password, login_password_file, login_password_env must be there; there is"
    both = problems({"login_password_file": str(tmp_path / "secret")})
    assert f"{exactly} login_password and login_password_file" in both[0]


def test_a_password_file_is_found_beside_the_file_that_names_it_and_read_anew(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{STRONG}\n")
    raw = document({"login_password_file": "secret"}, without=("login_password",))
    node = NodeTemplate.model_validate(raw, context={"folder": tmp_path})
    assert node.password().get_secret_value() == STRONG
    (tmp_path / "secret").write_text("Rotated-4711\n")
    assert node.password().get_secret_value() == "Rotated-4711"
    (tmp_path / "secret").write_text("weak")
    with pytest.raises(ConfigurationRefused, match="8 to 30 characters"):
        node.password()


def test_a_password_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, object] = {"login_password_env": "NODE_PASSWORD"}
    monkeypatch.delenv("NODE_PASSWORD", raising=False)
    missing = "there is no environment variable of that name (is 'NODE_PASSWORD')"
    assert problems(changes, without=("login_password",)) == [f"t.yaml:2: spec.login_password_env: {missing}"]
    monkeypatch.setenv("NODE_PASSWORD", STRONG)
    assert template(changes, without=("login_password",)).password().get_secret_value() == STRONG


def test_a_weak_password_in_file_or_environment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("weakling")
    monkeypatch.setenv("NODE_PASSWORD", "weakling")
    in_file = problems({"login_password_file": str(tmp_path / "secret")}, without=("login_password",))
    in_variable = problems({"login_password_env": "NODE_PASSWORD"}, without=("login_password",))
    for (problem,) in (in_file, in_variable):
        assert "a password must have 8 to 30 characters" in problem
        assert "weakling" not in problem


@pytest.mark.parametrize("key", ["count", "ens_region_id", "ClusterId"])
def test_what_the_decision_and_the_fleet_say_is_not_in_a_template(key: str) -> None:
    (problem,) = problems({key: 1})
    assert problem.startswith(f"t.yaml:2: spec.{key}: {key!r} does not belong here; ")


def test_the_other_spelling_of_the_charge_type_is_taken_but_not_both() -> None:
    other: dict[str, object] = {"ens_Internet_charge_type": "95BandwidthByMonth"}
    assert template(other, without=("ens_internet_charge_type",)).spec.ens_internet_charge_type == "95BandwidthByMonth"
    (problem,) = problems(other)
    assert "another spelling of ens_internet_charge_type" in problem


def test_a_template_without_password_gives_none() -> None:
    node = template({}, without=("login_password",))
    assert not node.has_password
    with pytest.raises(ConfigurationRefused, match="node template 'standard': there is none"):
        node.password()


AMOUNT = "must be an amount in the account's currency with at most 2 decimal places, e.g. 1200 or 1200.50"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (12.345, f"{AMOUNT} (is 12.345)"),
        (0.001, f"{AMOUNT} (is 0.001)"),
        ("cheap", f"{AMOUNT} (is 'cheap')"),
        (True, f"{AMOUNT} (is true)"),
        (float("inf"), f"{AMOUNT} (is inf)"),
        ([120], f"{AMOUNT}"),
        (0, "must be greater than 0; leave it out when the price is not known (is 0)"),
        (-1, "must be from 0 to 1000000000000 (is -1)"),
        (10**13, "must be from 0 to 1000000000000 (is 10000000000000)"),
    ],
)
def test_a_price_is_an_exact_amount_and_not_nothing(value: object, reason: str) -> None:
    assert problems({"price_per_month": value}) == [f"t.yaml:2: spec.price_per_month: {reason}"]


@pytest.mark.parametrize(
    ("value", "cents"),
    [(120, 12000), (0.01, 1), (1.1, 110), (19.99, 1999), ("0.10", 10), (999999999999.99, 10**14 - 1)],
)
def test_a_price_is_kept_to_the_cent(value: object, cents: int) -> None:
    price = template({"price_per_month": value}).spec.price_per_month
    assert price is not None
    assert hundredths(price) == cents


@pytest.mark.parametrize(
    ("alternatives", "twice"),
    [(["ens.sn1.tiny"], "ens.sn1.tiny"), (["ens.b", "ens.a", {"worker_instance_type": "ens.b"}], "ens.b")],
)
def test_an_alternative_is_another_type(alternatives: list[object], twice: str) -> None:
    reason = f"instance types must differ, from the template's own too; there twice: {twice}"
    assert problems({"alternatives": alternatives}) == [f"t.yaml:2: spec.alternatives: {reason}"]


def test_an_alternative_knows_its_keys() -> None:
    wrong = [{"worker_instance_type": "ens.a", "price": 1}]
    assert problems({"alternatives": wrong}) == [
        (
            "t.yaml:4: spec.alternatives[0].price: unknown key 'price'; "
            "allowed keys are: worker_instance_type, price_per_month"
        )
    ]
