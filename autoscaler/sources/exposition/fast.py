"""The fast path: a page comes in, what it says of the wanted metrics goes out, or None: "not sure".

One search over the page (Aho-Corasick) finds every line that begins with a wanted name, and every line that could hide
one, led by a blank or a brace. Nothing is refused here: what is not plainly in order is left to the strict path.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter
from weakref import WeakValueDictionary

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from autoscaler.sources.exposition.block import Statement, statement_of
from autoscaler.sources.exposition.framing import EOF, Page
from autoscaler.sources.exposition.grammar import IS_NAME
from autoscaler.sources.exposition.refusal import MAX_WANTED
from autoscaler.sources.exposition.shape import Shape

_CHUNK = 512 * 1024
"""Bytes that are searched at a time: bounds the matches that are held of a hostile page."""
_IN_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:")

_Match = tuple[int, int, int]
"""Pattern, start and end; the start is the line end before the line."""
_pattern = itemgetter(0)


class FastPath:
    """One per scrape job: the search for its wanted metrics, and the shapes that its pages have."""

    def __init__(self, wanted: AbstractSet[str]) -> None:
        names = sorted(name for name in wanted if IS_NAME(name.encode()))
        usual = [(name, b"\n" + name.encode() + after) for name in names for after in (b"{", b" ", b"\t")]
        # A name by itself is found only where none of the usual follows it, since the longest pattern wins.
        bare = [b"\n" + name.encode() for name in names]
        self._metrics = [name for name, _ in usual]
        self._eof = len(usual) + len(bare)
        patterns = [*(pattern for _, pattern in usual), *bare, b"\n" + EOF, b"\n ", b"\n\t", b"\n{"]
        search = BytesAhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest)
        self._search = search.find_matches_as_indexes
        self._shapes: WeakValueDictionary[tuple[int, ...], Shape] = WeakValueDictionary()

    def read(self, page: Page, former: Shape | None) -> tuple[Shape, Statement] | None:
        """What the page says, and its shape; None where the strict path must say. `former`: the target's last shape."""
        text = page.text
        matches = None if b"\r" in text else self._found(text)
        if matches is None:
            return None
        patterns = tuple(map(_pattern, matches))
        shape = former if former is not None and former.patterns == patterns else self._shape(patterns)
        if shape.hides:
            return None
        for place in shape.doubtful:
            if not self._harmless(page, matches[place]):
                return None
        statement = statement_of(shape, _block(text, matches, shape), openmetrics=page.openmetrics)
        return None if statement is None else (shape, statement)

    def _shape(self, patterns: tuple[int, ...]) -> Shape:
        shape = self._shapes.get(patterns)
        if shape is None:
            shape = self._shapes[patterns] = Shape(patterns, self._metrics, self._eof)
        return shape

    def _found(self, text: bytes) -> Sequence[_Match] | None:
        """All matches, in the order of the page; None if they are too many to be all right."""
        if len(text) <= _CHUNK:
            found = self._search(text)
            return found if len(found) <= MAX_WANTED else None
        view, start, found = memoryview(text), 0, []
        while start < len(text):
            stop = text.find(b"\n", start + _CHUNK)
            stop = len(text) if stop < 0 else stop
            found += [(which, start + first, start + end) for which, first, end in self._search(view[start:stop])]
            if len(found) > MAX_WANTED:
                return None
            start = stop
        return found

    def _harmless(self, page: Page, match: _Match) -> bool:
        """Whether this is the line of a longer name, which nobody wants, or the end of the page."""
        pattern, _, end = match
        after = page.text[end : end + 2]
        if pattern < self._eof:
            return after[0] in _IN_NAME
        return not (page.openmetrics and len(after) > 1 and after.startswith(b"\n"))


def _block(text: bytes, matches: Sequence[_Match], shape: Shape) -> bytes:
    """The wanted lines, metric by metric, each with the line end before it."""
    find = text.find
    block = b"".join([text[matches[first][1] : find(b"\n", matches[last][2])] for first, last in shape.runs])
    if len(shape.runs) == shape.lines or block.count(b"\n") == shape.lines:
        return block
    # Other lines stand between them.
    places = (place for first, last in shape.runs for place in range(first, last + 1))
    return b"".join([text[matches[place][1] : find(b"\n", matches[place][2])] for place in places])
