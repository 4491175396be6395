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
from autoscaler.model.names import ClusterId, RegionId
from autoscaler.model.operation import Operation
from autoscaler.policy.language import ScalingPolicy
from autoscaler.settings.crosscheck import SourceNames, cross_check, notices
from autoscaler.settings.documents import Directory, read_directory
from autoscaler.settings.fleet import Fleet
from autoscaler.settings.mainfile import MainFile, read_main_file
from autoscaler.settings.shape import Settings
from autoscaler.settings.template import NodeTemplate

__all__ = ["Loaded", "Settings", "load"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A whole configuration that fits together. `digest` is SHA-256 over the files read, secrets' files excluded."""

    settings: Settings
    policies: Mapping[RegionId, ScalingPolicy]
    operations: Mapping[RegionId, Operation]
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
        found = [*directory.problems, *cross_check(directory, _names(main))]
        problems += sorted(found, key=lambda problem: (problem.file, problem.line or 0))
    if problems or main.settings is None:
        raise ConfigurationRefused([str(problem) for problem in dict.fromkeys(problems)])
    return _join(main.settings, directory, {str(path): main.content, **directory.contents})


def _names(main: MainFile) -> SourceNames | None:
    """Names of the sources, as far as a broken file tells them; None when the file told nothing at all."""
    if not main.raw:
        return None

    def named(section: str, key: str) -> list[str]:
        entries = main.raw.get(section)
        found = [entry.get(key) for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        return [name for name in found if isinstance(name, str)]

    return SourceNames(named("scrape_configs", "job_name"), named("prometheus", "name"))


def _join(settings: Settings, directory: Directory, contents: Mapping[str, bytes]) -> Loaded:
    models = [one.model for one in directory.written]
    policies = [model for model in models if isinstance(model, ScalingPolicy)]
    templates = {model.name: model for model in models if isinstance(model, NodeTemplate)}
    fleets = [model for model in models if isinstance(model, Fleet)]
    regions = [(cluster, region) for fleet in fleets for cluster in fleet.spec.clusters for region in cluster.regions]
    operations: dict[RegionId, Operation] = {}
    clusters: dict[ClusterId, frozenset[RegionId]] = {}
    for cluster, region in regions:
        name, owner = RegionId(region.id), ClusterId(cluster.cluster_id)
        operations[name] = templates[region.template or cluster.template or ""].operation(owner, name)
        clusters[owner] = clusters.get(owner, frozenset()) | {name}

    def password(template: str) -> SecretStr:
        if template not in templates:
            raise ConfigurationRefused([f"there is no NodeTemplate {template!r}"])
        return templates[template].password()

    return Loaded(
        settings=settings,
        policies={region: policy for region in operations for policy in policies if policy.serves(region)},
        operations=operations,
        clusters=clusters,
        templates=frozenset(templates),
        labels={RegionId(region.id): region.labels for _, region in regions},
        password=password,
        notices=notices(directory),
        digest=_digest(contents),
    )


def _digest(contents: Mapping[str, bytes]) -> str:
    """Changes with any byte of any file, and with a file's coming or going.

    Files of passwords are left out: the digest is shown, and must not be a way to try passwords.
    """
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{Path(name).name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
