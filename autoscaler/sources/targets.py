"""From groups of targets to targets: their labels, relabelled, and the URL that each is scraped at. Pure.

The meaning of labels is Prometheus' (its documentation, "Configuration", `<relabel_config>` and `<file_sd_config>`;
scrape/target.go), tested against 2.42. Where versions differ: a missing port is the scheme's and stands in `instance`,
as in 2.x; a target's own `__param_<name>` wins over `params`, as in 3.x.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from autoscaler.model.names import RegionId
from autoscaler.settings.base import duration, parse_duration
from autoscaler.settings.problems import several
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.settings.target_groups import StaticConfig
from autoscaler.sources.relabel import relabelled

_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s/:@?#\[\]%\\]+)(?P<port>:[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SAFE_IN_PATH = "/$&+,:;=@"
"""What Go's net/url leaves alone in a path beside letters, digits and `-_.~`."""
_PARAM = "__param_"


@dataclass(frozen=True, slots=True)
class Target:
    """One page of metrics. `labels` are those that all of its series carry; `timeout` is seconds for one scrape."""

    url: str
    address: str
    labels: Mapping[str, str]
    region: RegionId
    timeout: float

    @property
    def id(self) -> str:
        """What stays the same while its page is the same page, whatever its labels become: the URL."""
        return self.url


@dataclass(frozen=True, slots=True)
class Targets:
    """What groups of targets come to; `problems` says what was left out and why. Rules dropped `dropped` of them."""

    targets: tuple[Target, ...] = ()
    problems: tuple[str, ...] = ()
    dropped: int = 0


class _Unusable(Exception):
    """This target can not be scraped; carries the reason, the same for all targets with that fault."""


_Known = dict[tuple[str, tuple[tuple[str, str], ...]], Target | _Unusable | None]
"""What became of each address with its group's labels; None: dropped by a rule."""


class TargetBuilder:
    """Builds the targets of one job. What it built of an address and its labels it does not build again."""

    def __init__(self, config: ScrapeConfig, region_label: str) -> None:
        self._config = config
        self._region_label = region_label
        self._known: _Known = {}

    def build(self, groups: Iterable[StaticConfig]) -> Targets:
        """Every target of the groups once, in their order. One listed in two regions belongs to none of them."""
        former, self._known = self._known, {}
        found: dict[str, Target] = {}
        left_out: dict[str, list[str]] = defaultdict(list)
        torn: dict[str, None] = {}
        dropped = 0
        for address, labels in _listed(groups):
            built = self._kept(former, address, labels)
            if built is None:
                dropped += 1
            elif isinstance(built, _Unusable):
                left_out[str(built)].append(address)
            elif found.setdefault(built.url, built).region != built.region:
                torn[built.url] = None
        for url in torn:
            del found[url]
            left_out["are listed in several regions"].append(url)
        return Targets(tuple(found.values()), tuple(_problem(why, those) for why, those in left_out.items()), dropped)

    def _kept(self, former: _Known, address: str, labels: tuple[tuple[str, str], ...]) -> Target | _Unusable | None:
        key = address, labels
        if key not in self._known:
            self._known[key] = former[key] if key in former else self._build(address, dict(labels))
        return self._known[key]

    def _build(self, address: str, labels: Mapping[str, str]) -> Target | _Unusable | None:
        after = relabelled(discovered_labels(address, labels, self._config), self._config.relabel_configs)
        try:
            return None if after is None else _target(after, self._config, self._region_label)
        except _Unusable as why:
            return why


def build_targets(groups: Iterable[StaticConfig], config: ScrapeConfig, region_label: str) -> Targets:
    """The targets of these groups, built once."""
    return TargetBuilder(config, region_label).build(groups)


def discovered_labels(address: str, labels: Mapping[str, str], config: ScrapeConfig) -> dict[str, str]:
    """The labels of a target before relabelling: its own, its group's, and what the job says where they do not."""
    job = {
        "job": config.job_name,
        "__scrape_interval__": duration(config.scrape_interval),
        "__scrape_timeout__": duration(config.scrape_timeout),
        "__metrics_path__": config.metrics_path,
        "__scheme__": config.scheme,
        **{_PARAM + name: values[0] for name, values in config.params.items() if values},
    }
    stated = {**job, **{name: value for name, value in labels.items() if value}, "__address__": address}
    return {name: value for name, value in stated.items() if value}


def _listed(groups: Iterable[StaticConfig]) -> Iterable[tuple[str, tuple[tuple[str, str], ...]]]:
    for group in groups:
        labels = tuple(group.labels.items())
        for address in group.targets:
            yield address, labels


def _problem(why: str, those: list[str]) -> str:
    return f"{len(those)} targets {why} and are not scraped: {several(those)}"


def _target(labels: Mapping[str, str], config: ScrapeConfig, region_label: str) -> Target:
    region = labels.get(region_label)
    if not region:
        raise _Unusable(f"have no label {region_label}")
    scheme = labels.get("__scheme__", "")
    if scheme not in _DEFAULT_PORTS:
        raise _Unusable("have a __scheme__ other than http and https")
    address = _with_port(labels.get("__address__", ""), scheme)
    kept = {name: value for name, value in labels.items() if not name.startswith("__")}
    kept.setdefault("instance", address)
    url = _url(f"{scheme}://{address}", labels, config.params)
    return Target(url, address, kept, RegionId(region), _timeout(labels, config))


def _with_port(address: str, scheme: str) -> str:
    match = _ADDRESS.fullmatch(address)
    if match is None or not 0 < int((match["port"] or ":1")[1:]) < 65536:
        raise _Unusable("have no address of the form host:port")
    return address if match["port"] else f"{address}:{_DEFAULT_PORTS[scheme]}"


def _timeout(labels: Mapping[str, str], config: ScrapeConfig) -> float:
    """A target's own timeout counts; an interval is the whole job's, since its regions are scraped as one."""
    interval = labels.get("__scrape_interval__", "")
    if interval != duration(config.scrape_interval) and _seconds(interval) != config.scrape_interval:
        ours = duration(config.scrape_interval)
        raise _Unusable(f"have a __scrape_interval__ other than their job's {ours}, and need a job of their own,")
    timeout = labels.get("__scrape_timeout__", "")
    if timeout == duration(config.scrape_timeout):
        return config.scrape_timeout
    seconds = _seconds(timeout)
    if seconds is None or not 0 < seconds <= config.scrape_interval:
        raise _Unusable("have a __scrape_timeout__ that is no duration of at most their scrape_interval")
    return seconds


def _seconds(text: str) -> float | None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return None
    return float(seconds) if isinstance(seconds, int | float) else None


def _url(base: str, labels: Mapping[str, str], params: Mapping[str, tuple[str, ...]]) -> str:
    """As Prometheus writes it in `scrapeUrl`: a `__param_` label says the first value, `params` those behind it."""
    path = labels.get("__metrics_path__", "")
    slash = "/" if path and not path.startswith("/") else ""
    values = {name: list(those) for name, those in params.items()}
    for name, value in labels.items():
        if name.startswith(_PARAM):
            values.setdefault(name.removeprefix(_PARAM), [])[:1] = [value]
    query = urlencode(sorted(values.items()), doseq=True)
    return f"{base}{slash}{quote(path, safe=_SAFE_IN_PATH)}{'?' if query else ''}{query}"
