"""Pages of metrics that change as real ones do. Pure: a seed goes in, the same bytes come out every time.

A page is generated in several versions. From one to the next a share of the values moves and a share of the series
takes a new identity for good, e.g. pods that were replaced; families may come in another order of series. MARK stands
in every new identity: whoever serves the page writes the target's own name in its place, so that no two targets share
what is new (it would flatter a reader that shares equal labels).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from bench.values import first_value, go_float, next_value

MARK = b"~000000"
VERSIONS = 16
"""After so many scrapes a target begins anew. A benchmark scrapes each target about six times."""


@dataclass(slots=True)
class Entity:
    """What gives series their identity. `own_on_each_target` if even its first name differs between targets."""

    own_on_each_target: bool = False
    generation: int = 0

    @property
    def suffix(self) -> str:
        """What stands behind its name."""
        mark = MARK.decode()
        if self.generation:
            return f".g{self.generation}{mark}"
        return mark if self.own_on_each_target else ""


@dataclass(slots=True)
class Series:
    """One line of a page: what stands before and behind the entity's suffix, and the value."""

    before: str
    after: str
    value: float
    entity: Entity | None = None

    def line(self) -> str:
        """The line as it is now."""
        return f"{self.before}{self.entity.suffix if self.entity else ''}{self.after} {go_float(self.value)}"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: `kind` is its type, `moves` False for series that state a constant."""

    name: str
    kind: str
    about: str
    series: list[Series] = field(default_factory=list)
    moves: bool = True

    def lines(self) -> list[str]:
        """HELP, TYPE and the series."""
        head = [f"# HELP {self.name} {self.about}", f"# TYPE {self.name} {self.kind}"]
        return head + [one.line() for one in self.series]


@dataclass(frozen=True, slots=True)
class Change:
    """What happens between two scrapes: shares from 0 to 1, and whether series come in another order."""

    values: float
    churn: float
    shuffled: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A page in its versions, and the families that are wanted of it."""

    versions: tuple[bytes, ...]
    wanted: tuple[str, ...]

    def body(self, version: int, name: bytes) -> bytes:
        """The page as one target gives it. `name` stands for MARK and has its length: framing stays as it is."""
        return self.versions[version % len(self.versions)].replace(MARK, name)


def evolve(families: Sequence[Family], change: Change, dice: Random, versions: int = VERSIONS) -> tuple[bytes, ...]:
    """The page in `versions` versions, the first as it is. The families are changed in place."""
    moving = [(family.kind, one) for family in families if family.moves for one in family.series]
    entities = list({id(one.entity): one.entity for f in families for one in f.series if one.entity}.values())
    pages = [_text(families)]
    for version in range(1, versions):
        for kind, one in dice.sample(moving, round(len(moving) * change.values)):
            one.value = next_value(kind, one.value, dice)
        for entity in dice.sample(entities, _at_least_one(entities, change.churn)):
            entity.generation = version
        if change.shuffled:
            for family in families:
                dice.shuffle(family.series)
        pages.append(_text(families))
    return tuple(pages)


def _at_least_one(entities: Sequence[Entity], share: float) -> int:
    return min(len(entities), max(1, round(len(entities) * share))) if share else 0


def _text(families: Sequence[Family]) -> bytes:
    return ("\n".join(line for family in families for line in family.lines()) + "\n").encode()


Labels = Sequence[tuple[str, str]]
"""Label names and values; the first is the one whose value tells the entity apart."""


def family(
    name: str, kind: str, about: str, rows: Sequence[tuple[Labels, Entity | None]], dice: Random, value: str = ""
) -> Family:
    """A family with one series for each row. `value` is "zero" or "one" for series that never move."""
    made = Family(name, kind, about, moves=not value)
    for labels, entity in rows:
        start = first_value(value or kind, dice)
        if not labels:
            made.series.append(Series(name, "", start))
            continue
        (first, identity), *rest = labels
        tail = "".join(f',{label}="{text}"' for label, text in rest)
        made.series.append(Series(f'{name}{{{first}="{identity}', f'"{tail}}}', start, entity))
    return made


def chunked(body: bytes, *, gzipped: bool = False) -> bytes:
    """An HTTP/1.1 answer, framed as Go's net/http and promhttp frame it: chunks of 2,048 bytes, no Content-Length."""
    encoding = b"Content-Encoding: gzip\r\n" if gzipped else b""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n" + encoding +
        b"Date: Tue, 24 Nov 2026 08:03:01 GMT\r\nTransfer-Encoding: chunked\r\n\r\n"
    )  # fmt: skip
    parts = [head]
    for start in range(0, len(body), _CHUNK):
        piece = body[start : start + _CHUNK]
        parts += (b"%x\r\n" % len(piece), piece, b"\r\n")
    parts.append(b"0\r\n\r\n")
    return b"".join(parts)


_CHUNK = 2048
