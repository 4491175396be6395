"""YAML text to plain values, and where each of them stands.

The text of a file comes in; documents with the line and column of every key and list item go out, with every problem
of the text. Nothing that a text can do is trusted: no tags, few aliases, bounded depth and size. Scalars follow the
YAML 1.2 core schema, so `yes` is text; dates stay text too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.nodes import ScalarNode

from autoscaler.settings.problems import Problem, YamlPath, shown, written

MAX_BYTES = 4 * 1024 * 1024
MAX_ALIASES = 16
MAX_DEPTH = 32
MAX_VALUES = 250_000
"""Values in one file after its aliases are followed: the other half of the bound on alias bombs."""

Position = tuple[int, int]
"""Line and column, both from 1."""

_CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: `value` is made of dict, list, str, int, float, bool and None only."""

    file: str
    value: object
    positions: Mapping[YamlPath, Position]

    def line(self, path: YamlPath) -> int:
        """The line of a key or list item; of what is not there, the line of the nearest thing around it."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions[path][0]

    def problem(self, path: YamlPath, reason: str, *, value: str = "", hint: str = "") -> Problem:
        """A problem at that path."""
        return Problem(self.file, self.line(path), written(path), reason, value, hint)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file gave: the documents up to the first error of syntax, and every problem of the text."""

    documents: tuple[Document, ...] = ()
    problems: tuple[Problem, ...] = ()
    content: bytes = b""


class _Abort(Exception):
    """Reading this file further makes no sense; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class _Builder:
    """Turns the events of one file into documents."""

    file: str
    yaml: YAML
    events: Any
    problems: list[Problem] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    positions: dict[YamlPath, Position] = field(default_factory=dict)
    anchors: dict[str, tuple[object, int]] = field(default_factory=dict)
    aliases: int = 0
    values: int = 0

    def run(self) -> None:
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                self._document()
            elif isinstance(event, StreamEndEvent):
                return

    def _document(self) -> None:
        self.positions, self.anchors = {}, {}
        value = self._node(next(self.events), ())
        self.documents.append(Document(self.file, value, self.positions))

    def _node(self, event: Any, path: YamlPath) -> object:
        self.positions.setdefault(path, _position(event))
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        # Not shown either: an unquoted password that starts with `!` reads as a tag.
        if event.tag is not None:
            self._report(event, path, "tags are not allowed; write plain values, and quote text that starts with '!'")
        if len(path) > MAX_DEPTH:
            raise self._abort(event, path, f"nested more than {MAX_DEPTH} levels deep")
        start = self.values
        self._count(event, path, 1)
        value = self._value(event, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.values - start)
        return value

    def _value(self, event: Any, path: YamlPath) -> object:
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event, path)

    def _mapping(self, path: YamlPath) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                raise self._abort(event, path, "a key must be plain text, not a list, a mapping or an alias")
            key = self._scalar(event, path)
            if not isinstance(key, str):
                self._report(event, path, "keys must be text; put it in quotes", value=shown(key))
                key = event.value
            self._entry(values, event, (*path, key), key)
        return values

    def _entry(self, values: dict[str, object], event: Any, path: YamlPath, key: str) -> None:
        if key not in values:
            self.positions[path] = _position(event)
            values[key] = self._node(next(self.events), path)
            return
        first = self.positions[path][0]
        self._report(event, path, f"the key is there twice; the first one is on line {first}")
        self._node(next(self.events), path)

    def _sequence(self, path: YamlPath) -> list[object]:
        values: list[object] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            values.append(self._node(event, (*path, len(values))))
        return values

    def _scalar(self, event: Any, path: YamlPath) -> object:
        text: str = event.value
        if event.tag is not None or not event.implicit[0]:
            return text
        tag = str(self.yaml.resolver.resolve(ScalarNode, text, event.implicit))
        build = {
            f"{_CORE}null": lambda _node: None,
            f"{_CORE}bool": self.yaml.constructor.construct_yaml_bool,
            f"{_CORE}int": self.yaml.constructor.construct_yaml_int,
            f"{_CORE}float": self.yaml.constructor.construct_yaml_float,
        }.get(tag)
        if build is None:
            return text
        try:
            value: object = build(ScalarNode(tag, text))
        except ValueError:
            self._report(event, path, "the number can not be read", value=shown(text))
            return text
        return value

    def _alias(self, event: Any, path: YamlPath) -> object:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise self._abort(event, path, f"more than {MAX_ALIASES} aliases; write the values out")
        # The name is not shown: an unquoted password that starts with `*` reads as an alias.
        if event.anchor not in self.anchors:
            raise self._abort(event, path, "an alias to nothing before it; quote text that starts with '*'")
        value, size = self.anchors[event.anchor]
        self._count(event, path, size)
        return value

    def _count(self, event: Any, path: YamlPath, size: int) -> None:
        self.values += size
        if self.values > MAX_VALUES:
            raise self._abort(event, path, f"more than {MAX_VALUES} values in one file")

    def _report(self, event: Any, path: YamlPath, reason: str, *, value: str = "") -> None:
        self.problems.append(Problem(self.file, _position(event)[0], written(path), reason, value))

    def _abort(self, event: Any, path: YamlPath, reason: str) -> _Abort:
        return _Abort(Problem(self.file, _position(event)[0], written(path), reason))


def _position(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1


def parse(file: str, text: str) -> Parsed:
    """Read every document of a text. `file` is the name that problems carry."""
    yaml = YAML(typ="safe", pure=True)
    builder = _Builder(file, yaml, yaml.parse(text))
    try:
        builder.run()
    except _Abort as abort:
        builder.problems.append(abort.problem)
    except MarkedYAMLError as error:
        builder.problems.append(_syntax(file, error))
    except (YAMLError, RecursionError) as error:
        builder.problems.append(Problem(file, None, "", f"not readable as YAML: {type(error).__name__}"))
    return Parsed(tuple(builder.documents), tuple(builder.problems))


def _syntax(file: str, error: MarkedYAMLError) -> Problem:
    """The parser's own words, without the piece of text that it quotes: that may hold a secret."""
    mark = error.problem_mark or error.context_mark
    said = ", ".join(part for part in (error.context, error.problem) if part)
    return Problem(file, None if mark is None else mark.line + 1, "", f"not YAML: {said}")


def read(path: Path) -> Parsed:
    """Read a file of at most 4 MiB in UTF-8; what can not be read is a problem, not an exception."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return Parsed(problems=(Problem(str(path), None, "", f"can not be read: {error.strerror}"),))
    if len(content) > MAX_BYTES:
        return Parsed(problems=(Problem(str(path), None, "", f"larger than {MAX_BYTES // 1024 // 1024} MiB"),))
    try:
        parsed = parse(str(path), content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return Parsed(problems=(Problem(str(path), line, "", "not UTF-8 text"),), content=content)
    return Parsed(parsed.documents, parsed.problems, content)
