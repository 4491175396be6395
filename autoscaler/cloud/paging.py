"""Reading a list to its end, page by page.

A function that fetches one page comes in, all rows go out. It never returns half a list: nodes that are missing from
a reading would be bought again. It does no I/O of its own.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from autoscaler.cloud.body import Unreadable

Row = TypeVar("Row")
MAX_PAGES = 500
"""Longest list that is read; at 100 rows a page that is more nodes than one cluster may have."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Which page is wanted: its number, from 1, or the token that the page before gave."""

    number: int = 1
    token: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page. `count` is the rows that the API sent, also those that are none of ours; `total` is None if unsaid."""

    rows: tuple[Row, ...]
    count: int
    total: int | None = None
    next_token: str = ""


async def read_all(fetch: Callable[[Cursor], Awaitable[Page[Row]]], page_size: int) -> list[Row]:
    """All rows of a list, in the API's order.

    Raises:
        Unreadable: the list ended before its own total, shrank while it was read, or has no end.
    """
    rows: list[Row] = []
    seen = 0
    total: int | None = None
    cursor = Cursor()
    for _ in range(MAX_PAGES):
        page = await fetch(cursor)
        if total is not None and page.total is not None and page.total < total:
            # Rows moved up behind our back: one of them may have slipped from the next page to one already read.
            raise Unreadable(f"the list shrank from {total} to {page.total} rows while it was read")
        rows.extend(page.rows)
        seen += page.count
        total = page.total
        if _is_last(page, seen, page_size):
            return rows
        cursor = Cursor(cursor.number + 1, page.next_token)
    raise Unreadable(f"the list has no end after {MAX_PAGES} pages")


def _is_last(page: Page[Row], seen: int, page_size: int) -> bool:
    if page.total is not None and seen >= page.total:
        return True
    if page.count == 0 and page.total is not None:
        raise Unreadable(f"the list ended after {seen} of {page.total} rows")
    if page.next_token:
        return False
    # A server may give smaller pages than asked for: a short page is the end only where no total says otherwise.
    return page.total is None and page.count < page_size
