"""Whether each region of the fleet can be bought the way the operator says: operation, node pool, template.

A read policy directory comes in, problems and notices go out. It judges raw values, so that a broken document still
takes part.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from autoscaler.model.operation import ScaleOutCluster
from autoscaler.settings.documents import Directory, Written
from autoscaler.settings.offers import POOL_OPERATIONS
from autoscaler.settings.outline import Site, dig, gives, place
from autoscaler.settings.problems import Problem
from autoscaler.settings.template import PASSWORD_FIELDS, NodeSpec

_SCALE_OUT = ScaleOutCluster.__name__
_ENS_CLUSTER = "eck-"


def purchase_problems(directory: Directory, fleet: Sequence[Site]) -> Iterator[Problem]:
    """Pools that are missing, superfluous or shared, and templates that lack what their operation sends."""
    yield from _pools(fleet)
    yield from _pools_twice(fleet)
    for template in directory.of("NodeTemplate"):
        sender = next((site for site in used_by(template, fleet) if site.operation == _SCALE_OUT), None)
        if sender is not None:
            yield from _not_sent(template, sender)


def purchase_notices(directory: Directory, fleet: Sequence[Site]) -> Iterator[str]:
    """Alternatives that a pool can not buy, and cluster ids that look like another product's."""
    for template in directory.of("NodeTemplate"):
        pooled = [site for site in used_by(template, fleet) if site.operation in POOL_OPERATIONS]
        if pooled and dig(template.document.value, "spec", "alternatives"):
            more = f" and {len(pooled) - 1} more" if len(pooled) > 1 else ""
            yield (
                f"{place(template, ('spec', 'alternatives'))}: alternatives of NodeTemplate {template.name!r} have no "
                f"effect in {pooled[0].region.name}{more}: {pooled[0].operation} buys what its node pool says"
            )
    yield from _cluster_ids(fleet)


def used_by(template: Written, fleet: Sequence[Site]) -> list[Site]:
    """The regions whose nodes are made from a template."""
    return [site for site in fleet if site.template is not None and site.template.name == template.name]


def _pools(fleet: Sequence[Site]) -> Iterator[Problem]:
    for site in fleet:
        path = (*site.region.path, "nodePool")
        if site.operation in POOL_OPERATIONS and site.pool is None:
            reason = f"is required: region {site.region.name!r} is bought by {site.operation}"
            hint = "write {id: " + site.region.name + ", nodePool: np...} with the id of the pool"
            yield site.region.owner.document.problem(path, reason, hint=hint)
        elif site.operation == _SCALE_OUT and site.pool is not None:
            hint = f"leave it out, or set operation to one of {', '.join(POOL_OPERATIONS)}"
            yield site.pool.problem(f"{_SCALE_OUT} knows no node pool", hint=hint)


def _pools_twice(fleet: Sequence[Site]) -> Iterator[Problem]:
    """The size of a pool can not tell whose nodes were bought when it has nodes of two regions."""
    first: dict[str, Site] = {}
    for site in fleet:
        if site.pool is None:
            continue
        other = first.setdefault(site.pool.name, site)
        if other.pool is not None and other is not site:
            yield site.pool.problem(
                f"node pool {site.pool.name!r} serves region {other.region.name!r} already ({other.pool.place})",
                hint="a pool serves one region only",
            )


def _not_sent(template: Written, sender: Site) -> Iterator[Problem]:
    """What ScaleOutCluster requires; a template that only pool operations use may lack it."""
    spec = dig(template.document.value, "spec")
    if not isinstance(spec, dict):
        return
    because = f"region {sender.region.name!r} is bought by {_SCALE_OUT} ({sender.region.place})"
    if not gives(spec, "worker_image_id", NodeSpec):
        yield template.document.problem(("spec", "worker_image_id"), f"is required: {because}")
    if not any(gives(spec, name, NodeSpec) for name in PASSWORD_FIELDS):
        reason = f"exactly one of {', '.join(PASSWORD_FIELDS)} must be there; there is none: {because}"
        yield template.document.problem(("spec",), reason)


def _cluster_ids(fleet: Sequence[Site]) -> Iterator[str]:
    for (cluster, operation), regions in groupby(fleet, key=lambda site: (site.cluster, site.operation)):
        ens = operation == "EnsScaleClusterNodePool"
        if ens == cluster.startswith(_ENS_CLUSTER):
            continue
        wanted = f"of ENS, which are called {_ENS_CLUSTER}..." if ens else "of CS, which are called c..."
        yield f"{next(regions).region.place}: {operation} is for clusters {wanted}; this one is called {cluster!r}"
