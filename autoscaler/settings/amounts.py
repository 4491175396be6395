"""Amounts of money as people write them, and as whole hundredths.

A YAML number or a text comes in, an exact Decimal goes out; `hundredths` makes it Money, `told` text for people. It
must not round: what has more than two places is refused.
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator

from autoscaler.model.names import Money

LARGEST = Decimal(10**12)
"""Beyond it a YAML number is not exact to two places, and a sum of many may not fit into the ledger."""

_FORM = "must be an amount in the account's currency with at most 2 decimal places, e.g. 1200 or 1200.50"


def parse_amount(value: object) -> object:
    """An exact amount from a number or from its text.

    A YAML number has been read as a float by now: its shortest text is what was written, as long as it is not larger
    than `LARGEST`.

    Raises:
        ValueError: it is no number, has more than two places, is negative or too large.

    >>> parse_amount(1200.5)
    Decimal('1200.5')
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError(_FORM)  # noqa: TRY004  # pydantic makes a problem of a ValueError only
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(_FORM) from None
    if not amount.is_finite():
        raise ValueError(_FORM)
    if not 0 <= amount <= LARGEST:
        raise ValueError(f"must be from 0 to {LARGEST}")
    if amount != amount.quantize(Decimal("0.01")):
        raise ValueError(_FORM)
    return amount


def parse_price(value: object) -> object:
    """An amount that is not nothing: a price of 0 would let every budget through.

    Raises:
        ValueError: as `parse_amount`, or it is 0.
    """
    amount = parse_amount(value)
    if amount == 0:
        raise ValueError("must be greater than 0; leave it out when the price is not known")
    return amount


Amount = Annotated[Decimal, BeforeValidator(parse_amount)]
"""Money in the account's currency, 0 and more, exact to two places."""

Price = Annotated[Decimal, BeforeValidator(parse_price)]
"""Money in the account's currency, more than 0, exact to two places."""


def hundredths(amount: Decimal) -> Money:
    """The same amount as whole hundredths.

    >>> hundredths(Decimal("1200.5"))
    120050
    """
    return Money(int(amount * 100))


def told(amount: Decimal) -> str:
    """The same amount for people: whole, or with two places.

    >>> told(Decimal("220.0")), told(Decimal("310.5"))
    ('220', '310.50')
    """
    return f"{amount:.0f}" if amount == amount.to_integral_value() else f"{amount:.2f}"
