"""What a value in a request body may be. Each check gives what is wrong with a value, or None.

Values of any type come in, half sentences go out; no text repeats a value.
"""

from collections.abc import Callable

Check = Callable[[object], str | None]
"""What is wrong with a value, or None."""


def is_whole(value: object) -> bool:
    """Whether it is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def whole(value: object) -> int:
    """A number that a check has already found to be whole."""
    return value if isinstance(value, int) else 0


def text(value: object) -> str | None:
    """A text that is not empty."""
    return None if isinstance(value, str) and value else "must be a text that is not empty"


def flag(value: object) -> str | None:
    """A truth value."""
    return None if isinstance(value, bool) else "must be true or false"


def true(value: object) -> str | None:
    """Nothing but true."""
    return None if value is True else "must be true"


def between(low: int, high: int | None = None) -> Check:
    """A whole number from `low`, to `high` if that is given."""

    def check(value: object) -> str | None:
        if is_whole(value) and low <= whole(value) and (high is None or whole(value) <= high):
            return None
        return f"must be a whole number of at least {low}" + (f" and at most {high}" if high is not None else "")

    return check


def tens(low: int, high: int, or_none: bool) -> Check:
    """A size in GiB: a multiple of 10, or 0 where `or_none` says so."""

    def check(value: object) -> str | None:
        size = whole(value)
        if is_whole(value) and ((or_none and size == 0) or (low <= size <= high and size % 10 == 0)):
            return None
        return f"must be a multiple of 10 from {low} to {high}" + (", or 0" if or_none else "")

    return check


def one_of(*allowed: object) -> Check:
    """One of these."""

    def check(value: object) -> str | None:
        if value in allowed and not isinstance(value, bool | float):
            return None
        return f"must be one of {', '.join(str(one) for one in allowed)}"

    return check


def password(value: object) -> str | None:
    """A login password as the API page describes it."""
    if not isinstance(value, str) or not 8 <= len(value) <= 30:
        return "must have 8 to 30 characters"
    kinds = (str.isupper, str.islower, str.isdigit, lambda character: not character.isalnum())
    if sum(any(map(kind, value)) for kind in kinds) < 3:
        return "must have three of: upper-case letters, lower-case letters, digits, special characters"
    return None


def pascal(name: str) -> str:
    """The name of a field as error codes write it."""
    return "".join(part.capitalize() for part in name.split("_"))
