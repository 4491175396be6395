"""A mistake in what the operator wrote: where it is, what is wrong, what was meant.

Values come in from the readers of this room, one readable line each goes out. A secret must never come out: neither
its value nor a piece of it.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

YamlPath = tuple[str | int, ...]
"""Keys and list indices from the root of a document, e.g. `("spec", "rules", 0, "tolerance")`."""

_LONGEST = 60
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_USERINFO = re.compile(r"[^\s'\"]+@")
_QUERY = re.compile(r"(?<=\?)[^\s'\"]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `line` is 1-based and None when there is no text to point at; `value` is ready to be shown."""

    file: str
    line: int | None
    path: str
    reason: str
    value: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """`config/policies/edge.yaml:12: spec.rules[0].tolerance: must be less than 1 (is 1.5)`."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        path = f"{self.path}: " if self.path else ""
        value = self.value and (f" {self.value}" if self.value.startswith("(") else f" (is {self.value})")
        hint = f"; {self.hint}" if self.hint else ""
        return f"{where}: {path}{self.reason}{value}{hint}"


class Mistake(ValueError):
    """What a validator finds wrong with a value, with a hint at what was meant."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


def written(path: YamlPath) -> str:
    """A path as people write it.

    >>> written(("spec", "rules", 0, "tolerance"))
    'spec.rules[0].tolerance'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text


def without_userinfo(text: str) -> str:
    """Hide user and password of everything in a text that looks like a URL, with or without a scheme."""
    return _USERINFO.sub("(hidden)@", text)


def without_secrets(url: str) -> str:
    """Hide in what looks like a URL who asks, and what is asked: a query may hold a token."""
    kept = without_userinfo(url)
    return _QUERY.sub("(hidden)", kept) if "://" in kept else kept


def shown(value: object, *, secret: bool = False) -> str:
    """A value as the operator wrote it, at most 60 characters; of a secret only its length."""
    if secret:
        return f"(hidden, {len(str(value))} characters)"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = without_secrets(repr(value) if isinstance(value, str) else str(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, judged without regard to case."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def several(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are.

    >>> several(["cn-a", "cn-b", "cn-c", "cn-d"])
    'cn-a, cn-b, cn-c and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def suggestion(word: str, known: Sequence[str], what: str) -> str:
    """`did you mean 'minNodes'?`, or what there is when nothing is near.

    >>> suggestion("minNode", ["minNodes", "maxNodes"], "allowed keys")
    "did you mean 'minNodes'?"
    """
    close = nearest(word, known)
    if close is not None:
        return f"did you mean {close!r}?"
    return f"{what}: {', '.join(known)}" if known else "nothing is allowed here"
