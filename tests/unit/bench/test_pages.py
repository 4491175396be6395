"""The pages: the same at every run, whole, and changing by as much as the benchmark says."""

from collections.abc import Iterable
from random import Random

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.page_shapes import KSM_WANTED, NODE_WANTED, STILL, ksm_page, node_page
from bench.pages import MARK, Change, Entity, Page, chunked, evolve, family
from bench.values import go_float

PAGES = pytest.mark.parametrize("page", [node_page(), ksm_page()], ids=["node", "ksm"])


def series(body: bytes, wanted: Iterable[str] | None = None) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for found in text_string_to_metric_families(body.decode())
        for one in found.samples
        if wanted is None or one.name in wanted
    }


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert node_page.__wrapped__().versions == node_page().versions
    assert ksm_page.__wrapped__().versions == ksm_page().versions
    assert node_page(seed=8).versions != node_page().versions


def test_the_node_page_is_of_the_size_of_a_real_one() -> None:
    body = node_page().versions[0]
    assert 56_000 < len(body) < 59_000
    assert len(series(body)) > 450
    assert len(series(body, NODE_WANTED)) == 20


def test_the_large_page_is_of_the_size_of_a_real_one() -> None:
    body = ksm_page().versions[0]
    assert 390_000 < len(body) < 425_000
    assert len(series(body)) == 3090
    assert len(series(body, KSM_WANTED)) == 390


@PAGES
def test_no_series_stands_on_a_page_twice(page: Page) -> None:
    for body in page.versions[:4]:
        lines = [line.rpartition(b" ")[0] for line in body.splitlines() if not line.startswith(b"#")]
        assert len(lines) == len(set(lines))


@PAGES
def test_three_percent_of_the_identities_are_new_at_each_scrape(page: Page) -> None:
    for before, after in zip(page.versions[:5], page.versions[1:], strict=False):
        old, new = {key for key in series(before) if key[1]}, {key for key in series(after) if key[1]}
        assert 0.01 < len(new - old) / len(new) < 0.06
        assert len(new) == len(old)


def test_half_of_the_node_values_change_and_a_tenth_of_the_large_pages() -> None:
    for page, share in ((node_page(STILL), 0.5), (ksm_page(Change(values=0.1, churn=0.0)), 0.1)):
        before, after = series(page.versions[0]), series(page.versions[1])
        changed = sum(before[key] != value for key, value in after.items())
        assert share * 0.75 < changed / len(after) <= share


def test_counters_only_grow() -> None:
    page = node_page(STILL, only_wanted=True)
    for before, after in zip(page.versions, page.versions[1:], strict=False):
        old, new = series(before, ["node_cpu_seconds_total"]), series(after, ["node_cpu_seconds_total"])
        assert all(new[key] >= value for key, value in old.items())


def test_only_the_wanted_page_has_the_wanted_families_and_no_others() -> None:
    body = node_page(STILL, only_wanted=True).versions[0]
    assert {name for name, _ in series(body)} == set(NODE_WANTED)


def test_the_large_page_comes_in_another_order_each_time() -> None:
    first, second = (
        [line.split(b"{")[0] for line in body.splitlines() if b"status_ready" in line]
        for body in ksm_page().versions[:2]
    )
    assert first == second
    assert ksm_page().versions[0].splitlines()[5:40] != ksm_page().versions[1].splitlines()[5:40]


def test_what_is_new_on_two_targets_is_never_the_same() -> None:
    page = node_page()
    one, two = series(page.body(5, b"~000001")), series(page.body(5, b"~000002"))
    churned = {key for key in one if any("~" in text for _, text in key[1])}
    assert churned
    assert not churned & two.keys()
    assert one.keys() - churned <= two.keys()


def test_a_page_begins_anew_after_its_last_version() -> None:
    page = node_page()
    assert page.body(len(page.versions), MARK) == page.versions[0]


def test_chunks_are_framed_as_go_frames_them() -> None:
    body = bytes(range(256)) * 20
    head, _, framed = chunked(body).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert b"Content-Length" not in head
    found, sizes = b"", []
    while framed:
        size, _, framed = framed.partition(b"\r\n")
        sizes.append(int(size, 16))
        found += framed[: sizes[-1]]
        assert framed[sizes[-1] : sizes[-1] + 2] == b"\r\n"
        framed = framed[sizes[-1] + 2 :]
    assert found == body
    assert sizes == [2048, 2048, 1024, 0]


def test_one_identity_changes_in_all_families_that_have_it() -> None:
    pod, dice = Entity(own_on_each_target=True), Random(1)  # noqa: S311  # a page needs no secret
    families = [family(name, "gauge", "About.", [([("pod", "a")], pod)], dice) for name in ("ready", "owner")]
    before, after = evolve(families, Change(values=0.0, churn=1.0), dice, versions=2)
    assert before.count(b'pod="a~000000"') == 2
    assert after.count(b'pod="a.g1~000000"') == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (16538.78, "16538.78"),
        (861512.0, "861512"),
        (1445705.0, "1.445705e+06"),
        (84350693376.0, "8.4350693376e+10"),
        (1e21, "1e+21"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-2.5, "-2.5"),
        (float("inf"), "+Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers_stand_as_go_writes_them(value: float, text: str) -> None:
    assert go_float(value) == text
