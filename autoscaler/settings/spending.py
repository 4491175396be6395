"""What the fleet's budgets cover, and whether what is bought under them has a price.

A read policy directory comes in; problems, notices and, once all is right, the budgets of the policy go out. It judges
raw values, so that a broken document still takes part.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase

from autoscaler.model.names import Money, RegionId
from autoscaler.model.operation import ScaleOutCluster
from autoscaler.policy.budget import Budget
from autoscaler.settings.amounts import hundredths, told
from autoscaler.settings.documents import Directory, Written
from autoscaler.settings.fleet import DEFAULT_ZONE, BudgetSpec, Fleet
from autoscaler.settings.outline import BudgetOutline, Site, budgets, dig, gives, place
from autoscaler.settings.problems import Problem, YamlPath, several, suggestion
from autoscaler.settings.purchasing import used_by
from autoscaler.settings.template import Alternative, NodeSpec, NodeTemplate
from autoscaler.settings.zones import is_zone

_MOST_SHOWN = 20


def spending_problems(directory: Directory, fleet: Sequence[Site], *, priced_by_api: bool) -> Iterator[Problem]:
    """Budgets that cover nothing, share a name or begin at different times, and nodes under them without a price."""
    every = [budget for one in directory.of("Fleet") for budget in budgets(one)]
    yield from _same_names(every)
    yield from _globs(every, fleet)
    yield from _zones(directory.of("Fleet"))
    if not priced_by_api:
        for template in directory.of("NodeTemplate"):
            yield from _prices(template, fleet, every)


def spending_notices(directory: Directory, fleet: Sequence[Site]) -> Iterator[str]:
    """Budgets that do not pay a single node of some type. To be asked only of a directory without problems."""
    priced = [(site.region.name, one) for site in fleet for one in _nodes(directory, site)]
    for owner in directory.of("Fleet"):
        specs = owner.model.spec.budgets if isinstance(owner.model, Fleet) else ()
        for budget, spec in zip(budgets(owner), specs, strict=True):
            most = min(amount for amount in (spec.per_day, spec.per_month) if amount is not None)
            poor = [(region, node) for region, node in priced if budget.covers(region) and node.cost > most]
            if poor:
                regions = list(dict.fromkeys(region for region, _ in poor))
                costs = [f"{node.called} costs {told(node.cost)}" for node in dict.fromkeys(node for _, node in poor)]
                yield (
                    f"{budget.name.place}: budget {spec.name!r} of {told(most)} does not pay one node in "
                    f"{several(regions)}: {several(costs)} for its whole period; raise the budget, or name a cheaper "
                    "type"
                )


@dataclass(frozen=True, slots=True)
class _Node:
    """A type of node that an order may buy, and what one costs for its whole period."""

    called: str
    cost: Decimal


def _nodes(directory: Directory, site: Site) -> Iterator[_Node]:
    """The template's own type; by ScaleOutCluster its alternatives, too."""
    named = None if site.template is None else site.template.name
    for template in [one.model for one in directory.of("NodeTemplate") if one.name == named]:
        if not isinstance(template, NodeTemplate):
            continue
        spec = template.spec
        called = f"NodeTemplate {template.name!r}"
        if spec.price_per_month is not None:
            yield _Node(called, spec.price_per_month * spec.worker_period)
        for one in spec.alternatives if site.operation == ScaleOutCluster.__name__ else ():
            if one.price_per_month is not None:
                alternative = f"alternative {one.worker_instance_type!r} of {called}"
                yield _Node(alternative, one.price_per_month * spec.worker_period)


def join_budgets(fleets: Sequence[Fleet], regions: Sequence[RegionId]) -> tuple[Budget, ...]:
    """The budgets of all Fleet documents over the regions of all of them; scope region gives one for each region."""
    return tuple(
        budget
        for fleet in fleets
        for spec in fleet.spec.budgets
        for budget in _join(spec, fleet.spec.time_zone, regions)
    )


def _join(spec: BudgetSpec, zone: str, regions: Sequence[RegionId]) -> Iterator[Budget]:
    day, month = _money(spec.per_day), _money(spec.per_month)
    globs = ("*",) if spec.regions is None else spec.regions
    covered = [region for region in regions if any(fnmatchcase(region, glob) for glob in globs)]
    if spec.scope == "account":
        yield Budget(spec.name, None, day, month, zone)
    elif spec.scope == "group":
        yield Budget(spec.name, frozenset(covered), day, month, zone)
    else:
        for region in covered:
            yield Budget(f"{spec.name} ({region})", frozenset({region}), day, month, zone)


def _money(amount: Decimal | None) -> Money | None:
    return None if amount is None else hundredths(amount)


def _same_names(every: Sequence[BudgetOutline]) -> Iterator[Problem]:
    first: dict[str, BudgetOutline] = {}
    for budget in every:
        other = first.setdefault(budget.name.name, budget)
        if other is not budget:
            yield budget.name.problem(f"another budget is called {budget.name.name!r} already ({other.name.place})")


def _globs(every: Sequence[BudgetOutline], fleet: Sequence[Site]) -> Iterator[Problem]:
    regions = list(dict.fromkeys(site.region.name for site in fleet))
    for budget in every:
        for glob in budget.regions or ():
            if regions and not any(fnmatchcase(region, glob.name) for region in regions):
                hint = suggestion(glob.name, regions[:_MOST_SHOWN], "regions are")
                yield glob.problem(f"{glob.name!r} matches no region of the fleet", hint=hint)


def _zones(fleets: Sequence[Written]) -> Iterator[Problem]:
    """A document without budgets and without a zone of its own says nothing about zones; a wrong zone is told there."""
    path: YamlPath = ("spec", "timeZone")
    first: tuple[str, Written] | None = None
    for fleet in fleets:
        zone = dig(fleet.document.value, *map(str, path))
        if zone is None and not dig(fleet.document.value, "spec", "budgets"):
            continue
        zone = zone or DEFAULT_ZONE
        if not isinstance(zone, str) or not is_zone(zone):
            continue
        first = first or (zone, fleet)
        if zone != first[0]:
            reason = f"{zone!r} differs from {first[0]!r} of Fleet {first[1].name!r} ({place(first[1], path)})"
            yield fleet.document.problem(path, reason, hint="all budgets have their days in one time zone")


def _prices(template: Written, fleet: Sequence[Site], every: Sequence[BudgetOutline]) -> Iterator[Problem]:
    spec = dig(template.document.value, "spec")
    if not isinstance(spec, dict):
        return
    under = [(site, budget) for site in used_by(template, fleet) for budget in every if budget.covers(site.region.name)]
    if under and not gives(spec, "price_per_month", NodeSpec):
        yield _no_price(template, ("spec", "price_per_month"), under[0], "or set executor.price_from to api")
    sent = [one for one in under if one[0].operation == ScaleOutCluster.__name__]
    alternatives = spec.get("alternatives")
    for index, one in enumerate(alternatives if sent and isinstance(alternatives, list) else []):
        path = ("spec", "alternatives", index, "price_per_month")
        if isinstance(one, str):
            hint = "write {worker_instance_type: " + one + ", price_per_month: ...}"
            yield _no_price(template, path, sent[0], hint)
        elif isinstance(one, dict) and not gives(one, "price_per_month", Alternative):
            yield _no_price(template, path, sent[0], "or set executor.price_from to api")


def _no_price(template: Written, path: YamlPath, under: tuple[Site, BudgetOutline], hint: str) -> Problem:
    site, budget = under
    reason = f"is required: region {site.region.name!r} is under budget {budget.name.name!r} ({budget.name.place})"
    return template.document.problem(path, reason, hint=hint)
