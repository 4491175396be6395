"""Validation that tells everything: pydantic's errors as problems with line, YAML path, reason, value and hint.

A raw value and the function that builds a model from it come in; the model or every problem goes out. Pydantic stops
before the rules over a whole section when one of its keys is wrong, so what can be repaired is repaired and looked at
once more: only to find further problems, never to run the repaired value.
"""

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from autoscaler.settings.base import duration, parse_duration
from autoscaler.settings.problems import (
    Mistake,
    Problem,
    YamlPath,
    nearest,
    shown,
    suggestion,
    without_userinfo,
    written,
)
from autoscaler.settings.schema import Place, is_duration, keys, locate

Model = TypeVar("Model", bound=BaseModel)

Locate = Callable[[YamlPath], tuple[str, int | None]]
"""File name and line of a YAML path."""

_RULES = {"value_error", "assertion_error"}
_REASONS = {
    "missing": "is required",
    "union_tag_not_found": "is required",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
}
_BOUNDS = {
    "greater_than_equal": ("must be at least", "ge"),
    "greater_than": ("must be longer than", "gt"),
    "less_than_equal": ("must be at most", "le"),
    "less_than": ("must be shorter than", "lt"),
}
_NO_NUMBER = {"int_type", "int_parsing", "float_type", "float_parsing"}
_UNITS = {"Seconds": ("seconds", 1.0), "_seconds": ("seconds", 1.0), "_mins": ("minutes", 60.0)}
"""What the end of a key says of the unit of its number, and how many seconds that is."""
_SHOULD = re.compile(r"^[A-Z]\w* should ")


@dataclass(frozen=True, slots=True)
class Found:
    """One error of pydantic and the place that it is about."""

    error: ErrorDetails
    place: Place

    @property
    def key(self) -> tuple[YamlPath, str]:
        """Two errors with the same key are one mistake."""
        return self.place.path, self.error["type"]


def check(
    model: type[Model], raw: object, build: Callable[[object], Model], where: Locate
) -> tuple[Model | None, list[Problem]]:
    """Build the model, or say all that is wrong with the raw value."""
    try:
        return build(raw), []
    except ValidationError as error:
        found = _found(model, error, raw)
    found += _second_look(model, raw, build, found)
    return None, _problems(found, where)


def _found(model: type[BaseModel], error: ValidationError, raw: object) -> list[Found]:
    details = error.errors(include_url=False)
    found = [Found(detail, locate(model, _loc(detail), raw)) for detail in details]
    return [one for one in found if not _counts_broken_items(one)]


def _loc(error: ErrorDetails) -> tuple[str | int, ...]:
    """Pydantic's loc; for a wrong choice between members of a union, that of the key that chooses."""
    if error["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return (*error["loc"], error["ctx"]["discriminator"].strip("'"))
    return error["loc"]


def _counts_broken_items(one: Found) -> bool:
    """Pydantic calls a list too short when enough items are there and all are wrong: they have errors of their own."""
    value, least = one.place.value, one.error.get("ctx", {}).get("min_length", 0)
    return one.error["type"] == "too_short" and isinstance(value, list) and len(value) >= least


def _second_look(
    model: type[Model], raw: object, build: Callable[[object], Model], found: Sequence[Found]
) -> list[Found]:
    """Rules over whole sections that the first look could not reach."""
    repaired = copy.deepcopy(raw)
    for one in found:
        if one.place.path and one.place.present:
            _repair(repaired, one)
    try:
        build(repaired)
    except ValidationError as error:
        further = _found(model, error, repaired)
    else:
        return []
    known = {one.key for one in found}
    return [one for one in further if one.key not in known and _is_news(one, found)]


def _repair(raw: object, one: Found) -> None:
    """Take a wrong key out of its mapping, or give a misspelt one its name.

    List items stay, or the places behind them would move.
    """
    path = one.place.path
    for part in path[:-1]:
        raw = raw[part]  # type: ignore[index]  # the path was found in this very value
    if isinstance(raw, dict):
        value = raw.pop(path[-1], None)
        meant = _meant(one.place)
        if one.error["type"] == "extra_forbidden" and meant:
            raw.setdefault(meant, value)


def _is_news(one: Found, found: Sequence[Found]) -> bool:
    """Whether a rule failed for another cause than the repair itself."""
    if one.error["type"] not in _RULES:
        return False
    path = one.place.path
    if any(other.place.path == path for other in found):
        return False
    removed = [other.place for other in found if other.place.path[:-1] in {path, path[:-1]}]
    words = {str(place.path[-1]) for place in removed if place.path} | {_meant(place) for place in removed}
    return not any(word and word in one.error["msg"] for word in words)


def _meant(place: Place) -> str:
    return nearest(str(place.path[-1]), _allowed(place)) or "" if place.path else ""


def _allowed(place: Place) -> list[str]:
    return list(dict.fromkeys(key for model in place.inside for key in keys(model)))


def _problems(found: Sequence[Found], where: Locate) -> list[Problem]:
    """Problems in the order of the file. A key that is missing because it is misspelt is one mistake, not two."""
    unknown = [one.place for one in found if one.error["type"] == "extra_forbidden"]
    meant = {(*place.path[:-1], _meant(place)) for place in unknown}
    kept = [one for one in found if not (one.error["type"] == "missing" and one.place.path in meant)]
    problems = [_problem(one, where) for one in kept]
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line or 0))


