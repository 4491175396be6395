"""A region's demand over time: a curve of straight lines, its value and its area. Pure.

Points are (second of the scenario, requests per second). Before the first and after the last point the curve is level;
two points at one second are a jump.
"""

from collections.abc import Sequence
from itertools import pairwise

Points = Sequence[tuple[float, float]]


def demand_at(points: Points, second: float) -> float:
    """Requests per second at `second`.

    >>> demand_at([(0, 100), (60, 200)], 30)
    150.0
    """
    before = points[0]
    for point in points:
        if second < point[0]:
            return _between(before, point, second)
        before = point
    return float(before[1])


def area(points: Points, begin: float, end: float, ceiling: float = float("inf")) -> float:
    """Requests between two seconds, cut off at `ceiling` requests per second.

    >>> area([(0, 0), (10, 10)], 0, 10)
    50.0
    >>> area([(0, 0), (10, 10)], 0, 10, ceiling=5)
    37.5
    """
    inside = [(second, rate) for second, rate in points if begin < second <= end]
    path = [(begin, demand_at(points, begin)), *inside, (end, demand_at(points, end))]
    total = 0.0
    for before, after in pairwise(path):
        total += _piece(after[0] - before[0], before[1], after[1], ceiling)
    return total


def _between(before: tuple[float, float], after: tuple[float, float], second: float) -> float:
    width = after[0] - before[0]
    if width <= 0:
        return float(before[1])
    return before[1] + (after[1] - before[1]) * (second - before[0]) / width


def _piece(seconds: float, first: float, last: float, ceiling: float) -> float:
    low, high = min(first, last), max(first, last)
    if high <= ceiling:
        return seconds * (low + high) / 2
    if low >= ceiling:
        return seconds * ceiling
    over = (high - ceiling) / (high - low)
    return seconds * (low + high) / 2 - seconds * over * (high - ceiling) / 2
