"""Budgets: what they cover, in which days, and that what is bought under them has a price."""

from pathlib import Path

import pytest

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.model.names import Money, RegionId
from autoscaler.policy.budget import Budget
from autoscaler.settings.root import Loaded, load

from . import builders

FLEET = builders.fleet("fleet", "c1", "cn-a-1, cn-a-2, cn-b-1")
POLICY = builders.policy("edge", '"cn-*"')
PRICED = builders.with_spec(builders.template("standard"), "price_per_month: 100")
ONE, TWO, OTHER = RegionId("cn-a-1"), RegionId("cn-a-2"), RegionId("cn-b-1")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def right(*budgets: str, zone: str = "", main: str = builders.MAIN, **files: str) -> Loaded:
    files = {"f": builders.with_budgets(FLEET, *budgets, zone=zone), "a": POLICY, "t": PRICED, **files}
    return load(builders.write(Path(), main, **files))


def refused(*budgets: str, zone: str = "", main: str = builders.MAIN, **files: str) -> list[str]:
    with pytest.raises(ConfigurationRefused) as caught:
        right(*budgets, zone=zone, main=main, **files)
    return list(caught.value.problems)


def test_no_budget_is_no_limit_and_needs_no_price() -> None:
    assert load(builders.write(Path())).budgets == ()


def test_scope_says_who_shares_the_amount() -> None:
    loaded = right(
        '{name: each, scope: region, regions: ["cn-a-*"], perDay: 500}',
        '{name: north, scope: group, regions: ["cn-a-*"], perDay: 500.5, perMonth: 3000}',
        "{name: all, scope: account, perMonth: 10000.01}",
        zone="Europe/Berlin",
    )
    assert loaded.budgets == (
        Budget("each (cn-a-1)", frozenset({ONE}), Money(50000), None, "Europe/Berlin"),
        Budget("each (cn-a-2)", frozenset({TWO}), Money(50000), None, "Europe/Berlin"),
        Budget("north", frozenset({ONE, TWO}), Money(50050), Money(300000), "Europe/Berlin"),
        Budget("all", None, None, Money(1000001), "Europe/Berlin"),
    )
    assert loaded.notices == ()


def test_without_regions_every_region_is_meant_and_days_begin_in_shanghai() -> None:
    loaded = right("{name: a, scope: group, perDay: 500}", "{name: b, scope: region, perDay: 500}")
    assert loaded.budgets[0] == Budget("a", frozenset({ONE, TWO, OTHER}), Money(50000), None, "Asia/Shanghai")
    assert [one.name for one in loaded.budgets[1:]] == ["b (cn-a-1)", "b (cn-a-2)", "b (cn-b-1)"]


def test_budgets_of_several_fleets_add_up_over_the_regions_of_all() -> None:
    more = builders.with_budgets(builders.fleet("more", "c2", "cn-c-1"), "{name: two, scope: group, perDay: 200}")
    loaded = right("{name: one, scope: group, regions: [cn-c-1], perDay: 200}", g=more)
    regions = {one.name: sorted(one.regions or ()) for one in loaded.budgets}
    assert regions == {"one": ["cn-c-1"], "two": ["cn-a-1", "cn-a-2", "cn-b-1", "cn-c-1"]}


AMOUNT = "must be an amount in the account's currency with at most 2 decimal places, e.g. 1200 or 1200.50"
AT = "policies/f.yaml:10: spec.budgets[0]"


@pytest.mark.parametrize(
    ("budget", "problem"),
    [
        ("{name: a, scope: group, perDay: 10.005}", f"{AT}.perDay: {AMOUNT} (is 10.005)"),
        ("{name: a, scope: group, perMonth: .nan}", f"{AT}.perMonth: {AMOUNT} (is nan)"),
        ("{name: a, scope: group, perDay: -1}", f"{AT}.perDay: must be from 0 to 1000000000000 (is -1)"),
        ("{name: a, scope: group}", f"{AT}: perDay or perMonth is required: without either, nothing is limited"),
        (
            "{name: a, scope: group, perDay: 20, perMonth: 10.5}",
            f"{AT}: perDay (20) must not exceed perMonth (10.5)",
        ),
        (
            "{name: a, scope: acount, perDay: 1}",
            f"{AT}.scope: must be 'region', 'group' or 'account' (is 'acount'); did you mean 'account'?",
        ),
        ("{name: a, perDay: 1}", f"{AT}.scope: is required"),
        (
            "{name: a, scope: account, regions: [cn-a-1], perDay: 1}",
            f"{AT}.regions: must not be there with scope account, which covers everything; use group",
        ),
        (
            "{name: a, scope: group, regions: [cn-a-12], perDay: 1}",
            f"{AT}.regions[0]: 'cn-a-12' matches no region of the fleet; did you mean 'cn-a-2'?",
        ),
    ],
)
def test_a_budget_that_can_not_be_kept_is_told(budget: str, problem: str) -> None:
    assert refused(budget) == [problem]


