"""What is kept of pages from scrape to scrape, and what targets share."""

import gc
from typing import Any

import pytest

from autoscaler.model.signals import Column
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.exposition import PageMemory, Pages, Unparsable

TEXT = "text/plain; version=0.0.4"


def job(*wanted: str, **config: Any) -> Pages:
    return Pages(frozenset(wanted or ("m", "n")), ScrapeConfig(job_name="edge", **config))


def page(*pods: object, metric: str = "m", value: object = 1) -> bytes:
    return "".join(f'{metric}{{pod="{pod}"}} {value}\n' for pod in pods).encode()


def column(memory: PageMemory, body: bytes | bytearray, metric: str = "m") -> Column:
    return memory.read(body, TEXT, 0.0)[metric]


def test_a_target_that_states_the_same_series_gives_the_same_object() -> None:
    memory = job().target()
    first, second = column(memory, page(1, 2)), column(memory, page(1, 2, value=7))
    assert second.series is first.series
    assert second.values == [7.0, 7.0]


def test_a_refused_page_in_between_changes_nothing() -> None:
    memory = job().target()
    first = column(memory, page(1, 2))
    for broken in (page(1, 2, value="x"), page(1, 1), page(3, 3), b"", b"<html>"):
        with pytest.raises(Unparsable):
            memory.read(broken, TEXT, 0.0)
    assert column(memory, page(1, 2)).series is first.series


def test_the_strict_path_gives_the_same_object_too() -> None:
    memory = job().target()
    first = column(memory, page(1, 2))
    assert column(memory, page(1, 2).replace(b"\n", b"\r\n")).series is first.series


def test_targets_that_state_equal_series_share_them() -> None:
    pages = job()
    targets = pages.target(), pages.target()
    one, other = column(targets[0], page(1, 2)), column(targets[1], page(1, 2) + page(1, metric="n"))
    assert one.series is other.series


def test_a_series_that_stays_while_others_come_and_go_keeps_its_labels() -> None:
    memory = job().target()
    before, after = column(memory, page(1, 2, 3)), column(memory, page(4, 3, 1))
    assert [dict(labels) for labels in after.series] == [{"pod": "4"}, {"pod": "3"}, {"pod": "1"}]
    assert after.series[1] is before.series[2]
    assert after.series[2] is before.series[0]


def test_one_metric_s_churn_leaves_the_others_alone() -> None:
    memory = job().target()
    before = memory.read(page(1, 2) + page(1, metric="n"), TEXT, 0.0)
    after = memory.read(page(1, 3) + page(1, metric="n"), TEXT, 0.0)
    assert after["n"].series is before["n"].series


def test_series_that_no_target_states_any_more_are_forgotten() -> None:
    pages = job()
    targets = [pages.target() for _ in range(3)]
    for scrape in range(400):
        for number, memory in enumerate(targets):
            memory.read(page(*(f"{number}-{scrape + pod}" for pod in range(5))), TEXT, 0.0)
    gc.collect()
    assert len(pages.pool) == 15


def test_a_target_costs_little_beside_what_it_shares() -> None:
    pages = job()
    body = page(*range(100))
    memories = [pages.target() for _ in range(50)]
    columns = [column(memory, body) for memory in memories]
    assert len({id(one.series) for one in columns}) == 1
    assert len(pages.pool) == 100


def test_a_page_is_not_kept() -> None:
    body = bytearray(page(1, 2))
    memory = job().target()
    found = column(memory, body)
    body[:] = b"x" * len(body)
    assert [dict(labels) for labels in found.series] == [{"pod": "1"}, {"pod": "2"}]
