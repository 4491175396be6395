"""A list is read to its end or not at all."""

import pytest

from autoscaler.cloud.body import Unreadable
from autoscaler.cloud.paging import MAX_PAGES, Cursor, Page, read_all


class Pages:
    """Gives its pages in turn; the last one again and again."""

    def __init__(self, *pages: Page[int]) -> None:
        self.pages = pages
        self.asked: list[Cursor] = []

    async def __call__(self, cursor: Cursor) -> Page[int]:
        self.asked.append(cursor)
        return self.pages[min(len(self.asked), len(self.pages)) - 1]


def page(*rows: int, total: int | None = None, token: str = "", count: int | None = None) -> Page[int]:
    return Page(rows, len(rows) if count is None else count, total, token)


async def test_a_short_page_ends_a_list_without_a_total() -> None:
    pages = Pages(page(1, 2), page(3))
    assert await read_all(pages, 2) == [1, 2, 3]
    assert [cursor.number for cursor in pages.asked] == [1, 2]


async def test_a_total_ends_a_list_without_a_further_call() -> None:
    pages = Pages(page(1, 2, total=4), page(3, 4, total=4))
    assert await read_all(pages, 2) == [1, 2, 3, 4]
    assert len(pages.asked) == 2


async def test_a_server_with_smaller_pages_than_asked_for_is_read_to_its_total() -> None:
    pages = Pages(page(1, total=3), page(2, total=3), page(3, total=3))
    assert await read_all(pages, 100) == [1, 2, 3]


async def test_rows_that_are_none_of_ours_count_towards_the_total() -> None:
    assert await read_all(Pages(page(1, total=2, count=2)), 100) == [1]


async def test_a_token_is_followed_until_there_is_none() -> None:
    pages = Pages(page(1, token="a"), page(2, token="b"), page(3))
    assert await read_all(pages, 100) == [1, 2, 3]
    assert [cursor.token for cursor in pages.asked] == ["", "a", "b"]


async def test_a_list_that_ends_before_its_total_is_refused() -> None:
    with pytest.raises(Unreadable, match="ended after 2 of 3"):
        await read_all(Pages(page(1, 2, total=3), page(total=3)), 2)


async def test_a_list_that_shrinks_while_it_is_read_is_refused() -> None:
    with pytest.raises(Unreadable, match="shrank"):
        await read_all(Pages(page(1, 2, total=4), page(4, total=3)), 2)


async def test_a_list_without_an_end_is_given_up() -> None:
    pages = Pages(page(1, 2))
    with pytest.raises(Unreadable, match="no end"):
        await read_all(pages, 2)
    assert len(pages.asked) == MAX_PAGES
