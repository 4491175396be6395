"""The YAML reader's promises."""

from pathlib import Path

import pytest

from autoscaler.settings import yaml_text
from autoscaler.settings.yaml_text import parse, read


def reasons(text: str) -> list[str]:
    return [str(problem) for problem in parse("f.yaml", text).problems]


def test_every_key_and_item_knows_its_line_and_column() -> None:
    (document,) = parse("f.yaml", "spec:\n  rules:\n    - type: A\n    - {type: B}\n").documents
    assert document.value == {"spec": {"rules": [{"type": "A"}, {"type": "B"}]}}
    assert document.positions[("spec",)] == (1, 1)
    assert document.positions[("spec", "rules")] == (2, 3)
    assert document.positions[("spec", "rules", 0)] == (3, 7)
    assert document.positions[("spec", "rules", 1, "type")] == (4, 8)


def test_a_place_that_is_not_there_is_shown_at_what_is_around_it() -> None:
    (document,) = parse("f.yaml", "a: 1\nspec:\n  b: 2\n").documents
    assert document.line(("spec", "missing", 3)) == 2


def test_documents_of_one_file_keep_their_own_lines() -> None:
    first, second = parse("f.yaml", "a: 1\n---\n\na: 2\n").documents
    assert (first.line(("a",)), second.line(("a",))) == (1, 4)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("0o17", 15),
        ("1.5", 1.5),
        ("true", True),
        ("~", None),
        ("yes", "yes"),
        ("'12'", "12"),
        ("2024-01-01", "2024-01-01"),
        ("<<", "<<"),
    ],
)
def test_scalars_are_plain_values(text: str, value: object) -> None:
    (document,) = parse("f.yaml", f"k: {text}").documents
    assert document.value == {"k": value}
    assert type(document.value["k"]) is type(value)


def test_a_key_that_is_there_twice_is_told_and_the_rest_is_read() -> None:
    parsed = parse("f.yaml", "a: 1\nb: 2\na: 3\nc: 4\n")
    assert [str(one) for one in parsed.problems] == ["f.yaml:3: a: the key is there twice; the first one is on line 1"]
    assert parsed.documents[0].value == {"a": 1, "b": 2, "c": 4}


def test_an_alias_gives_its_value() -> None:
    assert parse("f.yaml", "a: &x [1]\nb: *x\n").documents[0].value == {"a": [1], "b": [1]}


def test_an_alias_bomb_is_refused() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 3)}]\n" for n in range(1, 9))
    assert reasons(f"l0: &l0 [x]\n{levels}") == ["f.yaml:7: l6[1]: more than 16 aliases; write the values out"]


def test_a_few_aliases_of_something_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "MAX_VALUES", 30)
    assert reasons(f"a: &a [{', '.join('x' * 20)}]\nb: [*a]\n") == ["f.yaml:2: b[0]: more than 30 values in one file"]


def test_an_alias_to_itself_is_refused() -> None:
    assert len(reasons("a: &a [*a]")) == 1


@pytest.mark.parametrize("text", ["p: !Secret99", "p: *Secret99", "p: @Secret99", "p: %Secret99", "p: 'Secret99"])
def test_a_password_without_quotes_is_a_problem_and_is_not_shown(text: str) -> None:
    (problem,) = reasons(f"a: 1\n{text}\n")
    assert problem.startswith("f.yaml:")
    assert "Secret" not in problem


def test_tags_build_nothing() -> None:
    (problem,) = reasons("a: !!python/object/apply:os.system ['true']")
    assert "tags are not allowed" in problem


def test_bottomless_nesting_is_refused() -> None:
    (problem,) = reasons("[" * 10_000)
    assert "nested more than 32 levels deep" in problem


@pytest.mark.parametrize("text", ["? [a]\n: 1", "1: a", "a: 0o9x\nb: [", "\x00"])
def test_what_can_not_be_read_is_a_problem_and_no_crash(text: str) -> None:
    problems = reasons(text)
    assert len(problems) == 1
    assert problems[0].startswith("f.yaml")


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "MAX_BYTES", 8)
    (tmp_path / "a.yaml").write_text("a: 1234567")
    assert "larger than" in str(read(tmp_path / "a.yaml").problems[0])


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: 1\nb: \xff\n")
    assert str(read(tmp_path / "a.yaml").problems[0]).endswith("a.yaml:2: not UTF-8 text")


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert "can not be read: No such file" in str(read(tmp_path / "none.yaml").problems[0])
