"""autoscaler.yaml with the environment laid over it: reading it, and saying what is wrong with either.

A path comes in; the Settings, or what could be understood of them, and every problem go out. It reads no other file.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsError

from autoscaler.settings.checked import check
from autoscaler.settings.problems import Problem, YamlPath, shown, suggestion, written
from autoscaler.settings.relations import relations
from autoscaler.settings.schema import keys
from autoscaler.settings.shape import DELIMITER, PREFIX, Settings
from autoscaler.settings.yaml_text import Document, Parsed, read

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class MainFile:
    """What was read. `raw` is file and environment together; `policies` is None when nobody knows the directory.

    `notices` tell what is allowed and may still be a surprise.
    """

    settings: Settings | None
    raw: Mapping[str, object]
    policies: Path | None
    problems: tuple[Problem, ...]
    content: bytes
    notices: tuple[str, ...] = ()


class _Together(Settings):
    """Settings of values that have the environment in them already: it is looked at once."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # as above
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed."""
        return (init_settings,)


def read_main_file(path: Path) -> MainFile:
    """Read and validate; every relative path in the settings is made relative to the file's directory."""
    parsed = read(path)
    problems = list(parsed.problems)
    document, own = _only_document(path, parsed, problems)
    if document is None:
        return MainFile(None, {}, None, tuple(problems), parsed.content)
    variables = _environment(problems)
    raw = _overlay(own, variables)

    def where(place: YamlPath) -> tuple[str, int | None]:
        if _holds(variables, place):
            return f"environment variable {_variable(place)}", None
        return document.file, document.line(place)

    settings, found = check(_Together, raw, _Together.model_validate, where)
    unfit = relations(raw)
    found += [Problem(*where(one.path), written(one.path), one.reason) for one in unfit if one.problem]
    notices = [Problem(*where(one.path), written(one.path), one.reason) for one in unfit if not one.problem]
    problems = sorted([*problems, *found], key=lambda problem: (problem.file != document.file, problem.line or 0))
    based = None if settings is None else rebased(settings, path.parent)
    return MainFile(
        based, raw, _policies(based, raw, path.parent), tuple(problems), parsed.content, tuple(map(str, notices))
    )


def _only_document(path: Path, parsed: Parsed, problems: list[Problem]) -> tuple[Document | None, dict[str, object]]:
    documents = [document for document in parsed.documents if document.value is not None]
    if len(documents) > 1:
        problems.append(documents[1].problem((), "a second document; this file has one"))
    if not documents:
        if not problems:
            problems.append(Problem(str(path), None, "", "the file is empty"))
        return None, {}
    document = documents[0]
    if not isinstance(document.value, dict):
        problems.append(document.problem((), "must be a mapping of keys to values", value=shown(document.value)))
        return None, {}
    # Keys with an underscore in front are arguments of pydantic-settings itself: never let a file set those.
    known = keys(Settings)
    hidden = [key for key in document.value if key.startswith("_")]
    problems += [
        document.problem((key,), f"unknown key {key!r}", hint=suggestion(key, known, "allowed keys are"))
        for key in hidden
    ]
    return document, {key: value for key, value in document.value.items() if key not in hidden}


def _environment(problems: list[Problem]) -> dict[str, object]:
    """What the AUTOSCALER_ variables say.

    One with `__` and no section of that name is a mistake; others may be Kubernetes' own, which names AUTOSCALER_PORT
    and such after a Service.
    """
    sections = [key.upper() for key in keys(Settings)]
    for name in sorted(os.environ):
        section, delimiter, _ = name.upper().removeprefix(PREFIX).partition(DELIMITER)
        if name.upper().startswith(PREFIX) and delimiter and section not in sections:
            hint = suggestion(section, sections, "sections are")
            problems.append(Problem(f"environment variable {name}", None, "", f"unknown section {section!r}", "", hint))
    try:
        return dict(EnvSettingsSource(Settings)())
    except SettingsError as error:
        problems.append(Problem("environment", None, "", f"{error}; a whole section must be JSON"))
        return {}


def _overlay(below: Mapping[str, object], above: Mapping[str, object]) -> dict[str, object]:
    """Both mappings together; `above` wins, mappings inside are laid over each other likewise."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        result[key] = _overlay(under, value) if isinstance(value, dict) and isinstance(under, dict) else value
    return result


def _holds(value: object, path: YamlPath) -> bool:
    """Whether the value has something at that path."""
    for part in path:
        entries = dict(enumerate(value)) if isinstance(value, list) else value
        if not isinstance(entries, dict) or part not in entries:
            return False
        value = entries[part]
    return bool(path)


def _variable(path: YamlPath) -> str:
    """The variable that gave the value: its own, or that of a section around it."""
    names = {name.upper(): name for name in os.environ}
    for length in range(len(path), 0, -1):
        name = (PREFIX + DELIMITER.join(map(str, path[:length]))).upper()
        if name in names:
            return names[name]
    return PREFIX + str(path[0]).upper()


def _policies(settings: Settings | None, raw: Mapping[str, object], folder: Path) -> Path | None:
    if settings is not None:
        return settings.policies
    named = raw.get("policies", "policies")
    return folder / named if isinstance(named, str) else None


def rebased(value: Value, folder: Path) -> Value:
    """The same value with every relative Path in its models made relative to a folder."""
    result: object = value
    if isinstance(value, Path):
        result = folder / value
    elif isinstance(value, BaseModel):
        fields = {name: rebased(getattr(value, name), folder) for name in type(value).model_fields}
        changed = {name: new for name, new in fields.items() if new is not getattr(value, name)}
        result = value.model_copy(update=changed) if changed else value
    elif isinstance(value, (list, tuple)):
        items = [rebased(item, folder) for item in value]
        if any(new is not old for new, old in zip(items, value, strict=True)):
            result = type(value)(items)
    return result  # type: ignore[return-value]  # each branch gives what it was given
