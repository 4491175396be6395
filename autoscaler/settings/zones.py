"""Time zones as the IANA database names them.

A name comes in, nothing or a ValueError goes out: a budget's day must begin at a moment that can be told.
"""

from zoneinfo import ZoneInfo, available_timezones

from autoscaler.settings.problems import Mistake, nearest


def require_zone(name: str) -> None:
    """Refuse a time zone that can not be counted in.

    Raises:
        Mistake: this machine does not know it, or has no time zone database at all.
    """
    if is_zone(name):
        return
    known = available_timezones()
    if not known:
        raise Mistake("there is no time zone database on this machine; install the package tzdata")
    close = nearest(name, sorted(known))
    hint = "" if close is None else f"did you mean {close!r}?"
    raise Mistake("is no time zone of the IANA database, e.g. Asia/Shanghai", hint)


def is_zone(name: str) -> bool:
    """Whether this machine knows the time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name of a directory, such as `Asia`
        return False
    return True
