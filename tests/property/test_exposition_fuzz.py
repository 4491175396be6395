"""The fuzz target finds nothing in what is shipped, and finds every fault that is planted."""

import re
from collections.abc import Callable, Sequence

import pytest

from autoscaler.sources.exposition import block, fast, framing, grammar, numbers, pages, series, shape, strict
from autoscaler.sources.exposition.shape import Shape
from tests.fuzz import exposition
from tests.fuzz.exposition import Disagreement, fuzz, main

ROUNDS = 300
Fault = Callable[[pytest.MonkeyPatch], None]


def test_both_paths_agree_on_hundreds_of_sequences_of_pages() -> None:
    done, taken = fuzz(1, iter(range(ROUNDS)))
    assert done == ROUNDS
    assert taken > ROUNDS  # not only refusals are compared


def test_both_paths_agree_on_pages_that_are_searched_in_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "_CHUNK", 40)
    monkeypatch.setattr(strict, "_CHUNK", 30)
    assert fuzz(2, iter(range(ROUNDS)))[1] > ROUNDS


def _parts_begin_anywhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fast, "_CHUNK", 40)
    patch.setattr(strict, "_CHUNK", 30)
    patch.setattr(fast, "memoryview", lambda text: memoryview(text)[1:], raising=False)


def _python_s_numbers(patch: pytest.MonkeyPatch) -> None:
    def lax(tokens: Sequence[bytes]) -> list[float] | None:
        try:
            return list(map(float, tokens))
        except ValueError:
            return None

    patch.setattr(block, "numbers", lax)


def _no_overflow(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(numbers, "overflowed", lambda token, value: False)


def _times_are_python_s_numbers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(block, "milliseconds", lambda tokens: [float(token) / 1000 for token in tokens])


def _names_that_are_numbers_are_split(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shape, "NOT_FINITE", frozenset())


def _names_are_not_ended(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fast.FastPath, "_harmless", lambda self, page, match: True)


def _hidden_lines_are_not_seen(patch: pytest.MonkeyPatch) -> None:
    def blind(self: Shape, *given: object) -> None:
        original(self, *given)  # type: ignore[arg-type]  # handed on as it came
        self.hides = False

    original = Shape.__init__
    patch.setattr(Shape, "__init__", blind)


def _gaps_are_not_seen(patch: pytest.MonkeyPatch) -> None:
    def solid(text: bytes, matches: Sequence[tuple[int, int, int]], shape: Shape) -> bytes:
        find = text.find
        return b"".join([text[matches[first][1] : find(b"\n", matches[last][2])] for first, last in shape.runs])

    patch.setattr(fast, "_block", solid)


def _twice_is_not_seen(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(series, "_refuse_twice", lambda found: None)


def _only_keys_are_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(series.LabelSet, "__init__", _with_ident_of_key)


def _with_ident_of_key(self: series.LabelSet, key: bytes, labels: dict[str, str]) -> None:
    dict.__init__(self, labels)
    self.key, self.ident = key, hash(key)


def _series_are_compared_by_their_number(patch: pytest.MonkeyPatch) -> None:
    class Forgetful(tuple[bytes, ...]):
        __slots__ = ()
        __hash__ = tuple.__hash__

        def __eq__(self, other: object) -> bool:
            return isinstance(other, tuple) and len(self) == len(other)

        def __ne__(self, other: object) -> bool:
            return not self == other

    def init(self: series.PageSeries, *given: object) -> None:
        original(self, *given)  # type: ignore[arg-type]  # handed on as it came
        self.keys = Forgetful(self.keys)

    original = series.PageSeries.__init__
    patch.setattr(series.PageSeries, "__init__", init)


def _shapes_are_compared_by_their_size(patch: pytest.MonkeyPatch) -> None:
    def shape(self: fast.FastPath, patterns: tuple[int, ...]) -> Shape:
        return sizes.setdefault((self, len(patterns)), Shape(patterns, self._metrics, self._eof))

    sizes: dict[tuple[fast.FastPath, int], Shape] = {}
    patch.setattr(fast.FastPath, "_shape", shape)


def _cr_is_a_blank(patch: pytest.MonkeyPatch) -> None:
    read = fast.FastPath.read
    patch.setattr(
        fast.FastPath,
        "read",
        lambda self, page, former: read(self, page._replace(text=page.text.replace(b"\r", b"")), former),
    )


def _vertical_tab_is_a_blank(patch: pytest.MonkeyPatch) -> None:
    of = block._by_tokens

    def statement_of(found: Shape, lines: bytes, *, openmetrics: bool) -> block.Statement | None:
        return of(found.spans, lines, found.lines, openmetrics=openmetrics) if found.splits and found.lines else None

    patch.setattr(fast, "statement_of", statement_of)


def _escapes_stay(patch: pytest.MonkeyPatch) -> None:
    kept = grammar.labels_of
    patch.setattr(series, "labels_of", lambda key: kept(key.replace(b"\\", b"/")))


def _empty_labels_stay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(series, "labels_of", lambda key: dict(grammar._pairs(key)))


def _times_are_of_other_lines(patch: pytest.MonkeyPatch) -> None:
    made = pages._times
    patch.setattr(pages, "_times", lambda times, at: made(list(reversed(times)), at))


def _openmetrics_times_are_milliseconds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(block, "seconds", numbers.milliseconds)


def _a_forgetful_strict_path(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(strict._Family, "add", lambda self, sample: self.samples.append(sample))


FAULTS = [
    _parts_begin_anywhere,
    _python_s_numbers,
    _no_overflow,
    _times_are_python_s_numbers,
    _names_that_are_numbers_are_split,
    _names_are_not_ended,
    _hidden_lines_are_not_seen,
    _gaps_are_not_seen,
    _twice_is_not_seen,
    _only_keys_are_compared,
    _series_are_compared_by_their_number,
    _shapes_are_compared_by_their_size,
    _cr_is_a_blank,
    _vertical_tab_is_a_blank,
    _escapes_stay,
    _empty_labels_stay,
    _times_are_of_other_lines,
    _openmetrics_times_are_milliseconds,
    _a_forgetful_strict_path,
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_can_be_replayed(
    fault: Fault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fault(monkeypatch)
    with pytest.raises(Disagreement) as found:
        fuzz(1, iter(range(20 * ROUNDS)))
    replay = str(found.value).splitlines()[0]
    assert replay.startswith("python -m tests.fuzz.exposition --replay 1:")
    assert main(replay.split()[3:]) == 1
    assert replay in capsys.readouterr().out


def test_a_run_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "0.05", "--seed", "7"]) == 0
    assert re.fullmatch(r"[0-9]+ rounds, [0-9]+ pages taken, no disagreement\n", capsys.readouterr().out)


def test_rounds_depend_on_their_seed_alone() -> None:
    assert exposition.fuzz_round("1:5") == exposition.fuzz_round("1:5")
    assert framing.framed(b"m 1\n", exposition.TEXT).text == b"\nm 1\n"
