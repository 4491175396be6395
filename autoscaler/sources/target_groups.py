"""Target groups as file_sd files and http_sd endpoints state them (Prometheus documentation, "Writing HTTP SD").

A parsed value comes in, groups go out. Pure.
"""

from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from autoscaler.settings.target_groups import StaticConfig

_GROUPS: TypeAdapter[tuple[StaticConfig, ...]] = TypeAdapter(tuple[StaticConfig, ...])


class UnreadableGroups(Exception):
    """What was stated makes no sense; carries why."""


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
