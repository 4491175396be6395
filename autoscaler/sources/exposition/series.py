"""What the targets of a job share: the labels of each series that any of them states, and the lists of series.

Bytes that name series come in, label sets go out, each of them once. All of it is held weakly: a series that no target
states any more is forgotten, so that weeks of churn leave nothing behind.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter
from weakref import WeakValueDictionary

from autoscaler.model.reason import Reason
from autoscaler.sources.exposition.grammar import labels_of, shown
from autoscaler.sources.exposition.refusal import Unparsable
from autoscaler.sources.exposition.shape import Span


class LabelSet(dict[str, str]):
    """The labels of one series: `key` are the bytes that say so, `ident` is equal where labels are equal."""

    __slots__ = ("__weakref__", "ident", "key")

    def __init__(self, key: bytes, labels: Mapping[str, str]) -> None:
        super().__init__(labels)
        self.key = key
        self.ident = hash(frozenset(self.items()))


_ident = attrgetter("ident")
_key = attrgetter("key")


class SeriesList:
    """The series of one metric in the order of a page: `keys[i]` are the bytes that name `series[i]`."""

    __slots__ = ("__weakref__", "keys", "series")

    def __init__(self, series: tuple[LabelSet, ...]) -> None:
        self.series = series
        self.keys: tuple[bytes, ...] = tuple(map(_key, series))


class PageSeries:
    """All series that a page states: `lists[i]` are those of the metric `spans[i]`, `keys` those of all of them."""

    __slots__ = ("__weakref__", "keys", "lists", "places", "spans")

    def __init__(self, spans: Sequence[Span], lists: Sequence[SeriesList]) -> None:
        self.spans = spans
        self.lists = lists
        self.places = [(*span, one.series) for span, one in zip(spans, lists, strict=True)]
        """Of each metric where its values stand, and what they are of."""
        self.keys: tuple[bytes, ...] = tuple(chain.from_iterable(one.keys for one in lists))

    def of(self, metric: str) -> SeriesList | None:
        """The series of one metric."""
        return next((one for span, one in zip(self.spans, self.lists, strict=True) if span.metric == metric), None)


class SeriesPool:
    """One per scrape job."""

    def __init__(self) -> None:
        self._labels: WeakValueDictionary[bytes, LabelSet] = WeakValueDictionary()
        self._lists: WeakValueDictionary[tuple[bytes, ...], SeriesList] = WeakValueDictionary()
        self._pages: WeakValueDictionary[tuple[bytes, ...], PageSeries] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._labels)

    def page(self, spans: Sequence[Span], keys: tuple[bytes, ...], former: PageSeries | None) -> PageSeries:
        """The series that `keys` name. `former` is what the target stated before: most of them are likely to be there.

        Raises:
            Unparsable: a key names no series, or two of them name the same one.
        """
        page = self._pages.get(keys)
        if page is None:
            lists = [
                self._list(keys[start:stop], None if former is None else former.of(metric))
                for metric, start, stop in spans
            ]
            page = PageSeries(spans, lists)
            self._pages[page.keys] = page
        return page

    def _list(self, keys: tuple[bytes, ...], former: SeriesList | None) -> SeriesList:
        if former is not None and former.keys == keys:
            return former
        shared = self._lists.get(keys)
        if shared is not None:
            return shared
        known = {} if former is None else dict(zip(former.keys, former.series, strict=True))
        made = SeriesList(tuple([known.get(key) or self._of(key) for key in keys]))
        _refuse_twice(made.series)
        self._lists[made.keys] = made
        return made

    def _of(self, key: bytes) -> LabelSet:
        labels = self._labels.get(key)
        if labels is None:
            labels = self._labels[key] = LabelSet(key, labels_of(key))
        return labels


def _refuse_twice(series: Sequence[LabelSet]) -> None:
    """Raises Unparsable if two of the series are the same: what stands twice would be counted twice."""
    if len(set(map(_ident, series))) == len(series):
        return
    seen: set[frozenset[tuple[str, str]]] = set()
    for labels in series:
        items = frozenset(labels.items())
        if items in seen:
            raise Unparsable(f"a series stands on the page twice: {shown(labels.key)}", Reason.SERIES_TWICE)
        seen.add(items)
