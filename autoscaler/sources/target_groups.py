"""Target groups as file_sd files and http_sd endpoints state them (Prometheus documentation, "Writing HTTP SD").

What was stated comes in, groups go out. Pure.
"""

import json
from collections.abc import Callable, Mapping

from pydantic import TypeAdapter, ValidationError

from autoscaler.settings.target_groups import StaticConfig

_GROUPS: TypeAdapter[tuple[StaticConfig, ...]] = TypeAdapter(tuple[StaticConfig, ...])


class UnreadableGroups(Exception):
    """What was stated makes no sense; carries why."""


def read_groups(content: bytes, parse: Callable[[str], object], meta: Mapping[str, str]) -> tuple[StaticConfig, ...]:
    """The groups in a text in UTF-8, which `parse` makes a value of; `meta` as for `groups_of`.

    Raises UnreadableGroups, whatever is wrong with it.
    """
    try:
        value = parse(content.decode())
    except UnicodeDecodeError:
        raise UnreadableGroups("is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise UnreadableGroups(f"is no JSON: line {error.lineno}: {error.msg}") from None
    except RecursionError:
        raise UnreadableGroups("is nested too deeply") from None
    except (ValueError, OverflowError) as error:  # e.g. a number of 5000 digits, an escape beyond Unicode
        raise UnreadableGroups(f"can not be read: {error}") from None
    return groups_of(value, meta)


def groups_of(value: object, meta: Mapping[str, str]) -> tuple[StaticConfig, ...]:
    """The groups in a list of them, each with the labels `meta`, which say where it was stated.

    Raises UnreadableGroups if any group is wrong: half a list is not what its author meant.
    """
    try:
        stated = _GROUPS.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise UnreadableGroups(f"{where}: {first['msg']}") from None
    return tuple(
        StaticConfig.model_construct(targets=group.targets, labels={**group.labels, **meta}) for group in stated
    )
