"""The table at the end of a run: what the seeds held, and which kinds of trouble none of them held."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from tests.simulation.fates import ODD_PURCHASES
from tests.simulation.network import TROUBLES
from tests.simulation.troubles import VENDOR_PURCHASES

ENOUGH_SEEDS = 100
"""From so many seeds on every kind must have come up; fewer may miss some by chance."""
_CRASHES = (
    "at its start",
    "between two steps",
    "around a purchase",
    "before a write",
    "after a write",
    "between two statements",
    "inside a commit",
)
_SOLD = (
    "answer late",
    "answer lost",
    "delivered twice",
    "request late",
    "vendor's drip",
    "vendor's error_500_html",
    "vendor's error_500_json",
)
_MATTERED = (
    "a list hides instances",
    "a list hides nodes",
    "a list hides tasks",
    "a list shows instances twice",
    "a list shows nodes twice",
    "a list shows tasks twice",
    "a human settled a doubt",
    "a task is not found yet",
    "evidence is older than its call by the clocks",
)
REQUIRED: tuple[str, ...] = (
    "orders",
    "sales",
    *(f"fault: {trouble}" for trouble in TROUBLES),
    *(f"fault: vendor's {kind}" for kind in VENDOR_PURCHASES),
    *(f"throttled: {who} {how} x-acs-retry-after" for who in ("purchase", "read") for how in ("with", "without")),
    *(f"sold, and yet: {what}" for what in _SOLD),
    *(f"purchase: {kind}" for kind in ODD_PURCHASES),
    *(f"mattered: {what}" for what in _MATTERED),
    "people: bought by hand",
    "people: removed a node",
    "fault: clock set",
    "fault: disk full",
    "fault: process held",
    "fault: write reported as failed",
    *(f"crash: {where}" for where in _CRASHES),
    "stop: asked to",
    *(f"sample: {kind}" for kind in ("future", "missing", "nan", "stale")),
    "doubt: accepted (EvidenceFound)",
    "doubt: planned (AbsenceProven)",
    "call: DescribePrice ok",
)
"""What a run must have provoked at least once."""


def missing(counts: Counter[str]) -> Sequence[str]:
    """The kinds that never came up."""
    return [kind for kind in REQUIRED if not counts[kind]]


def table(seeds: int, seconds: float, counts: Counter[str]) -> str:
    """The whole table. `seconds` are simulated."""
    lines = [
        f"{seeds} seeds, {seconds / 86_400:.1f} days of operation, {counts['lives']} lives of the daemon",
        f"{counts['orders']} orders, {counts['sales']} sales",
        *_groups(counts),
    ]
    return "\n".join(lines)


def _groups(counts: Counter[str]) -> Iterator[str]:
    """`group: kind` counts, a line for each group with its sum and one for each kind."""
    named = sorted((kind.split(": ", 1), times) for kind, times in counts.items() if ": " in kind)
    for group, rows in groupby(named, key=lambda row: row[0][0]):
        kinds = [(kind[1], times) for kind, times in rows]
        yield f"{_TITLES.get(group, group)}: {sum(times for _, times in kinds)}"
        yield from (f"  {kind:<44}{times:>9}" for kind, times in kinds)


_TITLES = {
    "attention": "regions that call a human at the end",
    "call": "calls",
    "crash": "crashes",
    "doubt": "in-doubt settlements",
    "ended": "orders that ended",
    "exit": "lives that could not go on",
    "fault": "faults",
    "mattered": "troubles that mattered",
    "output": "output that was searched for secrets",
    "people": "acts of people",
    "purchase": "purchases that did not go as ordered",
    "sample": "odd samples",
    "stop": "stops",
}
