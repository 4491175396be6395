"""From groups of targets to targets: what each is called and which URL it is scraped at. Pure.

The meaning of labels is Prometheus' (its documentation, "Configuration", `<relabel_config>` and `<file_sd_config>`;
observed on 2.42): `__scheme__`, `__metrics_path__` and `__param_*` override the job's settings, `__address__` as a
label of a group does not override the address of its targets, and other `__` labels are dropped.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from autoscaler.model.names import RegionId
from autoscaler.settings.sources import ScrapeConfig, StaticConfig

_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s/:@?#\[\]%\\]+)(?P<port>:[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE_IN_PATH = "/$&+,:;=@"
"""What Go's net/url leaves alone in a path beside letters, digits and `-_.~`."""


@dataclass(frozen=True, slots=True)
class Target:
    """One page of metrics. `url` is its id; `labels` are those that all of its series carry, job and instance too."""

    address: str
    scheme: str
    path: str
    labels: Mapping[str, str]
    region: RegionId
    url: str


@dataclass(frozen=True, slots=True)
class Targets:
    """What groups of targets come to; `problems` says what was left out and why."""

    targets: tuple[Target, ...] = ()
    problems: tuple[str, ...] = ()


class _Unusable(Exception):
    """This target can not be scraped; carries the reason, the same for all targets with that fault."""


def build_targets(groups: Iterable[StaticConfig], config: ScrapeConfig, region_label: str) -> Targets:
    """Every target of the groups once, in their order. One listed in two regions belongs to none of them."""
    found: dict[str, Target] = {}
    left_out: dict[str, list[str]] = defaultdict(list)
    regions: dict[str, set[RegionId]] = defaultdict(set)
    for group in groups:
        for address in group.targets:
            try:
                target = _build(address, group.labels, config, region_label)
            except _Unusable as why:
                left_out[str(why)].append(address)
                continue
            found.setdefault(target.url, target)
            regions[target.url].add(target.region)
    torn = [url for url, named in regions.items() if len(named) > 1]
    for url in torn:
        del found[url]
        left_out["are listed in several regions"].append(url)
    return Targets(tuple(found.values()), tuple(_problem(why, those) for why, those in left_out.items()))


def _problem(why: str, those: list[str]) -> str:
    more = f" and {len(those) - 3} more" if len(those) > 3 else ""
    return f"{len(those)} targets {why} and are not scraped: {', '.join(those[:3])}{more}"


def _build(address: str, labels: Mapping[str, str], config: ScrapeConfig, region_label: str) -> Target:
    region = labels.get(region_label)
    if not region:
        raise _Unusable(f"have no label {region_label}")
    scheme = labels.get("__scheme__") or config.scheme
    if scheme not in _DEFAULT_PORTS:
        raise _Unusable("have a __scheme__ other than http and https")
    address = _with_port(address, scheme)
    path = labels.get("__metrics_path__") or config.metrics_path
    kept = {name: value for name, value in labels.items() if value and not name.startswith("__")}
    kept = {"job": config.job_name, "instance": address, **kept}
    return Target(address, scheme, path, kept, RegionId(region), _url(scheme, address, path, labels))


def _with_port(address: str, scheme: str) -> str:
    match = _ADDRESS.fullmatch(address)
    if match is None or not 0 < int((match["port"] or ":1")[1:]) < 65536:
        raise _Unusable("have no address of the form host:port")
    return address if match["port"] else f"{address}:{_DEFAULT_PORTS[scheme]}"


def _url(scheme: str, address: str, path: str, labels: Mapping[str, str]) -> str:
    """As Prometheus writes it in `scrapeUrl`."""
    slash = "" if path.startswith("/") else "/"
    prefix = "__param_"
    query = urlencode(sorted((n.removeprefix(prefix), v) for n, v in labels.items() if n.startswith(prefix)))
    return f"{scheme}://{address}{slash}{quote(path, safe=_SAFE_IN_PATH)}{'?' if query else ''}{query}"
