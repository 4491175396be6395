"""What a pydantic model allows at a place: the way from pydantic's `loc` to a YAML path.

A model and the value that it refused come in; YAML path, allowed keys and secrecy of that place go out. It reads
annotations only and must not validate anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from autoscaler.settings.base import parse_duration
from autoscaler.settings.problems import YamlPath

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a document: `inside` are the models whose key it is, `value` what was written (None if absent)."""

    path: YamlPath
    inside: tuple[type[BaseModel], ...]
    value: object
    present: bool
    secret: bool


def keys(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a model as they are written in the file."""
    return tuple(_names(name, field)[0] for name, field in model.model_fields.items())


def _names(name: str, field: FieldInfo) -> tuple[str, ...]:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(choice for choice in alias.choices if isinstance(choice, str))
    return (alias,) if isinstance(alias, str) else (name,)


def is_duration(place: Place) -> bool:
    """Whether what stands there is written as a duration."""
    fields = (
        field
        for model in place.inside
        for name, field in model.model_fields.items()
        if place.path and place.path[-1] in _names(name, field)
    )
    return any(getattr(rule, "func", None) is parse_duration for field in fields for rule in field.metadata)


def _alternatives(annotation: Any) -> Iterator[Any]:
    """The annotation without wrapping: every member of a union, every Annotated as what it annotates."""
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in {Union, UnionType}:
        for member in get_args(annotation):
            yield from _alternatives(member)
    elif annotation is not NoneType:
        yield annotation


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _below(kind: Any, part: str | int) -> Iterator[Any]:
    """The kinds of value that stand under that key or index of a kind."""
    origin, arguments = get_origin(kind), get_args(kind)
    if _is_model(kind):
        for name, field in kind.model_fields.items():
            if part in _names(name, field):
                yield from _alternatives(field.annotation)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield from _alternatives(arguments[1])
    elif isinstance(part, int) and isinstance(origin, type) and issubclass(origin, (Sequence, AbstractSet)):
        yield from _alternatives(arguments[0])


def _tagged(kind: Any, tag: str | int) -> bool:
    """Whether a part of pydantic's loc that is no key names this member of a union."""
    if not _is_model(kind):
        return False
    literals = (field.annotation for field in kind.model_fields.values() if get_origin(field.annotation) is Literal)
    return kind.__name__ == tag or any(tag in get_args(literal) for literal in literals)


def _keeps_secret(kind: Any, above: frozenset[type]) -> bool:
    """Whether the kind is a secret or has one in it: text in the place of a whole section may be that secret."""
    if _is_model(kind) and kind not in above:
        fields = (below for field in kind.model_fields.values() for below in _alternatives(field.annotation))
        return any(_keeps_secret(below, above | {kind}) for below in fields)
    if get_origin(kind) in {None, Literal}:
        return isinstance(kind, type) and issubclass(kind, (SecretStr, SecretBytes))
    return any(_keeps_secret(below, above) for part in get_args(kind) for below in _alternatives(part))


def _take(value: object, part: str | int) -> object:
    if isinstance(value, dict):
        return value.get(part, _ABSENT)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return _ABSENT


def locate(model: type[BaseModel], loc: Sequence[str | int], value: object) -> Place:
    """Follow pydantic's loc through a model and the value that was validated.

    Parts that name a member of a union, or something inside a value that was written in short form, are skipped.
    """
    kinds: tuple[Any, ...] = (model,)
    inside: tuple[type[BaseModel], ...] = ()
    path: YamlPath = ()
    for part in loc:
        if not isinstance(value, (dict, list)):
            break
        below = tuple(found for kind in kinds for found in _below(kind, part))
        child = _take(value, part)
        if child is _ABSENT and not below:
            kinds = tuple(kind for kind in kinds if _tagged(kind, part)) or kinds
            continue
        inside = tuple(kind for kind in kinds if _is_model(kind))
        path, kinds, value = (*path, part), below, child
    secret = any(_keeps_secret(kind, frozenset()) for kind in kinds)
    present = value is not _ABSENT
    return Place(path, inside, value if present else None, present, secret)
