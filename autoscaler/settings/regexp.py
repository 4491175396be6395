"""Regular expressions as Prometheus reads them: RE2, anchored at both ends, and the templates that go with them.

The text of an expression or a template comes in, what it matches and makes goes out. Nothing is remembered between
two calls, and RE2 takes time in proportion to its input: no expression can hang a pass.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

import re2

from autoscaler.settings.problems import Mistake

Groups = tuple[str, ...]
"""What matched: the whole, then each group; a group that took no part is empty, as Go's Expand has it."""

EVERYTHING = "(.*)"
"""Prometheus' default expression."""

_QUIET = re2.Options()
_QUIET.log_errors = False
_NUMBER = re.compile(r"0|[1-9][0-9]*")


class Regexp:
    """One expression, anchored as Prometheus 3 does it: `^(?s:...)$` (2.x differs in what `.` is: no line break).

    Raises Mistake if RE2 does not know the syntax.
    """

    __slots__ = ("_compiled", "_takes_all", "text")

    def __init__(self, text: str) -> None:
        try:
            self._compiled = re2.compile(f"^(?s:{text})$", _QUIET)
        except re2.error as error:
            raise Mistake(f"is no RE2 regular expression: {_said(error)}", "see https://re2.dev/syntax") from None
        except UnicodeEncodeError:
            raise Mistake("is not Unicode text") from None
        self.text = text
        self._takes_all = text == EVERYTHING

    @property
    def names(self) -> Mapping[str, int]:
        """Group numbers by the names of the groups."""
        names: Mapping[str, int] = self._compiled.groupindex
        return names

    def matches(self, text: str) -> bool:
        """Whether the whole text fits."""
        return self._takes_all or self._compiled.search(text) is not None

    def groups(self, text: str) -> Groups | None:
        """What matched; None if the text does not fit."""
        if self._takes_all:
            return text, text
        match = self._compiled.search(text)
        return None if match is None else _groups(match)

    def replaced(self, text: str, template: "Template") -> str:
        """The text with its match replaced: Go's ReplaceAllString."""
        replaced: str = self._compiled.sub(lambda match: template.filled(_groups(match)), text)
        return replaced


class Template:
    """Text with `$1`, `${1}`, `${name}` and `$$` for a dollar, as Go's Regexp.Expand reads it (package regexp).

    The longest run of letters, digits and `_` after a `$` is the name: `$1x` is `${1x}` and not `${1}x`. What names no
    group is empty; a `$` without a name is itself.
    """

    __slots__ = ("_parts", "constant")

    def __init__(self, text: str, regexp: Regexp) -> None:
        self._parts = tuple(_parts(text, regexp.names))
        self.constant = None if "$" in text else text
        """The text, if it has no `$` at all; else None."""

    def filled(self, groups: Groups) -> str:
        """The text with the groups in it."""
        if self.constant is not None:
            return self.constant
        return "".join(part if isinstance(part, str) else _group(groups, part) for part in self._parts)


@lru_cache(maxsize=4096)
def compiled(text: str) -> Regexp:
    """The Regexp of this text; the same text is compiled once. Raises Mistake."""
    return Regexp(text)


def _groups(match: re2._Match) -> Groups:
    return match[0], *(group or "" for group in match.groups())


def _group(groups: Groups, number: int) -> str:
    return groups[number] if number < len(groups) else ""


def _parts(text: str, names: Mapping[str, int]) -> Iterator[str | int]:
    before, dollar, rest = text.partition("$")
    while dollar:
        yield before
        if rest.startswith("$"):
            yield "$"
            rest = rest[1:]
        elif (name := _name(rest)) is None:
            yield "$"
        else:
            rest = rest[len(name) :]
            name = name.strip("{}")
            if _NUMBER.fullmatch(name):
                yield int(name)
            elif name in names:
                yield names[name]
        before, dollar, rest = rest.partition("$")
    yield before


def _name(text: str) -> str | None:
    """What stands after a `$`: a name, or one in braces, with them; None if it is neither."""
    start = 1 if text.startswith("{") else 0
    end = start
    while end < len(text) and (text[end] == "_" or text[end].isalpha() or text[end].isdecimal()):
        end += 1
    if end == start or (start and text[end : end + 1] != "}"):
        return None
    return text[: end + start]


def _said(error: re2.error) -> str:
    """RE2's words, without the anchors that the operator did not write."""
    said = error.args[0] if error.args else b""
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return text.replace("^(?s:", "").removesuffix(")$")
