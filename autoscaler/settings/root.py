"""From the path of autoscaler.yaml to everything that a daemon runs with.

A path and the environment come in; `Loaded` goes out, or ConfigurationRefused with every problem of every file. It
must not start anything, and gives no half of a configuration.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from autoscaler.model.errors import ConfigurationRefused
from autoscaler.model.names import ClusterId, NodePoolId, RegionId
from autoscaler.model.operation import Offer, Operation
from autoscaler.policy.brakes import Brakes
from autoscaler.policy.budget import Budget
from autoscaler.policy.language import ScalingPolicy
from autoscaler.settings.crosscheck import MainValues, cross_check, notices
from autoscaler.settings.documents import Directory, read_directory
from autoscaler.settings.fleet import Fleet, FleetCluster, FleetRegion
from autoscaler.settings.mainfile import MainFile, read_main_file
from autoscaler.settings.offers import offers
from autoscaler.settings.outline import dig
from autoscaler.settings.sections import BrakeSettings
from autoscaler.settings.shape import Settings
from autoscaler.settings.spending import join_budgets
from autoscaler.settings.template import NodeTemplate

__all__ = ["Loaded", "Settings", "load"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A whole configuration that fits together. `digest` is SHA-256 over the files read, secrets' files excluded.

    `offers` are the ways to buy in each region, the preferred one first; `operations` are those of the first offers.
    """

    settings: Settings
    policies: Mapping[RegionId, ScalingPolicy]
    offers: Mapping[RegionId, tuple[Offer, ...]]
    operations: Mapping[RegionId, Operation]
    budgets: tuple[Budget, ...]
    brakes: Brakes
    clusters: Mapping[ClusterId, frozenset[RegionId]]
    templates: frozenset[str]
    labels: Mapping[RegionId, Mapping[str, str]]
    password: Callable[[str], SecretStr]
    notices: tuple[str, ...]
    digest: str


def load(path: Path) -> Loaded:
    """Read autoscaler.yaml and its policy directory.

    Raises:
        ConfigurationRefused: with one text per mistake, over all files.
    """
    main = read_main_file(path)
    problems = list(main.problems)
    directory = Directory(path.parent)
    if main.policies is not None:
        directory = read_directory(main.policies)
        found = [*directory.problems, *cross_check(directory, _values(main))]
        problems += sorted(found, key=lambda problem: (problem.file, problem.line or 0))
    if problems or main.settings is None:
        raise ConfigurationRefused([str(problem) for problem in dict.fromkeys(problems)])
    contents = {str(path): main.content, **directory.contents}
    told = (*main.notices, *notices(directory, main.settings))
    return _join(main.settings, directory, told, _digest(contents))


def _values(main: MainFile) -> MainValues | None:
    """What the other files depend on, as far as a broken file tells it; None when the file told nothing at all."""
    if not main.raw:
        return None

    def named(section: str, key: str) -> list[str]:
        entries = main.raw.get(section)
        found = [entry.get(key) for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        return [name for name in found if isinstance(name, str)]

    priced_by_api = dig(main.raw, "executor", "price_from") == "api"
    return MainValues(
        named("scrape_configs", "job_name"),
        named("prometheus", "name"),
        priced_by_api,
        named("alertmanager", "name"),
        _intervals(main.settings),
    )


def _intervals(settings: Settings | None) -> Mapping[str, float]:
    jobs = () if settings is None else settings.scrape_configs
    return {job.job_name: job.scrape_interval for job in jobs}


def _join(settings: Settings, directory: Directory, told: tuple[str, ...], digest: str) -> Loaded:
    models = [one.model for one in directory.written]
    policies = [model for model in models if isinstance(model, ScalingPolicy)]
    templates = {model.name: model for model in models if isinstance(model, NodeTemplate)}
    fleets = [model for model in models if isinstance(model, Fleet)]
    ways: dict[RegionId, tuple[Offer, ...]] = {}
    clusters: dict[ClusterId, frozenset[RegionId]] = {}
    labels: dict[RegionId, Mapping[str, str]] = {}
    for cluster, region in [(one, region) for fleet in fleets for one in fleet.spec.clusters for region in one.regions]:
        name, owner = RegionId(region.id), ClusterId(cluster.cluster_id)
        ways[name] = _offers(templates, cluster, region)
        clusters[owner] = clusters.get(owner, frozenset()) | {name}
        labels[name] = region.labels

    def password(template: str) -> SecretStr:
        if template not in templates:
            raise ConfigurationRefused([f"there is no NodeTemplate {template!r}"])
        return templates[template].password()

    return Loaded(
        settings=settings,
        policies={region: policy for region in ways for policy in policies if policy.serves(region)},
        offers=ways,
        operations={region: found[0].operation for region, found in ways.items()},
        budgets=join_budgets(fleets, list(ways)),
        brakes=_brakes(settings.brakes),
        clusters=clusters,
        templates=frozenset(templates),
        labels=labels,
        password=password,
        notices=told,
        digest=digest,
    )


def _offers(templates: Mapping[str, NodeTemplate], cluster: FleetCluster, region: FleetRegion) -> tuple[Offer, ...]:
    pool = None if region.node_pool is None else NodePoolId(region.node_pool)
    template = templates[region.template or cluster.template or ""]
    operation = region.operation or cluster.operation
    return offers(template, ClusterId(cluster.cluster_id), RegionId(region.id), operation, pool)


def _brakes(written: BrakeSettings) -> Brakes:
    return Brakes(written.max_unready_percent / 100.0, written.ok_unready_nodes, written.account_stop)


def _digest(contents: Mapping[str, bytes]) -> str:
    """Changes with any byte of any file, and with a file's coming or going.

    Files of passwords are left out: the digest is shown, and must not be a way to try passwords.
    """
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{Path(name).name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
