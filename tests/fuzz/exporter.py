"""A program whose pages of metrics change as real ones do, and what can go wrong with a page.

A source of randomness comes in, pages go out. They are regular for the most part: a page that is refused for its first
line proves nothing about the others.
"""

import random
from dataclasses import dataclass, field

WANTED = frozenset(("m", "m_total", "mm", "h_bucket", "h_sum", "nan", "inf", "e5", "my.metric", "名"))
UNWANTED = ("m_other", "x", "h", "h_count", "nanx", "e", "my", "m:")
_LABEL_VALUES = (
    "",
    "a",
    "b",
    "b c",
    r"q\"q",
    r"\\",
    r"\n",
    "}",
    "{",
    "} 1",
    " # ",
    ",x=",
    "=",
    "名",
    "\v",
    "\r",
    '1",z="2',
)
_LABEL_NAMES = ("a", "b", "le", "zone", '"a"', '"host.name"', '"="')
_VALUES = ("0", "1", "2.5", "-1e3", ".5", "5.", "NaN", "+Inf", "-inf", "Infinity", "1e308", "1E-999", "00012")
_ODD_VALUES = ("1_0", "+nan", "0x1", "1e999", "e5", "nan1", "\uff11", "", "1 2 3", "infinit", "\u0661")
_TIMES = (
    "0",
    "1700000000500",
    "-5",
    "000000000000000000000000007",
    "1.5",
    "1e3",
    "NaN",
    "9" * 19,
    "9" * 5000,
    "+1",
    "--1",
)
_BLANKS = (" ", " ", " ", "  ", "\t", " \t ", "", "\v", "\f", "\u00a0")
# As many words as two good lines have, and not two good lines.
_SHIFTED = ('nan{a="x"}\nnan x 2', 'm{a="x"}\nm{a="y"} m{a="z"} 2', 'm{a="x"}\n1\nm{a="y"} 2', 'm{a="x"} 1 m{a="y"} 2')
_PIECES = (
    ("\n", "\r", "\r\n", " ", "\t", "\v", "\f", "\0", "{", "}", '"', "\\", ",", "=", "#", "\n#", "# EOF", "\n# EOF\n"),
    ("m", "\nm", "\nm ", "\nm{", "\n ", "\n{", "m_total", "mm", "nan", "inf", "e5", "1", "_", "-", ".", "e", "é"),
    (' # {a="b"} 1', '{"m"} 1\n', 'm{a="b"} 1\n', "m 1\n", "m\n1\n", "m\n", "1_0", "1e999", "\ufeff", "\u2028"),
)
_NO_UTF8 = (b"\xff", b"\xc3", b"\x80")
_TOKENS = (*(piece.encode() for pieces in _PIECES for piece in pieces), *_NO_UTF8)


@dataclass
class Exporter:
    """A program with metrics, whose pages change from scrape to scrape."""

    dice: random.Random
    names: list[str] = field(default_factory=list)
    series: list[tuple[str, str]] = field(default_factory=list)
    openmetrics: bool = False

    def __post_init__(self) -> None:
        odd = self._one_in(4)  # such names send their pages other ways
        self.names = [
            name for name in (*sorted(WANTED), *UNWANTED) if odd or (plain(name) and name not in ("nan", "inf"))
        ]
        for _ in range(self.dice.randrange(1, 7)):
            name = self.dice.choice(self.names)
            for _ in range(self.dice.randrange(1, 5)):
                self.series.append(self._new(name))
        self.openmetrics = self.dice.random() < 0.4

    def change(self) -> None:
        """Churn, another order, another format."""
        for place, (name, _) in enumerate(self.series):
            if self._one_in(8):
                self.series[place] = self._new(name)
        if self._one_in(4):
            self.dice.shuffle(self.series)
        if self._one_in(6):
            self.series.insert(self.dice.randrange(len(self.series) + 1), self._new(self.dice.choice(self.names)))
        if self._one_in(6) and len(self.series) > 1:
            self.series.pop(self.dice.randrange(len(self.series)))
        if self._one_in(10):
            self.openmetrics = not self.openmetrics

    def page(self) -> bytes:
        """The page as it is now: regular, or with oddities here and there."""
        odd = 0 if self._one_in(2) else self.dice.choice((30, 100))
        timed = self.dice.choice((0, 0, 0, 1, 2))
        lines = []
        for name, labels in self.series:
            if self._one_in(6):
                lines.append(
                    self.dice.choice((f"# TYPE {name} gauge", "", "#", f"# HELP {name} {name} 1", "not a line"))
                )
            if odd and self._one_in(odd):
                lines.append(self.dice.choice(_SHIFTED))
            lines.append(self._line(name, labels, timed, odd))
        end = "# EOF\n" if self.openmetrics else ""
        text = "\n".join(lines) + "\n" + end
        return (text.replace("\n", "\r\n") if self._one_in(40) else text).encode()

    def _line(self, name: str, labels: str, timed: int, odd: int) -> str:
        times = [time for time in _TIMES if time.isdecimal() and len(time) < 20]
        time = self.dice.choice(_TIMES if odd and self._one_in(odd) else times)
        value = self.dice.choice(_ODD_VALUES if odd and self._one_in(odd) else _VALUES)
        before, between = (self.dice.choice(_BLANKS) if odd and self._one_in(odd // 5) else " " for _ in range(2))
        at = between + time if timed == 1 or (timed and self._one_in(2)) else ""
        end = ' # {t="}"} 1' if self.openmetrics and self._one_in(12) else ""
        lead = self.dice.choice(_BLANKS) if odd and self._one_in(odd) else ""
        return f"{lead}{self._written(name, labels)}{before}{value}{at}{end}"

    def _written(self, name: str, labels: str) -> str:
        if not plain(name) or self._one_in(200):
            return f'{{"{name}"{"," + labels if labels else ""}}}'
        return f"{name}{{{labels}}}" if labels or self._one_in(5) else name

    def _new(self, name: str) -> tuple[str, str]:
        """A series that the page does not have yet; rarely one that it has."""
        while True:
            labels = [f'{self.dice.choice(_LABEL_NAMES[:4])}="{self.dice.randrange(10**4)}"']
            if self._one_in(3):
                labels.append(f'{self.dice.choice(_LABEL_NAMES)}="{self.dice.choice(_LABEL_VALUES)}"')
            series = name, ",".join(labels[: self.dice.randrange(3)])
            if series not in self.series or self._one_in(100):
                return series

    def _one_in(self, sides: int) -> bool:
        return self.dice.randrange(max(sides, 1)) == 0


def plain(name: str) -> bool:
    """Whether a metric's name may stand outside of quotes."""
    return name.isascii() and name.replace(":", "_").isidentifier()


def broken(body: bytes, dice: random.Random) -> bytes:
    """The page after a few random cuts, swaps and insertions."""
    page = bytearray(body)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        place, other = (dice.randrange(len(page) + 1) for _ in range(2))
        change = dice.randrange(6)
        if change == 0:
            page[place:place] = dice.choice(_TOKENS)
        elif change == 1:
            page[place : place + dice.randrange(1, 4)] = dice.choice(_TOKENS)
        elif change == 2:
            del page[place : place + dice.choice((1, 1, 2, 10))]
        elif change == 3:
            lines = page.split(b"\n")
            lines.insert(dice.randrange(len(lines)), dice.choice(lines))
            page = bytearray(b"\n".join(lines))
        elif change == 4:
            page[place:place] = page[other : other + dice.randrange(40)]
        elif page:
            page[min(place, len(page) - 1)] = dice.randrange(256)
    return bytes(page)