def test_budget_names_are_unique_over_all_fleets() -> None:
    more = builders.with_budgets(builders.fleet("more", "c2", "cn-c-1"), "{name: one, scope: group, perDay: 200}")
    assert refused("{name: one, scope: account, perDay: 200}", g=more) == [
        ("policies/g.yaml:10: spec.budgets[0].name: another budget is called 'one' already (policies/f.yaml:10)")
    ]


def test_an_unknown_time_zone_is_told_with_the_likely_one() -> None:
    assert refused("{name: a, scope: account, perDay: 200}", zone="Asia/Shanghia") == [
        (
            "policies/f.yaml:9: spec.timeZone: is no time zone of the IANA database, e.g. Asia/Shanghai "
            "(is 'Asia/Shanghia'); did you mean 'Asia/Shanghai'?"
        )
    ]


@pytest.mark.parametrize("zone", ["Asia", "../etc/passwd", "/etc/passwd", "''", "CST8"])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    assert any("spec.timeZone: is no time zone" in one for one in refused(zone=zone))


def test_a_machine_without_time_zones_is_told_only_when_there_are_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoDatabase:
        def __init__(self, name: str) -> None:
            raise KeyError(name)

    monkeypatch.setattr("autoscaler.settings.zones.ZoneInfo", NoDatabase)
    monkeypatch.setattr("autoscaler.settings.zones.available_timezones", set)
    (problem,) = refused("{name: a, scope: account, perDay: 200}")
    assert problem.endswith("there is no time zone database on this machine; install the package tzdata")
    load(builders.write(Path(), f=FLEET))


def test_all_fleets_with_budgets_have_one_time_zone() -> None:
    more = builders.with_budgets(builders.fleet("more", "c2", "cn-c-1"), "{name: two, scope: group, perDay: 200}")
    budget = "{name: one, scope: account, perDay: 200}"
    (problem,) = refused(budget, zone="Europe/Berlin", g=more)
    assert problem == (
        "policies/g.yaml:4: spec.timeZone: 'Asia/Shanghai' differs from 'Europe/Berlin' of Fleet 'fleet' "
        "(policies/f.yaml:9); all budgets have their days in one time zone"
    )
    assert len(right(budget, zone="Asia/Shanghai", g=more).budgets) == 2
    quiet = builders.fleet("more", "c2", "cn-c-1")
    assert len(right(budget, zone="Europe/Berlin", g=quiet).budgets) == 1


UNDER = "is required: region 'cn-a-1' is under budget 'a' (policies/f.yaml:10)"
BUDGET = '{name: a, scope: region, regions: ["cn-a-*"], perDay: 200}'


def test_a_region_under_a_budget_needs_a_price() -> None:
    assert refused(BUDGET, t=builders.template("standard")) == [
        f"policies/t.yaml:4: spec.price_per_month: {UNDER}; or set executor.price_from to api"
    ]


def test_every_alternative_under_a_budget_needs_a_price() -> None:
    """The alternative that has none would be bought without the budget's knowledge."""
    alternatives = (
        "alternatives: [ens.a, {worker_instance_type: ens.b}, {worker_instance_type: ens.c, price_per_month: 1}]"
    )
    assert refused(BUDGET, t=builders.with_spec(PRICED, alternatives)) == [
        (
            f"policies/t.yaml:5: spec.alternatives[0].price_per_month: {UNDER}; "
            "write {worker_instance_type: ens.a, price_per_month: ...}"
        ),
        (f"policies/t.yaml:5: spec.alternatives[1].price_per_month: {UNDER}; or set executor.price_from to api"),
    ]


