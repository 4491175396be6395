"""Limits of the policies that can not be meant: what is said of them, and that sound ones are let be."""

from pathlib import Path

import pytest

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.settings.root import Loaded, load

from . import builders


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def policy(*scale_up: str, least: int = 0, most: int = 5, name: str = "edge", regions: str = '"cn-a-*"') -> str:
    """A policy whose scaleUp stands on line 14, and its keys from line 15 on."""
    text = builders.policy(name, regions).replace("  maxNodes: 5", f"  minNodes: {least}\n  maxNodes: {most}")
    lines = "".join(f"      {one}\n" for one in scale_up)
    return text.replace("{scaleUp: {maxNodesEver: 1000}}", f"\n    scaleUp:\n{lines}" if lines else "{}")


def right(*scale_up: str, main: str = builders.MAIN, least: int = 0, most: int = 5, **files: str) -> Loaded:
    return load(builders.write(Path(), main, **{"a": policy(*scale_up, least=least, most=most), **files}))


def refused(*scale_up: str, least: int = 0) -> list[str]:
    with pytest.raises(ConfigurationRefused) as caught:
        right(*scale_up, least=least)
    return list(caught.value.problems)


UP = "spec.behavior.scaleUp"


def test_a_minimum_that_the_quota_of_a_lifetime_forbids_is_told() -> None:
    assert refused("maxNodesEver: 3", least=5) == [
        (
            f"policies/a.yaml:15: {UP}.maxNodesEver: minNodes (5) can not be bought with it (is 3); raise it to 5 or "
            "more, or lower minNodes to 3"
        )
    ]
    assert right("maxNodesEver: 5", least=5).notices == ()


def test_a_minimum_that_the_quota_of_a_day_forbids_is_told() -> None:
    assert refused("maxNodesPerDay: 0", least=1) == [
        (
            f"policies/a.yaml:15: {UP}.maxNodesPerDay: minNodes (1) can not be bought with it (is 0); raise it to 1 or "
            "more, leave it out for no quota, or lower minNodes to 0"
        )
    ]
    assert right("maxNodesPerDay: 1", least=5).notices == ()


def test_a_minimum_that_can_not_be_bought_is_told_beside_another_mistake() -> None:
    problems = refused("maxNodesEver: 3", "breakerSeconds: long", least=5)
    assert [one.split(": ")[1] for one in problems] == [f"{UP}.maxNodesEver", f"{UP}.breakerSeconds"]


@pytest.mark.parametrize("quota", ["maxNodesPerDay", "maxNodesEver"])
def test_a_quota_of_nothing_is_a_notice(quota: str) -> None:
    assert right(f"{quota}: 0").notices == (
        f"policies/a.yaml:15: {UP}.{quota}: with 0 the policy never buys a node; raise it to buy any",
    )


def test_a_maximum_of_nothing_is_a_notice_and_lacks_no_quota() -> None:
    assert right(most=0).notices == (
        "policies/a.yaml:7: spec.maxNodes: with 0 the policy never buys a node; raise it to buy any",
    )


def test_a_share_in_the_place_of_a_percentage_is_a_notice() -> None:
    assert right("maxNodesPerDay: 5", "maxUnreadyPercent: 0.45").notices == (
        f"policies/a.yaml:16: {UP}.maxUnreadyPercent: 0.45 is 0.45 %; write 45 for 45 %",
    )


ALL = "brakes: {max_unready_percent: 100}\n"


def test_brakes_that_are_switched_off_are_one_notice_for_each_policy() -> None:
    off = ("maxNodesEver: 9", "breakerSeconds: 0", "failedJoinsToLatch: 0", "windowSeconds: 3599")
    two = policy("maxNodesEver: 9", "maxUnreadyPercent: 100", name="other", regions="cn-a-2")
    one = policy(*off, regions="cn-a-1")
    assert right(main=builders.MAIN + ALL, a=one, b=two).notices == (
        (
            "policies/a.yaml:14: ScalingPolicy 'edge' has brakes switched off: breakerSeconds 0 buys again at once "
            "after orders in vain (default 1800); failedJoinsToLatch 0 buys on however many nodes fail to join "
            "(default 3); windowSeconds 3599 forgets nodes that never came after 3599 s (default 86400)"
        ),
        (
            "policies/b.yaml:14: ScalingPolicy 'other' has brakes switched off: maxUnreadyPercent and "
            "brakes.max_unready_percent 100 buy into an outage (default 50 and 45)"
        ),
    )


