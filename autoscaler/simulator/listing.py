"""What the lists of both APIs share: pages, tokens, filters, and rows that stand there twice.

Decoded queries come in, numbers and rows go out; a query that is not simulated is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from autoscaler.simulator.books import CloudBooks
from autoscaler.simulator.records import Refusal, Style

T = TypeVar("T")


def page_of(query: Mapping[str, str], number_key: str, size_key: str, style: Style) -> tuple[int, int]:
    """Page number (from 1) and size (1 to 100, 10 if not given).

    Raises:
        Refusal: InvalidParameter.{key}.
    """
    return _bounded(query, number_key, 1, 1_000_000, style), _bounded(query, size_key, 10, 100, style)


def _bounded(query: Mapping[str, str], key: str, default: int, most: int, style: Style) -> int:
    text = query.get(key, str(default))
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= most:
        return int(text)
    field = "".join(part[0].upper() + part[1:] for part in key.split("_"))
    raise Refusal(f"InvalidParameter.{field}", f"{key} must be from 1 to {most}.", style=style)


def refuse_unknown(query: Mapping[str, str], known: frozenset[str], style: Style) -> None:
    """Refuse a filter that is not simulated: to ignore it would answer another question. Raises Refusal."""
    unknown = sorted(query.keys() - known)
    if unknown:
        raise Refusal("InvalidParameter", f"Not simulated: {', '.join(unknown)}.", style=style)


def page(rows: Sequence[T], number: int, size: int) -> Sequence[T]:
    """The rows of one page; pages are counted from 1."""
    return rows[(number - 1) * size : number * size]


def span_of(query: Mapping[str, str]) -> tuple[int, int, int]:
    """Of a CS list that is asked for by page or, with max_results, by token: page number, first row, rows.

    Raises:
        Refusal: InvalidParameter.{key}.
    """
    number, size = page_of(query, "page_number", "page_size", "cs")
    if "max_results" not in query:
        return number, (number - 1) * size, size
    return number, _token(query.get("next_token", "")), _bounded(query, "max_results", 10, 100, "cs")


def span_answer(query: Mapping[str, str], number: int, begin: int, size: int, total: int) -> dict[str, object]:
    """`page_info` and `next_token` of such a list."""
    more = "max_results" in query and begin + size < total
    return {
        "page_info": {"page_number": number, "page_size": size, "total_count": total},
        "next_token": str(begin + size) if more else "",
    }


def doubled(books: CloudBooks, rows: Iterable[T]) -> list[T]:
    """The rows of a list as the scenario shows them: every n-th one twice, if it says so."""
    every = books.scenario.duplicate_every
    return [row for index, row in enumerate(rows, 1) for row in ((row, row) if every and not index % every else (row,))]


def _token(text: str) -> int:
    if not text:
        return 0
    if text.isascii() and text.isdecimal():
        return int(text)
    raise Refusal("InvalidParameter.NextToken", "next_token is none of ours.", style="cs")