def test_alternatives_need_a_price_only_where_they_can_be_bought() -> None:
    """A node pool buys its own type, whatever the template lists."""
    text = builders.with_spec(PRICED, "alternatives: [ens.a]")
    pool = "{id: cn-a-1, operation: ScaleClusterNodePool, nodePool: np1}"
    pooled = builders.with_budgets(builders.fleet("fleet", "c1", pool), "{name: a, scope: account, perDay: 200}")
    assert right(t=text, f=pooled).offers[ONE][0].price == Money(10000)
    mixed = builders.with_budgets(
        builders.fleet("fleet", "c1", f"{pool}, cn-a-2"), "{name: a, scope: account, perDay: 200}"
    )
    (problem,) = refused(t=text, f=mixed)
    assert problem.startswith(
        "policies/t.yaml:5: spec.alternatives[0].price_per_month: is required: region 'cn-a-2' is under budget 'a'"
    )


def test_the_account_budget_asks_for_the_price_of_every_template_that_is_used() -> None:
    text = FLEET.replace("cn-b-1", "{id: cn-b-1, template: large}")
    fleet = builders.with_budgets(text, "{name: a, scope: account, perDay: 200}")
    (problem,) = refused(f=fleet, u=builders.template("large"), v=builders.template("idle"))
    assert problem.startswith("policies/u.yaml:4: spec.price_per_month: is required: region 'cn-b-1' is under")


def test_no_price_is_needed_outside_budgets_or_when_the_api_tells_it() -> None:
    elsewhere = builders.with_spec(builders.template("standard"), "alternatives: [ens.a]")
    right(
        '{name: a, scope: region, regions: ["cn-c-*"], perDay: 200}',
        g=builders.fleet("more", "c2", "cn-c-1").replace("standard", "large"),
        u=builders.with_spec(builders.template("large"), "price_per_month: 1"),
        t=elsewhere,
    )
    asked = builders.MAIN + "executor: {price_from: api}\n"
    assert right(BUDGET, main=asked, t=elsewhere).notices == ()


def test_a_misspelt_price_is_one_mistake() -> None:
    text = PRICED.replace("price_per_month", "price_per_mont")
    assert refused(BUDGET, t=text) == [
        "policies/t.yaml:5: spec.price_per_mont: unknown key 'price_per_mont'; did you mean 'price_per_month'?"
    ]


def test_a_budget_that_does_not_pay_a_single_node_is_a_notice() -> None:
    dear = PRICED.replace("spec:", "spec:\n  worker_period: 3")
    assert right(BUDGET, t=dear).notices == (
        (
            "policies/f.yaml:10: budget 'a' of 200 does not pay one node in cn-a-1, cn-a-2: NodeTemplate 'standard' "
            "costs 300 for its whole period; raise the budget, or name a cheaper type"
        ),
    )


ALTERNATIVES = (
    "alternatives: [{worker_instance_type: ens.a, price_per_month: 200}, "
    "{worker_instance_type: ens.b, price_per_month: 200.50}]"
)


def test_an_alternative_that_a_budget_does_not_pay_is_a_notice() -> None:
    assert right(BUDGET, t=builders.with_spec(PRICED, ALTERNATIVES)).notices == (
        (
            "policies/f.yaml:10: budget 'a' of 200 does not pay one node in cn-a-1, cn-a-2: alternative 'ens.b' of "
            "NodeTemplate 'standard' costs 200.50 for its whole period; raise the budget, or name a cheaper type"
        ),
    )


def test_all_types_that_a_budget_does_not_pay_are_one_notice() -> None:
    dear = builders.with_spec(PRICED, ALTERNATIVES, "worker_period: 3")
    (notice,) = right(BUDGET, t=dear).notices
    assert (
        "in cn-a-1, cn-a-2: NodeTemplate 'standard' costs 300, alternative 'ens.a' of NodeTemplate 'standard' costs "
        "600, alternative 'ens.b' of NodeTemplate 'standard' costs 601.50 for its whole period"
    ) in notice


def test_an_alternative_that_a_pool_never_buys_is_not_held_against_a_budget() -> None:
    pools = builders.pooled("{id: cn-a-1, nodePool: np1}, {id: cn-a-2, nodePool: np2}, {id: cn-b-1, nodePool: np3}")
    text = builders.with_spec(PRICED, ALTERNATIVES)
    loaded = right(f=builders.with_budgets(pools, BUDGET), t=text)
    assert not [notice for notice in loaded.notices if "does not pay" in notice]
