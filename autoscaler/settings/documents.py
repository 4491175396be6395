"""The policy directory: every document of every YAML file in it, validated by its kind.

A directory comes in; the models, the raw documents behind them and every problem go out. A broken document or file
does not keep the others from being read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel

from autoscaler.policy.language import ScalingPolicy
from autoscaler.settings.checked import check
from autoscaler.settings.fleet import Fleet
from autoscaler.settings.problems import Problem, YamlPath, nearest, shown, suggestion
from autoscaler.settings.template import NodeTemplate
from autoscaler.settings.yaml_text import Document, read

KINDS: dict[str, type[BaseModel]] = {
    "ScalingPolicy": ScalingPolicy,
    "NodeTemplate": NodeTemplate,
    "Fleet": Fleet,
}


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A document and its kind, one object per place.

    `model` is None when the document is broken; its raw value can still be compared.
    """

    kind: str
    document: Document
    model: BaseModel | None

    @property
    def name(self) -> str | None:
        """`metadata.name`, when there is one."""
        value = self.document.value
        metadata = value.get("metadata") if isinstance(value, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else None


@dataclass(slots=True)
class Directory:
    """Everything in a policy directory. `contents` are the bytes of each file; `lost` are files not wholly read."""

    folder: Path
    written: list[Written] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[Written]:
        """The documents of a kind, broken ones included."""
        return [one for one in self.written if one.kind == kind]


def read_directory(folder: Path) -> Directory:
    """Read all `*.yaml` and `*.yml` files of a directory, in the order of their names; no subdirectories."""
    directory = Directory(folder)
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"} and path.is_file())
    except OSError as error:
        directory.problems.append(
            Problem(str(folder), None, "", f"the policy directory can not be read: {error.strerror}")
        )
        return directory
    if not files:
        directory.problems.append(Problem(str(folder), None, "", "no *.yaml or *.yml file in the policy directory"))
    for path in files:
        _read_file(directory, path)
    return directory


def _read_file(directory: Directory, path: Path) -> None:
    parsed = read(path)
    directory.contents[str(path)] = parsed.content
    directory.problems.extend(parsed.problems)
    if parsed.problems:
        directory.lost.append(str(path))
    for document in parsed.documents:
        # An empty document is what a stray `---` or a file of comments gives.
        if document.value is not None:
            directory.written.extend(_read_document(directory.problems, document, path.parent))


def _read_document(problems: list[Problem], document: Document, folder: Path) -> Iterator[Written]:
    kind = document.value.get("kind") if isinstance(document.value, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        problems.append(_unknown_kind(document, kind))
        meant = nearest(kind, KINDS) if isinstance(kind, str) else None
        if meant is not None and isinstance(document.value, dict):
            _, found = _validate(KINDS[meant], document, {**document.value, "kind": meant}, folder)
            problems.extend(found)
            yield Written(meant, document, None)
        return
    model, found = _validate(KINDS[kind], document, document.value, folder)
    problems.extend(found)
    yield Written(kind, document, model)


def _validate(
    model: type[BaseModel], document: Document, value: object, folder: Path
) -> tuple[BaseModel | None, list[Problem]]:
    def build(raw: object) -> BaseModel:
        return model.model_validate(raw, context={"folder": folder})

    def where(path: YamlPath) -> tuple[str, int | None]:
        return document.file, document.line(path)

    return check(model, value, build, where)


def _unknown_kind(document: Document, kind: object) -> Problem:
    if not isinstance(document.value, dict):
        return document.problem((), "a document must be a mapping with `kind`", value=shown(document.value))
    if kind is None:
        return document.problem(("kind",), f"is required: one of {', '.join(KINDS)}")
    if not isinstance(kind, str):
        return document.problem(("kind",), f"must be one of {', '.join(KINDS)}", value=shown(kind))
    return document.problem(("kind",), f"unknown kind {kind!r}", hint=suggestion(kind, list(KINDS), "kinds are"))
