"""What the documents say about each other, read from raw values so that a broken document still takes part.

Raw documents come in; names, references and where they stand go out. Nothing here complains about a wrong type: that
is the models' work.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic import BaseModel
from pydantic.alias_generators import to_snake

from autoscaler.policy.signals.spec import DEFAULT_WINDOW
from autoscaler.settings.documents import Written
from autoscaler.settings.fleet import DEFAULT_OPERATION
from autoscaler.settings.problems import Problem, YamlPath, nearest
from autoscaler.settings.schema import keys


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that points at something else, and where it is written."""

    name: str
    owner: Written
    path: YamlPath

    @property
    def place(self) -> str:
        """`file:line`."""
        return place(self.owner, self.path)

    def problem(self, reason: str, *, hint: str = "") -> Problem:
        """A problem at this place."""
        return self.owner.document.problem(self.path, reason, hint=hint)


@dataclass(frozen=True, slots=True)
class Site:
    """A region of the fleet: its cluster, how it is bought, by which pool, and the template that applies, if any.

    `operation` is "" when it is no text, and may be no operation's name; `pool` is None when none is written.
    """

    region: Reference
    cluster: str
    operation: str
    pool: Reference | None
    template: Reference | None


@dataclass(frozen=True, slots=True)
class Window:
    """How many seconds a signal looks back at the counters of a scrape job's targets, and where that is written."""

    job: Reference
    seconds: float
    written: Reference


@dataclass(frozen=True, slots=True)
class BudgetOutline:
    """A budget: `regions` are its globs, None for every region."""

    name: Reference
    scope: object
    regions: tuple[Reference, ...] | None

    def covers(self, region: str) -> bool:
        """Whether an order of the region is paid from it."""
        everything = self.scope == "account" or self.regions is None
        return everything or any(fnmatchcase(region, glob.name) for glob in self.regions or ())


def place(owner: Written, path: YamlPath) -> str:
    """`file:line` of a path in a document."""
    return f"{owner.document.file}:{owner.document.line(path)}"


def gives(value: object, key: str, model: type[BaseModel]) -> bool:
    """Whether a mapping has the key. One that is misspelt counts: its spelling is the mistake, told elsewhere."""
    if not isinstance(value, dict):
        return False
    known = keys(model)
    return any(
        written == key or (written not in known and nearest(written, known) == key)
        for written, given in value.items()
        if given is not None
    )


def dig(value: object, *path: str) -> object:
    """What stands under a path of keys, written as in Kubernetes or with underscores; None when nothing does."""
    for key in path:
        value = value.get(key, value.get(to_snake(key))) if isinstance(value, dict) else None
    return value


def _items(value: object) -> Iterator[tuple[int, object]]:
    yield from enumerate(value if isinstance(value, list) else [])


def _reference(owner: Written, value: object, path: YamlPath) -> Reference | None:
    return Reference(value, owner, path) if isinstance(value, str) else None


def globs(policy: Written) -> list[Reference]:
    """The region globs of a ScalingPolicy."""
    found = (
        _reference(policy, glob, ("spec", "regions", index))
        for index, glob in _items(dig(policy.document.value, "spec", "regions"))
    )
    return [one for one in found if one is not None]


def sources(policy: Written, origin: str, key: str) -> list[Reference]:
    """The sources that signals name: (`scrape`, `job`), (`promql`, `server`) or (`alert`, `receiver`)."""
    found = (
        _reference(policy, dig(signal, origin, key), ("spec", "signals", index, origin, key))
        for index, signal in _items(dig(policy.document.value, "spec", "signals"))
    )
    return [one for one in found if one is not None]


def windows(policy: Written) -> Iterator[Window]:
    """How far back the signals of a ScalingPolicy look at counters, where they do."""
    for index, signal in _items(dig(policy.document.value, "spec", "signals")):
        path: YamlPath = ("spec", "signals", index, "scrape")
        job = _reference(policy, dig(signal, "scrape", "job"), (*path, "job"))
        written = dig(signal, "scrape", "windowSeconds")
        seconds = DEFAULT_WINDOW if written is None else written
        if job is None or dig(signal, "scrape", "function") not in ("rate", "increase"):
            continue
        if isinstance(seconds, int | float) and not isinstance(seconds, bool):
            place = path if written is None else (*path, "windowSeconds")
            yield Window(job, float(seconds), Reference(job.name, policy, place))


def spillovers(policy: Written) -> list[Reference]:
    """The regions that a ScalingPolicy spills over to."""
    found = (
        _reference(policy, region, ("spec", "spillover", "regions", index))
        for index, region in _items(dig(policy.document.value, "spec", "spillover", "regions"))
    )
    return [one for one in found if one is not None]


def budgets(fleet: Written) -> Iterator[BudgetOutline]:
    """The budgets of a Fleet, as far as they have a name."""
    for number, budget in _items(dig(fleet.document.value, "spec", "budgets")):
        path: YamlPath = ("spec", "budgets", number)
        name = _reference(fleet, dig(budget, "name"), (*path, "name"))
        if name is not None:
            written = dig(budget, "regions")
            globs = (_reference(fleet, glob, (*path, "regions", index)) for index, glob in _items(written))
            regions = None if written is None else tuple(glob for glob in globs if glob is not None)
            yield BudgetOutline(name, dig(budget, "scope"), regions)


def sites(fleet: Written) -> Iterator[Site]:
    """The regions of a Fleet, each with what applies to it."""
    for number, cluster in _items(dig(fleet.document.value, "spec", "clusters")):
        base: YamlPath = ("spec", "clusters", number)
        default = _reference(fleet, dig(cluster, "template"), (*base, "template"))
        identity = str(dig(cluster, "clusterId"))
        operation = dig(cluster, "operation") or DEFAULT_OPERATION
        for index, region in _items(dig(cluster, "regions")):
            path = (*base, "regions", index)
            own = _reference(fleet, dig(region, "template"), (*path, "template"))
            name = _reference(fleet, region if isinstance(region, str) else dig(region, "id"), path)
            bought_by = dig(region, "operation") or operation
            pool = _reference(fleet, dig(region, "nodePool"), (*path, "nodePool"))
            if name is not None:
                yield Site(name, identity, bought_by if isinstance(bought_by, str) else "", pool, own or default)


def templates_named(fleet: Written) -> list[Reference]:
    """Every template that a Fleet names, each place once."""
    named = {site.template.path: site.template for site in sites(fleet) if site.template is not None}
    for number, cluster in _items(dig(fleet.document.value, "spec", "clusters")):
        path: YamlPath = ("spec", "clusters", number, "template")
        default = _reference(fleet, dig(cluster, "template"), path)
        if default is not None:
            named.setdefault(path, default)
    return [named[path] for path in sorted(named, key=str)]
