"""The edge: what the daemon's source of samples learns about the nodes, and what goes wrong with that.

Demand is shared evenly by the nodes that are ready; a node in the dark can not be read. Samples may be old, missing or
NaN while the weather is bad.
"""

import asyncio
import math
from collections.abc import Mapping
from random import Random

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Column, TargetStatus, Wave
from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.scenario import Scenario
from tests.simulation.clocks import EPOCH, MachineClock
from tests.simulation.story import Story

SOURCE = "edge"
RATE = "edge_requests_per_second"
SATURATION = "edge_cpu_utilization_percent"
_ONE: tuple[Mapping[str, str], ...] = ({},)
"""One series without labels."""


class EdgeSource:
    """Implements ports.SampleSource over the books of one vendor. `trouble` (0 to 1) is the share of odd samples."""

    def __init__(
        self,
        books: CloudBooks,
        scenario: Scenario,
        clock: MachineClock,
        chance: Random,
        story: Story,
        interval: float,
        trouble: float,
        quiet_from: float,
    ) -> None:
        self._books = books
        self._scenario = scenario
        self._clock = clock
        self._chance = chance
        self._story = story
        self._interval = interval
        self._trouble = trouble
        self._quiet_from = quiet_from
        self._due = -math.inf

    @property
    def name(self) -> str:
        return SOURCE

    def pause(self) -> float:
        """Seconds until the next pass; they are counted from start to start."""
        return max(0.0, self._due - self._clock.monotonic())

    async def collect(self) -> Wave:
        """One pass over every node."""
        self._due = self._clock.monotonic() + self._interval
        await asyncio.sleep(self._chance.choice((0.1, 0.4, 2.0)))
        second = self._clock.monotonic()
        odd = self._trouble if second < self._quiet_from else 0.0
        targets: list[TargetStatus] = []
        for region in self._scenario.regions:
            name = RegionId(region.region)
            ready = [machine.id for machine in self._books.ready(name, EPOCH + second)]
            dark = region.is_dark(second)
            load = region.demand_at(second) / max(1, len(ready))
            for node in ready:
                if dark or self._chance.random() < odd:
                    targets.append(TargetStatus(node, name, False, Reason.TIMED_OUT))
                    continue
                targets.append(TargetStatus(node, name, True, Reason.UP, columns=self._read(load, odd)))
        return Wave(SOURCE, self._clock.now(), 1.0, tuple(targets))

    def _read(self, load: float, odd: float) -> Mapping[str, Column]:
        at, value = self._clock.now(), load
        if odd and self._chance.random() < odd:
            kind = self._chance.choice(("stale", "nan", "missing", "future"))
            self._story.count(f"sample: {kind}")
            if kind == "missing":
                return {}
            at += {"stale": -3600.0, "future": 3600.0}.get(kind, 0.0)
            value = math.nan if kind == "nan" else value
        busy = 100.0 * value / self._scenario.capacity_per_node
        return {RATE: Column(_ONE, (value,), at), SATURATION: Column(_ONE, (busy,), at)}

    async def close(self) -> None:
        """Nothing to release."""
