"""How a region's demand falls on its nodes: evenly, on each node from the moment it joins. Pure.

Joins come in, the rate and the totals of one node go out. A node that joined late has the totals since it joined.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.simulator.demand import Points, area, demand_at


@dataclass(frozen=True, slots=True)
class NodeReading:
    """One node at one moment. `rate` is requests/s, `utilization` 0 to 1; the totals are since the node joined.

    `busy_seconds` is the time for which the node was at work, weighted by its utilization.
    """

    rate: float
    utilization: float
    requests: float
    busy_seconds: float
    up_seconds: float


@dataclass(frozen=True, slots=True)
class _Mark:
    """A moment at which nodes joined: how many there are since, and what one node from the start had served by then."""

    second: float
    nodes: int
    requests: float
    busy: float


class RegionLoad:
    """One region's demand, shared by its nodes. Seconds count from the start of the scenario."""

    def __init__(self, demand: Points, capacity_per_node: float) -> None:
        self._demand = demand
        self._capacity = capacity_per_node
        self._marks: list[_Mark] = []
        self._seconds: list[float] = []

    @property
    def joined(self) -> int:
        """Nodes known so far, those that will join later included."""
        return self._marks[-1].nodes if self._marks else 0

    def join(self, seconds: Sequence[float]) -> None:
        """Nodes join, each at its second. Calls come in the order of time: machines are sold in that order."""
        for second in seconds:
            requests, busy = self._served(second)
            self._marks.append(_Mark(second, self.joined + 1, requests, busy))
            self._seconds.append(second)

    def reading(self, joined_at: float, second: float) -> NodeReading:
        """A node that joined at `joined_at`, at `second`."""
        nodes = max(1, bisect_right(self._seconds, second))
        rate = demand_at(self._demand, second) / nodes
        (requests, busy), (requests_before, busy_before) = self._served(second), self._served(joined_at)
        return NodeReading(
            rate=rate,
            utilization=min(1.0, rate / self._capacity),
            requests=requests - requests_before,
            busy_seconds=busy - busy_before,
            up_seconds=second - joined_at,
        )

    def _served(self, second: float) -> tuple[float, float]:
        """Requests and busy seconds of a node that was there from the first join until `second`."""
        index = bisect_right(self._seconds, second) - 1
        if index < 0:
            return 0.0, 0.0
        mark = self._marks[index]
        offered = area(self._demand, mark.second, second)
        done = area(self._demand, mark.second, second, self._capacity * mark.nodes)
        return mark.requests + offered / mark.nodes, mark.busy + done / mark.nodes / self._capacity
