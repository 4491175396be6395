"""Whether the limits of policies can be meant: quotas that forbid the minimum, brakes that are off, no limit at all.

A read policy directory and values of autoscaler.yaml come in, problems and notices go out. Problems are judged from raw
values, so that a broken document still takes part; notices are for a directory without problems.
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from autoscaler.policy.language import ScaleUp, ScalingPolicy
from autoscaler.settings.base import duration
from autoscaler.settings.documents import Directory, Written
from autoscaler.settings.outline import Site, budgets, dig, place
from autoscaler.settings.problems import Problem, YamlPath, several, written
from autoscaler.settings.template import NodeTemplate

_SCALE_UP: YamlPath = ("spec", "behavior", "scaleUp")
_PER_DAY: YamlPath = (*_SCALE_UP, "maxNodesPerDay")
_EVER: YamlPath = (*_SCALE_UP, "maxNodesEver")
_SHORT_WINDOW = 3600.0
"""Seconds: a window below it forgets nodes that never came about as fast as a task ends."""
_DEFAULTS = ScaleUp()


def share_for_percent(value: float) -> str:
    """Why a percentage below 1 is probably a share, and what to write instead; "" for any other.

    >>> share_for_percent(0.45)
    '0.45 is 0.45 %; write 45 for 45 %'
    """
    return f"{value:g} is {value:g} %; write {value * 100:g} for {value * 100:g} %" if 0 < value < 1 else ""


def limit_problems(directory: Directory) -> Iterator[Problem]:
    """Quotas that can not pay for `minNodes`: the region would ask for ever, and never get."""
    for policy in directory.of("ScalingPolicy"):
        least = _count(policy, ("spec", "minNodes"))
        ever, day = _count(policy, _EVER), _count(policy, _PER_DAY)
        if least and ever is not None and ever < least:
            reason = f"minNodes ({least}) can not be bought with it"
            hint = f"raise it to {least} or more, or lower minNodes to {ever}"
            yield policy.document.problem(_EVER, reason, value=str(ever), hint=hint)
        if least and day == 0:
            reason = f"minNodes ({least}) can not be bought with it"
            hint = "raise it to 1 or more, leave it out for no quota, or lower minNodes to 0"
            yield policy.document.problem(_PER_DAY, reason, value="0", hint=hint)


def limit_notices(directory: Directory, fleet: Sequence[Site], *, fleet_percent: float) -> Iterator[str]:
    """Limits that stop everything or nothing. `fleet_percent` is brakes.max_unready_percent."""
    for policy in directory.of("ScalingPolicy"):
        if isinstance(policy.model, ScalingPolicy):
            yield from _never_buys(policy, policy.model)
            percent = share_for_percent(policy.model.spec.behavior.scale_up.max_unready_percent)
            if percent:
                path = (*_SCALE_UP, "maxUnreadyPercent")
                yield f"{place(policy, path)}: {written(path)}: {percent}"
            yield from _brakes_off(policy, policy.model, fleet_percent)
    yield from _unlimited(directory, fleet)


def timeout_notices(directory: Directory, fleet: Sequence[Site], *, node_deadline: float) -> Iterator[str]:
    """Templates that let the API work on for longer than its nodes are waited for. `node_deadline` is seconds."""
    sent = {site.template.name for site in fleet if site.template is not None and site.operation == "ScaleOutCluster"}
    for template in directory.of("NodeTemplate"):
        model = template.model
        if not isinstance(model, NodeTemplate) or model.name not in sent or model.spec.timeout_mins is None:
            continue
        seconds = model.spec.timeout_mins * 60.0
        if seconds > node_deadline:
            path = ("spec", "timeout_mins")
            yield (
                f"{place(template, path)}: {written(path)}: {model.spec.timeout_mins} minutes are longer than "
                f"executor.node_deadline ({duration(node_deadline)}): an order is overdue, and a human called, before "
                f"the API itself gives up; set node_deadline to {duration(seconds)} or more"
            )


def _never_buys(policy: Written, model: ScalingPolicy) -> Iterator[str]:
    scale_up = model.spec.behavior.scale_up
    zeros: tuple[tuple[YamlPath, int | None], ...] = (
        (("spec", "maxNodes"), model.spec.max_nodes),
        (_PER_DAY, scale_up.max_nodes_per_day),
        (_EVER, scale_up.max_nodes_ever),
    )
    for path, value in zeros:
        if value == 0:
            yield f"{place(policy, path)}: {written(path)}: with 0 the policy never buys a node; raise it to buy any"


def _brakes_off(policy: Written, model: ScalingPolicy, fleet_percent: float) -> Iterator[str]:
    scale_up = model.spec.behavior.scale_up
    off: list[str] = []
    if scale_up.breaker_seconds == 0:
        off.append(f"breakerSeconds 0 buys again at once after orders in vain (default {_DEFAULTS.breaker_seconds:g})")
    if scale_up.failed_joins_to_latch == 0:
        joins = _DEFAULTS.failed_joins_to_latch
        off.append(f"failedJoinsToLatch 0 buys on however many nodes fail to join (default {joins})")
    if scale_up.window_seconds < _SHORT_WINDOW:
        seconds = f"{scale_up.window_seconds:g}"
        default = f"{_DEFAULTS.window_seconds:g}"
        off.append(f"windowSeconds {seconds} forgets nodes that never came after {seconds} s (default {default})")
    if scale_up.max_unready_percent == 100 and fleet_percent == 100:
        off.append(
            "maxUnreadyPercent and brakes.max_unready_percent 100 buy into an outage "
            f"(default {_DEFAULTS.max_unready_percent:g} and 45)"
        )
    if off:
        yield f"{place(policy, _SCALE_UP)}: ScalingPolicy {model.name!r} has brakes switched off: {'; '.join(off)}"


def _unlimited(directory: Directory, fleet: Sequence[Site]) -> Iterator[str]:
    """Regions where nothing bounds what is bought over time: `maxNodes` bounds what is there at a time only."""
    models = [one.model for one in directory.of("ScalingPolicy") if isinstance(one.model, ScalingPolicy)]
    open_ended = [glob for model in models if _has_no_quota(model) for glob in model.spec.regions]
    every = [budget for one in directory.of("Fleet") for budget in budgets(one)]
    found = [
        site.region
        for site in fleet
        if any(fnmatchcase(site.region.name, glob) for glob in open_ended)
        and not any(budget.covers(site.region.name) for budget in every)
    ]
    if found:
        yield (
            f"{found[0].place}: neither quota nor budget in {several([one.name for one in found])}: a metric that "
            "lies buys for as long as it lies; set maxNodesPerDay or maxNodesEver in the policy, or a budget in the "
            "Fleet"
        )


def _has_no_quota(model: ScalingPolicy) -> bool:
    scale_up = model.spec.behavior.scale_up
    return scale_up.max_nodes_per_day is None and scale_up.max_nodes_ever is None and model.spec.max_nodes > 0


def _count(policy: Written, path: YamlPath) -> int | None:
    value = dig(policy.document.value, *map(str, path))
    return value if isinstance(value, int) and not isinstance(value, bool) else None
