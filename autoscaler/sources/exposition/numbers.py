"""Many numbers at a time: tokens come in, floats go out, or None if any of them is not as the format has it.

`float` takes more than the formats do (underscores, signed NaN, numbers that overflow): a Go program refuses them, so
they are refused here.
"""

import re
from collections.abc import Sequence
from math import isfinite, isinf

FINITE = rb"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
NUMBER = rb"(?:" + FINITE + rb"|[-+]?(?i:inf(?:inity)?)|(?i:nan))"
NOT_FINITE = frozenset((b"nan", b"inf", b"infinity"))
"""How numbers may be spelt that are also names; lower case."""

MILLISECONDS = 1000.0
FIRST_INSTANT, LAST_INSTANT = -(2**63), 2**63 - 1
"""Milliseconds that Prometheus can store."""

_IN_FINITE = b"0123456789.eE+-"
_IN_INSTANT = b"0123456789-"
_IS_NUMBER = re.compile(NUMBER).fullmatch


def numbers(tokens: Sequence[bytes]) -> list[float] | None:
    """The values of samples.

    >>> numbers([b"1", b"+Inf"]), numbers([b"1", b"1_0"]), numbers([b"1e999"])
    ([1.0, inf], None, None)
    """
    if b"".join(tokens).translate(None, _IN_FINITE) and not all(map(_IS_NUMBER, tokens)):
        return None
    try:
        values = list(map(float, tokens))
    except ValueError:
        return None
    return values if isfinite(sum(values)) or not any(map(overflowed, tokens, values)) else None


def overflowed(token: bytes, value: float) -> bool:
    """Whether a finite number was written that a float can not hold."""
    return isinf(value) and token[-1:] not in b"fFyY"


def milliseconds(tokens: Sequence[bytes]) -> list[float] | None:
    """Times as text has them; Unix seconds.

    >>> milliseconds([b"1500", b"-500"]), milliseconds([b"1.5"])
    ([1.5, -0.5], None)
    """
    if b"".join(tokens).translate(None, _IN_INSTANT):
        return None
    try:
        instants = list(map(int, tokens))
    except ValueError:
        return None
    if instants and not (min(instants) >= FIRST_INSTANT and max(instants) <= LAST_INSTANT):
        return None
    return [instant / MILLISECONDS for instant in instants]


def seconds(tokens: Sequence[bytes]) -> list[float] | None:
    """Times as OpenMetrics has them; Unix seconds.

    >>> seconds([b"1.5"]), seconds([b"NaN"])
    ([1.5], None)
    """
    return None if b"".join(tokens).translate(None, _IN_FINITE) else numbers(tokens)
