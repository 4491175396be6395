"""How numbers stand on a page, and how they move from one scrape to the next. Pure; dice come in."""

import math
from decimal import Decimal
from random import Random

_PLAIN_BELOW = 6
_PLAIN_ABOVE = -5


def go_float(value: float) -> str:
    """A float as Go's `strconv.FormatFloat(value, 'g', -1, 64)` writes it, which is what Go exporters put on a page.

    >>> go_float(861512.0), go_float(1445705.0), go_float(0.00001)
    ('861512', '1.445705e+06', '1e-05')
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  # finite
    power = len(digits) + exponent - 1
    if _PLAIN_ABOVE < power < _PLAIN_BELOW:
        return f"{Decimal(repr(value)).normalize():f}"
    figures = "".join(map(str, digits))
    fraction = f".{figures[1:]}" if len(figures) > 1 else ""
    return f"{'-' if sign else ''}{figures[0]}{fraction}e{power:+03d}"


def first_value(kind: str, dice: Random) -> float:
    """What a series says first. `kind` is the family's type, or "zero" and "one" for what never moves.

    A third is zero, as on real pages.
    """
    if kind in ("zero", "one"):
        return float(kind == "one")
    shape = dice.randrange(6)
    if shape < 2:
        return 0.0
    return float(dice.randrange(10**9)) if shape < 4 else round(dice.random() * 1e6, 2)


def next_value(kind: str, value: float, dice: Random) -> float:
    """What a series that moved says next: counters only grow."""
    if kind == "counter":
        return round(value + 1 + dice.random() * 50, 2)
    return round(value * dice.uniform(0.8, 1.2) + dice.random(), 2)