def _problem(one: Found, where: Locate) -> Problem:
    file, line = where(one.place.path)
    path = written(one.place.path)
    if one.error["type"] == "extra_forbidden":
        return _unknown_key(one.place, file, line, path)
    if one.error["type"] == "literal_error" and one.error["loc"][-1] == "[key]":
        return _wrong_name(one, file, line, path)
    value = shown(one.place.value, secret=one.place.secret) if _tells(one) else ""
    return Problem(file, line, path, _out_of_bounds(one) or _reason(one.error), value, _hint(one))


def _wrong_name(one: Found, file: str, line: int | None, path: str) -> Problem:
    """A key of a mapping of names: pydantic complains about the key, the place is that of its value."""
    hint = suggestion(str(one.place.path[-1]), _choices(one.error), "allowed keys are")
    return Problem(file, line, path, f"unknown key {one.place.path[-1]!r}", hint=hint)


def _hint(one: Found) -> str:
    error, value = one.error, one.place.value
    if error["type"] in {"int_type", "float_type", "bool_type"} and _is_quoted(value):
        return "leave out the quotes"
    if error["type"] == "string_type" and isinstance(value, int | float):
        return "put it in quotes"
    if error["type"] == "literal_error" and isinstance(value, str) and not one.place.secret:
        close = nearest(value, _choices(error))
        return "" if close is None else f"did you mean {close!r}?"
    cause = error.get("ctx", {}).get("error")
    return cause.hint if isinstance(cause, Mistake) else _in_its_unit(one)


def _out_of_bounds(one: Found) -> str:
    """A bound of a duration, written as one; "" when the error is another."""
    words, key = _BOUNDS.get(one.error["type"], ("", ""))
    bound = one.error.get("ctx", {}).get(key)
    return f"{words} {duration(bound)}" if bound and is_duration(one.place) else ""


def _in_its_unit(one: Found) -> str:
    """A duration in the place of a plain number whose key names its unit: that number."""
    key = str(one.place.path[-1]) if one.place.path else ""
    unit, size = next((unit for end, unit in _UNITS.items() if key.endswith(end)), ("", 1.0))
    if not unit or one.error["type"] not in _NO_NUMBER or not isinstance(one.place.value, str):
        return ""
    try:
        seconds = parse_duration(one.place.value)
    except ValueError:
        return ""
    return f"in {unit}: {seconds / size:.15g}" if isinstance(seconds, float) else ""


def _choices(error: ErrorDetails) -> list[str]:
    """The texts that a Literal allows; pydantic gives them as `'a', 'b' or 'c'`."""
    return re.findall(r"'([^']*)'", error.get("ctx", {}).get("expected", ""))


def _is_quoted(value: object) -> bool:
    return isinstance(value, str) and (value.isdecimal() or value in {"true", "false"})


def _unknown_key(place: Place, file: str, line: int | None, path: str) -> Problem:
    """The value of an unknown key is never shown: the key may be a misspelt `login_password`."""
    key = str(place.path[-1])
    for model in place.inside:
        refused = getattr(model, "refused_keys", {})
        if key in refused:
            return Problem(file, line, path, f"{key!r} does not belong here", hint=refused[key])
    return Problem(file, line, path, f"unknown key {key!r}", hint=suggestion(key, _allowed(place), "allowed keys are"))


def _tells(one: Found) -> bool:
    """Whether the value says something that the reason does not: a section is too much, an absent key nothing."""
    if not one.place.present or one.error["type"] == "missing":
        return False
    return not (one.error["type"] in _RULES and isinstance(one.place.value, (dict, list)))


def _reason(error: ErrorDetails) -> str:
    plain = _REASONS.get(error["type"])
    if plain is not None:
        return plain
    if error["type"] == "union_tag_invalid":
        return f"must be one of {error['ctx']['expected_tags']}"
    text = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = _SHOULD.sub("must ", text).replace(" after validation, not 0", "")
    return without_userinfo(text)
