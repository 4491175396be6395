"""What the documents say about each other, read from raw values so that a broken document still takes part.

Raw documents come in; names, references and where they stand go out. Nothing here complains about a wrong type: that
is the models' work.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from autoscaler.settings.documents import Written
from autoscaler.settings.problems import YamlPath


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that points at something else, and where it is written."""

    name: str
    owner: Written
    path: YamlPath

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.owner.document.file}:{self.owner.document.line(self.path)}"


@dataclass(frozen=True, slots=True)
class Site:
    """A region of the fleet: in which cluster it is, and the template that applies to it, if any."""

    region: Reference
    cluster: str
    template: Reference | None


def _dig(value: object, *path: str) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _items(value: object) -> Iterator[tuple[int, object]]:
    yield from enumerate(value if isinstance(value, list) else [])


def _reference(owner: Written, value: object, path: YamlPath) -> Reference | None:
    return Reference(value, owner, path) if isinstance(value, str) else None


def globs(policy: Written) -> list[Reference]:
    """The region globs of a ScalingPolicy."""
    found = (
        _reference(policy, glob, ("spec", "regions", index))
        for index, glob in _items(_dig(policy.document.value, "spec", "regions"))
    )
    return [one for one in found if one is not None]


def sources(policy: Written, origin: str, key: str) -> list[Reference]:
    """The sources that the signals of a ScalingPolicy name: (`scrape`, `job`) or (`promql`, `server`)."""
    found = (
        _reference(policy, _dig(signal, origin, key), ("spec", "signals", index, origin, key))
        for index, signal in _items(_dig(policy.document.value, "spec", "signals"))
    )
    return [one for one in found if one is not None]


def sites(fleet: Written) -> Iterator[Site]:
    """The regions of a Fleet, each with the template that applies to it."""
    for number, cluster in _items(_dig(fleet.document.value, "spec", "clusters")):
        base: YamlPath = ("spec", "clusters", number)
        default = _reference(fleet, _dig(cluster, "template"), (*base, "template"))
        identity = _dig(cluster, "clusterId")
        for index, region in _items(_dig(cluster, "regions")):
            path = (*base, "regions", index)
            own = _reference(fleet, _dig(region, "template"), (*path, "template"))
            name = _reference(fleet, region if isinstance(region, str) else _dig(region, "id"), path)
            if name is not None:
                yield Site(name, str(identity), own or default)


def templates_named(fleet: Written) -> list[Reference]:
    """Every template that a Fleet names, each place once."""
    named = {site.template.path: site.template for site in sites(fleet) if site.template is not None}
    for number, cluster in _items(_dig(fleet.document.value, "spec", "clusters")):
        path: YamlPath = ("spec", "clusters", number, "template")
        default = _reference(fleet, _dig(cluster, "template"), path)
        if default is not None:
            named.setdefault(path, default)
    return [named[path] for path in sorted(named, key=str)]