@pytest.mark.parametrize(
    ("main", "scale_up"),
    [
        ("", ("breakerSeconds: 1", "failedJoinsToLatch: 1", "windowSeconds: 3600")),
        ("", ("maxUnreadyPercent: 100",)),
        (ALL, ("maxUnreadyPercent: 99",)),
    ],
)
def test_brakes_that_still_brake_are_let_be(main: str, scale_up: tuple[str, ...]) -> None:
    assert right("maxNodesEver: 9", *scale_up, main=builders.MAIN + main).notices == ()


def test_regions_with_neither_quota_nor_budget_are_one_notice() -> None:
    fleet = builders.fleet("fleet", "c1", ", ".join(f"cn-a-{number}" for number in range(5)))
    text = builders.with_budgets(fleet, "{name: one, scope: group, regions: [cn-a-0], perDay: 200}")
    priced = builders.with_spec(builders.template("standard"), "price_per_month: 100")
    assert right(f=text, t=priced).notices == (
        (
            "policies/f.yaml:8: neither quota nor budget in cn-a-1, cn-a-2, cn-a-3 and 1 more: a metric that lies buys "
            "for as long as it lies; set maxNodesPerDay or maxNodesEver in the policy, or a budget in the Fleet"
        ),
    )
    everything = builders.with_budgets(fleet, "{name: all, scope: account, perMonth: 2000}")
    assert right(f=everything, t=priced).notices == ()


@pytest.mark.parametrize("quota", ["maxNodesPerDay: 5", "maxNodesEver: 5"])
def test_a_quota_is_enough(quota: str) -> None:
    assert right(quota).notices == ()


SLOW = builders.with_spec(builders.template("standard"), "timeout_mins: 90")


def test_a_template_that_the_api_works_on_for_longer_than_its_nodes_are_waited_for_is_a_notice() -> None:
    assert right("maxNodesEver: 5", t=SLOW).notices == (
        (
            "policies/t.yaml:5: spec.timeout_mins: 90 minutes are longer than executor.node_deadline (1h): an order is "
            "overdue, and a human called, before the API itself gives up; set node_deadline to 1h30m or more"
        ),
    )
    main = builders.MAIN + "executor: {node_deadline: 90m}\n"
    assert right("maxNodesEver: 5", main=main, t=SLOW).notices == ()


def test_a_timeout_that_is_not_sent_is_let_be() -> None:
    pools = builders.pooled("{id: cn-a-1, nodePool: np1}, {id: cn-a-2, nodePool: np2}")
    assert right("maxNodesEver: 5", t=SLOW, f=pools).notices == ()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("breakerSeconds: 30m", "breakerSeconds: must be a number (is '30m'); in seconds: 1800"),
        ("cooldown_seconds: 250ms", "cooldown_seconds: must be a number (is '250ms'); in seconds: 0.25"),
        ("breakerSeconds: soon", "breakerSeconds: must be a number (is 'soon')"),
        ("maxNodesPerDay: 30m", "maxNodesPerDay: must be a whole number (is '30m')"),
    ],
)
def test_a_duration_in_the_place_of_seconds_is_told_with_the_seconds(written: str, told: str) -> None:
    assert refused(written) == [f"policies/a.yaml:15: {UP}.{told}"]


def test_a_duration_in_the_place_of_minutes_is_told_with_the_minutes() -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        right(t=builders.with_spec(builders.template("standard"), "timeout_mins: 2h"))
    assert list(caught.value.problems) == [
        "policies/t.yaml:5: spec.timeout_mins: must be a whole number (is '2h'); in minutes: 120"
    ]


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("ledger: {retention: 30d}", "ledger.retention: must be at least 40d (is '30d')"),
        ("ledger: {retention: 100}", "ledger.retention: must be at least 40d (is 100)"),
        ("brakes: {account_stop: 0s}", "brakes.account_stop: must be greater than 0 (is '0s')"),
        (
            "brakes: {max_unready_percent: 101}",
            "brakes.max_unready_percent: must be less than or equal to 100 (is 101)",
        ),
    ],
)
def test_the_bound_of_a_duration_is_told_as_one(section: str, told: str) -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        right(main=f"{builders.MAIN}{section}\n")
    assert list(caught.value.problems) == [f"autoscaler.yaml:11: {told}"]
