"""Whether the times and paces of autoscaler.yaml make sense together.

What file and environment say comes in, problems and notices go out, each with the numbers that do not fit. Values that
are wrong by themselves are not compared: they have been complained about.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from autoscaler.settings.alibaba import AlibabaSettings
from autoscaler.settings.base import duration, parse_duration
from autoscaler.settings.limits import share_for_percent
from autoscaler.settings.problems import YamlPath
from autoscaler.settings.shape import Settings

_DEFAULTS = Settings.model_construct(alibaba=AlibabaSettings.model_construct(region=""))
_LONGEST_BURST = 60.0
"""Seconds of an action's pace that may go at once before somebody should hear of it."""


_SHORTEST_SETTLING = 60.0
"""Seconds below which `settle_after` is unlikely to outlast the lag of the API's lists."""


@dataclass(frozen=True, slots=True)
class Relation:
    """Two values that do not fit: where the one to change is, and why. A `problem` is not run, a notice is."""

    path: YamlPath
    reason: str
    problem: bool


def relations(raw: Mapping[str, object]) -> list[Relation]:
    """Everything that does not fit. `raw` is autoscaler.yaml with the environment laid over it."""
    return [*_times(raw), *_lag(raw), *_bursts(raw), *_percent(raw)]


def _times(raw: Mapping[str, object]) -> Iterator[Relation]:
    poll, age = ("executor", "poll_interval"), ("executor", "capacity_max_age")
    first, longest = ("executor", "backoff", "first"), ("executor", "backoff", "longest")
    valid, timeout = ("executor", "decision_valid_for"), ("alibaba", "timeout")
    settle, deadline = ("executor", "settle_after"), ("executor", "node_deadline")
    yield from _ordered(
        raw, poll, age, "every reading of the nodes would be too old before the next one, and nothing ever ordered"
    )
    yield from _ordered(raw, first, longest, "it is the longest pause of all", equal=True)
    yield from _ordered(raw, timeout, settle, "a call may still be under way when its absence is taken for proven")
    yield from _ordered(
        raw, timeout, valid, "an order whose call timed out is too old to be sent again", equal=True, problem=False
    )
    yield from _ordered(
        raw, settle, deadline, "an order may be overdue before it is known whether it was bought", problem=False
    )


def _ordered(
    raw: Mapping[str, object],
    less: YamlPath,
    more: YamlPath,
    because: str,
    *,
    equal: bool = False,
    problem: bool = True,
) -> Iterator[Relation]:
    """`more` must be greater than `less`, or `equal` to it at least."""
    low, high = _number(raw, less), _number(raw, more)
    if low is None or high is None or low < high or (equal and low == high):
        return
    must = f"{'must' if problem else 'should'} {'be at least' if equal else 'be greater than'}"
    yield Relation(more, f"{must} {'.'.join(map(str, less))} ({low:g} s), and is {high:g} s: {because}", problem)


def _lag(raw: Mapping[str, object]) -> Iterator[Relation]:
    """The API shows late what was bought. With endpoints by http:// it is a simulator, which has a lag of its own."""
    path: YamlPath = ("executor", "settle_after")
    settle = _number(raw, path)
    if settle is not None and settle < _SHORTEST_SETTLING and not _simulated(raw):
        reason = (
            f"{duration(settle)} may be less than the API's own lag: a purchase that it does not show yet is taken for "
            f"not made, and made again; write {duration(_SHORTEST_SETTLING)} or more (default "
            f"{duration(_DEFAULTS.executor.settle_after)})"
        )
        yield Relation(path, reason, problem=False)


def _simulated(raw: Mapping[str, object]) -> bool:
    return str(_dig(raw, ("alibaba", "allow_http"))).lower() in {"true", "1"}


def _percent(raw: Mapping[str, object]) -> Iterator[Relation]:
    path: YamlPath = ("brakes", "max_unready_percent")
    reason = share_for_percent(_number(raw, path) or 0.0)
    if reason:
        yield Relation(path, reason, problem=False)


def _bursts(raw: Mapping[str, object]) -> Iterator[Relation]:
    """A burst is split between polling and purchases, and each part is one call at least."""
    reads: YamlPath = ("executor", "reads")
    share = _number(raw, (*reads, "purchase_share"))
    actions = _dig(raw, (*reads, "per_action"))
    for path in (reads, *((*reads, "per_action", name) for name in (actions if isinstance(actions, dict) else ()))):
        burst, pace = _number(raw, (*path, "burst")), _number(raw, (*path, "per_second"))
        if burst is None or pace is None or share is None:
            continue
        if round(burst * min(share, 1 - share)) < 1:
            reason = f"{burst:g} is too small for shares of {share:g} and {1 - share:g}: each lets 1 call go at once"
            yield Relation((*path, "burst"), reason, problem=False)
        if burst > pace * _LONGEST_BURST:
            reason = f"lets {burst:g} calls go at once, {burst / pace:.0f} s of the pace of {pace:g} per second"
            yield Relation((*path, "burst"), reason, problem=False)


def _number(raw: Mapping[str, object], path: YamlPath) -> float | None:
    """The number or duration at a path, its default if it is not written, None if what is written is neither."""
    written = _dig(raw, path)
    try:
        value = parse_duration(_default(path) if written is None else written)
    except ValueError:
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _dig(value: object, path: YamlPath) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _default(path: YamlPath) -> object:
    value: object = _DEFAULTS
    for key in path:
        value = getattr(value, str(key), None)
    return value
