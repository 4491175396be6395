"""What all settings models share: strictness and the units people write."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Strict(BaseModel):
    """A frozen model that knows its keys: a misspelt one is a mistake, not a silence."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_DURATION = re.compile(r"(?:\d+(?:y|w|d|h|ms|m|s))+")
_PART = re.compile(r"(\d+)(y|w|d|h|ms|m|s)")


def parse_duration(value: object) -> object:
    """Seconds from a Prometheus duration (`15s`, `1m30s`, `250ms`); numbers are seconds already.

    Source: Prometheus documentation, "Configuration", `<duration>`.

    Raises:
        ValueError: the text is no duration.

    >>> parse_duration("1m30s")
    90.0
    """
    if not isinstance(value, str):
        return value
    if not _DURATION.fullmatch(value):
        raise ValueError(f"{value!r} is no duration; write e.g. 15s, 1m30s, 250ms or 1h")
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(value))


def duration(seconds: float) -> str:
    """Seconds as `parse_duration` reads them, in units up to days; what is finer than a millisecond is left out.

    >>> duration(3_456_000), duration(5_400), duration(0.25), duration(0)
    ('40d', '1h30m', '250ms', '0s')
    """
    left = round(seconds * 1000)
    text = ""
    for unit in ("d", "h", "m", "s", "ms"):
        number, left = divmod(left, round(_UNITS[unit] * 1000))
        text += f"{number}{unit}" if number else ""
    return text or "0s"


Duration = Annotated[float, BeforeValidator(parse_duration)]
"""Seconds; written as a Prometheus duration (`15s`, `1m30s`) or as a number of seconds."""
