"""What goes wrong in a seed: on the network, at the vendor, with purchases, with the machine and its disk. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from autoscaler.simulator.chaos import ChaosRates
from autoscaler.simulator.faults import FaultKind
from tests.simulation.network import TROUBLES, Trouble

Kind = TypeVar("Kind")
VENDOR_PURCHASES: tuple[FaultKind, ...] = (
    "throttle",
    "error_500_json",
    "error_500_html",
    "call_interface",
    "drip",
    "truncate",
    "garbage",
    "hang_before",
    "accepted_202",
    "xml",
    "refuse",
)
_MORE_OF: tuple[FaultKind, ...] = (*("throttle",) * 4, *("error_500_json", "error_500_html") * 2, "drip")
"""What is of several kinds in itself: with and without a header, executed or not."""
VENDOR_READS: tuple[FaultKind, ...] = ("throttle", "error_500_json", "error_500_html", "drip", "truncate", "garbage")
"""The vendor's own faults; what the network does is in `network`."""


@dataclass(frozen=True, slots=True)
class Deaths:
    """How a seed's processes end. `every` is the mean life in seconds, `pause` the mean time until the next one.

    `per_write`, `per_statement` (of SQLite), `lies` and the others are chances (0 to 1), `full` the windows in which
    the disk is full.
    """

    every: float
    pause: float
    per_write: float
    per_statement: float
    lies: float
    around_purchase: float
    graceful: float
    stillborn: float
    held: float
    full: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Troubles:
    """All of it. `latest` is the longest that a request is held up on its way, in seconds; shares are 0 to 1.

    `network` are shares of purchases, and a read meets `reads` times as many. `odd_samples` is the share of samples
    that are stale, missing, NaN or from the future; `odd_purchases` that of purchases that do not go as ordered.
    `by_hand` is how many purchases people make at the console, `removals` how many nodes they take out of a cluster.
    """

    latest: float
    network: Mapping[Trouble, float]
    reads: float
    vendor: ChaosRates
    odd_samples: float
    odd_purchases: float
    by_hand: int
    removals: int
    deaths: Deaths
    clock_steps: tuple[tuple[float, float], ...]


def draw_troubles(chance: Random, quiet_from: float, deadline: float, settle_after: float) -> Troubles:
    """The troubles of a seed."""
    latest = deadline + 0.3 * settle_after
    return Troubles(
        latest=latest,
        network=_shares(chance, TROUBLES, chance.choice((0.0, 0.2, 0.4, 0.6))),
        reads=chance.choice((0.0, 0.1, 0.2)),
        vendor=ChaosRates(
            purchases=_shares(chance, VENDOR_PURCHASES + _MORE_OF, chance.choice((0.0, 0.2, 0.4, 0.6))),
            reads=_shares(chance, VENDOR_READS, chance.choice((0.0, 0.02, 0.05))),
            longest=latest,
        ),
        odd_samples=chance.choice((0.0, 0.0, 0.02, 0.1)),
        odd_purchases=chance.choice((0.0, 0.5, 0.9)),
        by_hand=chance.choice((0, 0, 0, 1, 3)),
        removals=chance.choice((0, 0, 0, 0, 1)),
        deaths=_deaths(chance, quiet_from),
        clock_steps=_clock_steps(chance, quiet_from),
    )


def _shares(chance: Random, kinds: tuple[Kind, ...], storm: float) -> dict[Kind, float]:
    """Some kinds, that together befall `storm` of the calls; one that stands there several times comes more often."""
    some = chance.sample(kinds, chance.randint(1, min(6, len(kinds))))
    shares: dict[Kind, float] = {}
    for kind in some if storm else ():
        shares[kind] = shares.get(kind, 0.0) + storm / len(some)
    return shares


def _deaths(chance: Random, quiet_from: float) -> Deaths:
    windows = []
    if chance.random() < 0.3:
        begin = chance.uniform(0, 0.9 * quiet_from)
        windows.append((begin, begin + chance.uniform(30, 1200)))
    return Deaths(
        every=chance.choice((900.0, 3600.0, 10_000.0)),
        pause=chance.choice((2.0, 30.0, 600.0)),
        per_write=chance.choice((0.0, 0.02, 0.08)),
        per_statement=chance.choice((0.0, 0.02, 0.05)),
        lies=chance.choice((0.0, 0.0, 0.03)),
        around_purchase=chance.choice((0.0, 0.1, 0.3)),
        graceful=chance.choice((0.0, 0.2)),
        stillborn=chance.choice((0.0, 0.3)),
        held=chance.choice((0.0, 0.0, 0.3)),
        full=tuple(windows),
    )


def _clock_steps(chance: Random, quiet_from: float) -> tuple[tuple[float, float], ...]:
    """(second, seconds): steps of the machine's clock; they add up to a few minutes at most."""
    if chance.random() < 0.6:
        return ()
    at = sorted(chance.uniform(0, quiet_from) for _ in range(chance.randint(1, 3)))
    return tuple((second, chance.uniform(-100, 100)) for second in at)
