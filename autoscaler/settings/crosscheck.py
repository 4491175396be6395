"""Whether the documents fit each other and autoscaler.yaml.

A read policy directory and some values of autoscaler.yaml come in, problems and notices go out. It judges what is
between documents only; each document by itself has been judged before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from autoscaler.settings.documents import KINDS, Directory, Written
from autoscaler.settings.limits import limit_notices, limit_problems, timeout_notices
from autoscaler.settings.outline import Reference, Site, globs, sites, sources, spillovers, templates_named, windows
from autoscaler.settings.problems import Problem, several, suggestion
from autoscaler.settings.purchasing import purchase_notices, purchase_problems
from autoscaler.settings.shape import Settings
from autoscaler.settings.spending import spending_notices, spending_problems
from autoscaler.settings.template import NodeTemplate

_MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class MainValues:
    """What autoscaler.yaml has: names of scrape jobs, Prometheus servers and alert receivers, and who tells the prices.

    `intervals` are the seconds between two scrapes of a job, as far as they are known.
    """

    jobs: Sequence[str] = ()
    servers: Sequence[str] = ()
    priced_by_api: bool = False
    receivers: Sequence[str] = ()
    intervals: Mapping[str, float] = field(default_factory=dict)


def cross_check(directory: Directory, main: MainValues | None) -> list[Problem]:
    """Every reference that leads nowhere, everything that is there twice, and what can not be bought as written.

    Without `main` neither the sources of signals nor the prices are judged.
    """
    fleet = [site for one in directory.of("Fleet") for site in sites(one)]
    problems = [
        *_same_names(directory),
        *_templates(directory, fleet),
        *_regions_twice(fleet),
        *_globs(directory, fleet),
        *_spillovers(directory, fleet),
        *limit_problems(directory),
        *purchase_problems(directory, fleet),
        *spending_problems(directory, fleet, priced_by_api=main is None or main.priced_by_api),
        *([] if main is None else _sources(directory, main)),
    ]
    problems += [
        Problem(str(directory.folder), None, "", f"no document of kind {kind} in the policy directory")
        for kind in KINDS
        if directory.contents and not directory.lost and not directory.of(kind)
    ]
    return problems


def notices(directory: Directory, settings: Settings) -> tuple[str, ...]:
    """What is allowed and may still be a surprise, in a directory without problems."""
    every = [glob.name for policy in directory.of("ScalingPolicy") for glob in globs(policy)]
    fleet = [site for one in directory.of("Fleet") for site in sites(one)]
    used = {site.template.name for site in fleet if site.template is not None}
    alone = [
        f"{site.region.place}: region {site.region.name!r} has no policy: nothing is ever bought there"
        for site in fleet
        if not any(fnmatchcase(site.region.name, glob) for glob in every)
    ]
    idle = [
        f"{one.document.file}:{one.document.line(())}: NodeTemplate {one.name!r} is used by no region"
        for one in directory.of("NodeTemplate")
        if one.name not in used
    ]
    return (
        *alone,
        *idle,
        *purchase_notices(directory, fleet),
        *(() if settings.executor.price_from == "api" else spending_notices(directory, fleet)),
        *limit_notices(directory, fleet, fleet_percent=settings.brakes.max_unready_percent),
        *timeout_notices(directory, fleet, node_deadline=settings.executor.node_deadline),
        *_published_passwords(directory),
    )


def _published_passwords(directory: Directory) -> Iterator[str]:
    """The sample's password stands in a public repository: a node that has it is everybody's."""
    for one in directory.of("NodeTemplate"):
        model = one.model
        if not isinstance(model, NodeTemplate) or not model.has_password:
            continue
        if model.password().get_secret_value().startswith("SAMPLE-"):
            place = f"{one.document.file}:{one.document.line(('spec',))}"
            yield f"{place}: NodeTemplate {one.name!r} has the sample's password; set your own before buying"


def _same_names(directory: Directory) -> Iterator[Problem]:
    for kind in KINDS:
        first: dict[str, Written] = {}
        for one in directory.of(kind):
            if one.name is None:
                continue
            if one.name in first:
                other = first[one.name].document
                place = f"{other.file}:{other.line(('metadata', 'name'))}"
                reason = f"another {kind} is called {one.name!r} already ({place})"
                yield one.document.problem(("metadata", "name"), reason)
            first.setdefault(one.name, one)


def _templates(directory: Directory, fleet: Sequence[Site]) -> Iterator[Problem]:
    known = sorted({one.name for one in directory.of("NodeTemplate") if one.name is not None})
    for owner in directory.of("Fleet"):
        for named in templates_named(owner):
            if named.name not in known:
                hint = suggestion(named.name, known, "templates are") if known else ""
                yield named.problem(f"there is no NodeTemplate {named.name!r}", hint=hint)
    for site in fleet:
        if site.template is None:
            yield site.region.problem(f"region {site.region.name!r} has no template, and its cluster names none")


def _regions_twice(fleet: Sequence[Site]) -> Iterator[Problem]:
    first: dict[str, Site] = {}
    for site in fleet:
        other = first.setdefault(site.region.name, site)
        if other is not site:
            reason = f"region {site.region.name!r} is in cluster {other.cluster} already ({other.region.place})"
            yield site.region.problem(reason)


def _globs(directory: Directory, fleet: Sequence[Site]) -> Iterator[Problem]:
    """A glob that matches nothing, and regions that two policies claim."""
    regions = list(dict.fromkeys(site.region.name for site in fleet))
    served: dict[str, Reference] = {}
    for policy in directory.of("ScalingPolicy"):
        claimed: dict[str, Reference] = {}
        for glob in globs(policy):
            matching = [region for region in regions if fnmatchcase(region, glob.name)]
            if not matching and regions:
                hint = suggestion(glob.name, regions[:_MOST_SHOWN], "regions are")
                yield glob.problem(f"{glob.name!r} matches no region of the fleet", hint=hint)
            claimed.update({region: glob for region in matching if region not in claimed})
        yield from _claimed_twice(served, claimed)
        served.update({region: glob for region, glob in claimed.items() if region not in served})


def _claimed_twice(served: Mapping[str, Reference], claimed: Mapping[str, Reference]) -> Iterator[Problem]:
    pairs: dict[tuple[Reference, Reference], list[str]] = {}
    for region, glob in claimed.items():
        if region in served:
            pairs.setdefault((glob, served[region]), []).append(region)
    for (glob, other), regions in pairs.items():
        yield glob.problem(
            f"policies {other.owner.name!r} and {glob.owner.name!r} both serve {several(regions)}",
            hint=f"the other one is at {other.place}",
        )


def _spillovers(directory: Directory, fleet: Sequence[Site]) -> Iterator[Problem]:
    """Regions that can not take another one's shortfall: unknown, without a policy, or the only one that has it."""
    regions = list(dict.fromkeys(site.region.name for site in fleet))
    policies = directory.of("ScalingPolicy")
    every = [glob.name for policy in policies for glob in globs(policy)]
    for policy in policies:
        own = [glob.name for glob in globs(policy)]
        served = {region for region in regions if any(fnmatchcase(region, glob) for glob in own)}
        for sibling in spillovers(policy):
            name = sibling.name
            if name not in regions:
                hint = suggestion(name, regions[:_MOST_SHOWN], "regions are")
                yield sibling.problem(f"there is no region {name!r} in the fleet", hint=hint)
            elif not any(fnmatchcase(name, glob) for glob in every):
                yield sibling.problem(f"region {name!r} has no policy, and buys nothing for another one")
            # Where the policy names just this id, the document by itself is refused already.
            elif served == {name} and own != [name]:
                yield sibling.problem(f"region {name!r} can not spill over to itself")


def _sources(directory: Directory, main: MainValues) -> Iterator[Problem]:
    """Signals of sources that are not there, and windows of counters that are too short for their job's pace."""
    known = (
        ("scrape", "job", main.jobs, "scrape job", "jobs are"),
        ("promql", "server", main.servers, "Prometheus server", "servers are"),
        ("alert", "receiver", main.receivers, "alert receiver", "receivers are"),
    )
    for policy in directory.of("ScalingPolicy"):
        for origin, key, names, kind, there in known:
            for named in sources(policy, origin, key):
                if named.name not in names:
                    hint = suggestion(named.name, names, there) if names else ""
                    yield named.problem(f"there is no {kind} {named.name!r} in autoscaler.yaml", hint=hint)
        yield from _windows(policy, main.intervals)


def _windows(policy: Written, intervals: Mapping[str, float]) -> Iterator[Problem]:
    for window in windows(policy):
        interval = intervals.get(window.job.name, 0.0)
        if window.seconds < 2 * interval:
            reason = f"a window of {window.seconds:g} s does not surely hold two scrapes"
            hint = f"job {window.job.name!r} is scraped every {interval:g} s, write at least {2 * interval:g}"
            yield window.written.problem(reason, hint=hint)
