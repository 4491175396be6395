"""Sizes as Prometheus writes them: `10MB`, `64MiB`, or a number of bytes."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_SIZE = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:[KMGTPE]i?)?B)+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)([KMGTPE]?)i?B")


def parse_size(value: object) -> object:
    """Bytes from a size with its unit; numbers are bytes already.

    As in Prometheus `MB` is `MiB`: every unit is a power of 1024 (Prometheus documentation, "Configuration", `<size>`;
    github.com/alecthomas/units, Base2Bytes). Prometheus takes no number without a unit but 0.

    Raises:
        ValueError: the text is no size.

    >>> parse_size("10MB"), parse_size("1.5KiB"), parse_size(4096)
    (10485760, 1536, 4096)
    """
    if not isinstance(value, str):
        return value
    if value.isdecimal():
        return int(value)
    if not _SIZE.fullmatch(value):
        raise ValueError(f"{value!r} is no size; write e.g. 10MB, 64MiB or a number of bytes")
    return int(sum(float(number) * 1024 ** _POWERS[unit] for number, unit in _PART.findall(value)))


ByteSize = Annotated[int, BeforeValidator(parse_size)]
"""Bytes; written with a unit (`10MB`, `64MiB`) or as a number of bytes."""
