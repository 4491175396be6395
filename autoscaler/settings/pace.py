"""How often a source is asked and how long an answer may take: what `scrape_configs` and `prometheus` share.

Written values come in, the same values with Prometheus' default of the timeout go out.
"""

from collections.abc import Mapping
from typing import Any

from autoscaler.settings.base import parse_duration

DEFAULT_INTERVAL = 15.0
DEFAULT_TIMEOUT = 10.0


def with_timeout(written: Any, interval_key: str, timeout_key: str) -> Any:
    """As Prometheus does: an interval shorter than the default timeout shortens it, where no timeout is written."""
    if not isinstance(written, Mapping) or timeout_key in written:
        return written
    try:
        interval = parse_duration(written.get(interval_key))
    except ValueError:
        return written  # the field itself says what is wrong with it
    if not isinstance(interval, int | float) or not 0 < interval < DEFAULT_TIMEOUT:
        return written
    return {**written, timeout_key: interval}


def timeout_fits(timeout: float, interval: float, names: tuple[str, str]) -> None:
    """Both in seconds; `names` are their keys. Raises ValueError where the timeout is longer than the interval."""
    if timeout > interval:
        raise ValueError(f"{names[0]} ({timeout:g} s) must not exceed {names[1]} ({interval:g} s)")
