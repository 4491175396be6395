"""How a region's demand falls on its nodes: evenly, on each node from the moment it joins. Pure.

Joins come in, the rate and the totals of one node go out. A node that joined late has the totals since it joined.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

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
    """A moment at which the number of nodes changed, and what a node that is there all the time had served by then."""

    second: float
    nodes: int
    requests: float
    busy: float


class RegionLoad:
    """One region's demand, shared by its nodes. Seconds count from the start of the scenario."""

    def __init__(self, demand: Points, capacity_per_node: float) -> None:
        self._demand = demand
        self._capacity = capacity_per_node
        self._changes: list[tuple[float, int]] = []
        self._marks: list[_Mark] = []
        self._seconds: list[float] = []

    def join(self, seconds: Sequence[float]) -> None:
        """Nodes join, each at its second; they may be told of in any order, and before that second has come."""
        self._change([(second, 1) for second in seconds])

    def leave(self, second: float) -> None:
        """A node that has joined leaves at that second."""
        self._change([(second, -1)])

    def _change(self, changes: list[tuple[float, int]]) -> None:
        for change in changes:
            insort(self._changes, change)
        first = min((second for second, _ in changes), default=inf)
        # What was served before the first change stays; all after it is computed anew.
        kept = bisect_left(self._seconds, first)
        del self._marks[kept:], self._seconds[kept:]
        for second, delta in self._changes[kept:]:
            requests, busy = self._served(second)
            nodes = (self._marks[-1].nodes if self._marks else 0) + delta
            self._marks.append(_Mark(second, nodes, requests, busy))
            self._seconds.append(second)

    def reading(self, joined_at: float, second: float) -> NodeReading:
        """A node that joined at `joined_at`, at `second`."""
        index = bisect_right(self._seconds, second) - 1
        nodes = max(1, self._marks[index].nodes if index >= 0 else 0)
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
        if mark.nodes < 1:
            return mark.requests, mark.busy
        offered = area(self._demand, mark.second, second)
        done = area(self._demand, mark.second, second, self._capacity * mark.nodes)
        return mark.requests + offered / mark.nodes, mark.busy + done / mark.nodes / self._capacity
