"""Money in words."""


def shown(amount: int) -> str:
    """Hundredths as a decimal number.

    >>> shown(24050)
    '240.50'
    """
    return f"{amount // 100}.{amount % 100:02d}"
