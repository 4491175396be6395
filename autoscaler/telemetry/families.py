"""Families with a series for every region: each series is a finished line of the page, kept and changed in place.

Numbers come in, lines go out, the very ones that the Prometheus client library would print. A scrape then has nothing
to format: it joins lines. Where the library itself asks (`Family.metric`) the same series are given as its own classes.
Nothing here is known of events, and nothing is synchronised: all of it belongs to the event loop.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Literal

from prometheus_client.metrics_core import Metric
from prometheus_client.utils import floatToGoString

_PLAIN = 1e6
"""Below this, and finite, Go and Python write a number alike."""


class Labels:
    """The labels of a series, `{"region": "cn-wuxi"}`: made once and shared by all families that carry them.

    They are known by identity: within a family no other Labels may say the same.
    """

    __slots__ = ("pairs", "text")

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.pairs = tuple(labels.items())
        pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()))
        self.text = f"{{{pairs}}}" if pairs else ""


Labelled = tuple[Labels, str]
"""A series: its labels and its line."""


class Series:
    """One series. It is on the page while its value is not None; whoever writes it keeps it."""

    __slots__ = ("_labels", "_lines", "_sample", "value")

    def __init__(self, sample: str, labels: Labels, lines: dict[Labels, str]) -> None:
        self.value: float | None = None
        self._sample = sample
        self._labels = labels
        self._lines = lines

    def set(self, value: float | None) -> None:
        """Show this value; None takes the series off the page. A value that is shown already costs nothing."""
        if value == self.value and (value or repr(value) == repr(self.value)):  # 0.0 == -0.0, and is written otherwise
            return
        self.value = value
        if value is None:
            del self._lines[self._labels]
        else:
            self._lines[self._labels] = f"{self._sample}{self._labels.text} {as_text(value)}\n"

    def add(self, amount: float) -> None:
        """Count up from the value, or from zero."""
        self.set((self.value or 0.0) + amount)


class Family:
    """Series of one name, in the order in which they came to the page.

    Names must be those of the classic data model (`[a-zA-Z_][a-zA-Z0-9_]*`), a counter's must end in `_total`.
    """

    def __init__(self, name: str, documentation: str, kind: Literal["gauge", "counter"] = "gauge") -> None:
        self.sample = name
        self._documentation = documentation
        self._kind = kind
        self._lines: dict[Labels, str] = {}

    def series(self, labels: Labels) -> Series:
        """The series with these labels, not on the page yet. Of one and the same there must be one writer."""
        return Series(self.sample, labels, self._lines)

    def lines(self) -> list[str]:
        """The line of every series that is on the page now."""
        return list(self._lines.values())

    def labelled(self) -> list[Labelled]:
        """Labels and line of every series that is on the page now."""
        return list(self._lines.items())

    def metric(self, shown: Iterable[Labelled] = ()) -> Metric:
        """These series as the library's class."""
        metric = Metric(self.sample.removesuffix("_total"), self._documentation, self._kind)
        for labels, line in shown:
            metric.add_sample(self.sample, dict(labels.pairs), float(line.rpartition(" ")[2]))
        return metric


class Families:
    """Families that stand together on the page, in the order in which they were added."""

    def __init__(self) -> None:
        self._families: list[Family] = []

    def gauge(self, name: str, documentation: str) -> Family:
        """A new family of gauges."""
        return self._added(Family(name, documentation))

    def counter(self, name: str, documentation: str) -> Family:
        """A new family of counters."""
        return self._added(Family(name, documentation, "counter"))

    def __iter__(self) -> Iterator[Family]:
        return iter(self._families)

    def _added(self, family: Family) -> Family:
        self._families.append(family)
        return family


def as_text(value: float) -> str:
    """A number as the client library writes it, which is how Go does.

    >>> as_text(3), as_text(1700000000.5), as_text(float("inf"))
    ('3.0', '1.7000000005e+09', '+Inf')
    """
    number = float(value)
    if -_PLAIN < number < _PLAIN:
        return repr(number)
    return _as_go(number)


@lru_cache(maxsize=256)
def _as_go(number: float) -> str:
    """Kept, because most of these are the time of a tick, which all of its regions share."""
    return str(floatToGoString(number))  # type: ignore[no-untyped-call]  # the library left it untyped


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
