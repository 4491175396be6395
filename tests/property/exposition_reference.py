"""A reading of pages of metrics that shares no line with the product: slow, letter by letter, from the specifications.

Sources: Prometheus documentation, "Exposition formats"; OpenMetrics 1.0, "Exposition format"; Go's strconv.ParseFloat
and ParseInt for numbers. Only lines of wanted metrics are read, and lines whose name is in braces, which can not be
known otherwise.
"""

import math
from collections.abc import Collection, Iterator

Series = tuple[str, frozenset[tuple[str, str]]]
Reading = dict[Series, tuple[str, float | None]]
"""Value as `repr` and Unix seconds by series."""

_DIGITS = "0123456789"
_FIRST = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_BLANKS = " \t"


class Malformed(Exception):
    """The page is none."""


def reading(body: bytes, wanted: Collection[str], *, openmetrics: bool) -> Reading:
    """What the page says. Raises Malformed, IndexError, ValueError."""
    found: Reading = {}
    for line in _lines(body, openmetrics=openmetrics):
        written = line if openmetrics else line.strip(_BLANKS + "\r")
        hidden = line.lstrip(_BLANKS + "\r")
        bare = _word(hidden, ":")
        if bare in wanted or hidden.startswith("{"):
            name, labels, value, at = _Line(written, openmetrics=openmetrics).sample()
            series = name, frozenset((label, text) for label, text in labels if text)
            if name in wanted:
                _must(len({label for label, _ in labels}) == len(labels) and series not in found)
                _must("__name__" not in dict(labels))
                found[series] = repr(value), at
    return found


def _lines(body: bytes, *, openmetrics: bool) -> Iterator[str]:
    text = body.decode()
    _must("\0" not in text and text.strip(_BLANKS + "\r\n") != "")
    first = text.strip(_BLANKS + "\r\n")[0]
    _must(first in _FIRST + ":#{")
    lines = text.split("\n")
    if openmetrics:
        if lines[-1] == "":
            lines.pop()
        _must(lines.pop() == "# EOF" and "# EOF" not in lines)
    else:
        _must(lines.pop() == "")
    return iter(lines)


class _Line:
    """A line that is read from left to right. `blanks` are what may stand between its parts."""

    def __init__(self, text: str, *, openmetrics: bool) -> None:
        self.text = text
        self.at = 0
        self.openmetrics = openmetrics
        self.blanks = "" if openmetrics else _BLANKS

    def sample(self) -> tuple[str, list[tuple[str, str]], float, float | None]:
        name = self._word(":")
        self._skip()
        labels: list[tuple[str, str]] = []
        if self._next() == "{":
            inner, labels = self._braces(named=not name)
            name = name or inner
        else:
            _must(name != "" and (self.openmetrics or self.text[self.at - 1] in _BLANKS))
        words = self.text[self.at :]
        if self.openmetrics and "#" in words:
            words, _, exemplar = words.partition(" # ")
            _Line(exemplar, openmetrics=True).exemplar()
        tokens = self._tokens(words)
        value = _float(tokens[0])
        if len(tokens) == 1:
            return name, labels, value, None
        return name, labels, value, _finite(tokens[1]) if self.openmetrics else _int(tokens[1]) / 1000

    def exemplar(self) -> None:
        self._braces(named=False)
        tokens = self._tokens(self.text[self.at :])
        _spelt(tokens[0])
        if len(tokens) > 1:
            _must(tokens[1].strip(_DIGITS + "+-.eE") == "")
            float(tokens[1])

    def _tokens(self, words: str) -> list[str]:
        """One or two of them; each with one space before it in OpenMetrics."""
        tokens = words.split(" ")
        if self.openmetrics:
            _must(tokens.pop(0) == "")
        else:
            tokens = [token for token in words.replace("\t", " ").split(" ") if token]
        _must(len(tokens) in (1, 2))
        return tokens

    def _braces(self, *, named: bool) -> tuple[str, list[tuple[str, str]]]:
        """The name in front of the labels if there has to be one, and the labels."""
        self._take("{")
        name, labels = "", []
        if named:
            name = self._quoted()
            _must(name != "")
            self._comma()
        while self._next() != "}":
            label = self._quoted() if self._next() == '"' else self._word("")
            _must(label != "")
            self._skip()
            self._take("=")
            labels.append((label, self._quoted()))
            self._comma()
        self.at += 1
        return name, labels

    def _comma(self) -> None:
        self._skip()
        if self._next() == ",":
            self._take(",")
        else:
            _must(self._next() == "}")

    def _take(self, letter: str) -> None:
        _must(self._next() == letter)
        self.at += 1
        self._skip()

    def _quoted(self) -> str:
        _must(self._next() == '"')
        self.at += 1
        letters = ""
        while self._next() != '"':
            if self._next() == "\\":
                after = self.text[self.at + 1]
                letters += {"n": "\n", "\\": "\\", '"': '"'}.get(after, "\\" + after)
                self.at += 2
            else:
                letters += self._next()
                self.at += 1
        self.at += 1
        return letters

    def _word(self, more: str) -> str:
        start = self.at
        self.at += len(_word(self.text[start:], more))
        return self.text[start : self.at]

    def _skip(self) -> None:
        while self.text[self.at] in self.blanks:
            self.at += 1

    def _next(self) -> str:
        return self.text[self.at]


def _word(text: str, more: str) -> str:
    """The name at the beginning of the text, which may be empty."""
    end = 0
    while end < len(text) and text[end] in _FIRST + more + (_DIGITS if end else ""):
        end += 1
    return text[:end]


def _float(token: str) -> float:
    value = _spelt(token)
    _must(not math.isinf(value) or "f" in token.lower())
    return value


def _spelt(token: str) -> float:
    unsigned = token[1:] if token[0] in "+-" else token
    _must(token.lower() == "nan" or unsigned.lower() in ("inf", "infinity") or not token.strip(_DIGITS + "+-.eE"))
    return float(token)


def _finite(token: str) -> float:
    _must(token.strip(_DIGITS + "+-.eE") == "")
    return _float(token)


def _int(token: str) -> int:
    _must(token.lstrip("-").strip(_DIGITS) == "" and token[-1] in _DIGITS)
    number = int(token)
    _must(-(2**63) <= number < 2**63)
    return number


def _must(holds: bool) -> None:
    if not holds:
        raise Malformed
