"""What rules make of labels: cases from Prometheus' documentation, its code and its corners."""

import hashlib
from collections.abc import Mapping, Sequence

import pytest

from autoscaler.settings.relabel import RelabelConfig
from autoscaler.sources.relabel import relabelled

LABELS = {"a": "foo", "b": "bar", "c": "baz"}
Rule = Mapping[str, object]


def after(labels: Mapping[str, str], *rules: Rule) -> dict[str, str] | None:
    return relabelled(labels, [RelabelConfig.model_validate(rule) for rule in rules])


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        (
            {"source_labels": ["a"], "regex": "f(.*)", "target_label": "d", "replacement": "ch$1-ch$1"},
            {"d": "choo-choo"},
        ),
        ({"source_labels": ["a", "b"], "target_label": "d"}, {"d": "foo;bar"}),
        ({"source_labels": ["a", "b"], "separator": "", "target_label": "d"}, {"d": "foobar"}),
        ({"source_labels": ["a", "x", "b"], "separator": "/", "target_label": "d"}, {"d": "foo//bar"}),
        ({"source_labels": ["a"], "regex": "oo", "target_label": "d"}, {}),  # the whole must match
        ({"source_labels": ["a"], "regex": "f|foo", "target_label": "d", "replacement": "x"}, {"d": "x"}),
        ({"source_labels": ["a"], "regex": "f)|(o", "target_label": "d", "replacement": "<$0>"}, {"d": "<f>"}),
        ({"source_labels": ["a"], "target_label": "a", "replacement": ""}, {"a": ""}),
        ({"source_labels": ["x"], "target_label": "b"}, {"b": ""}),  # an empty value takes the label away
        ({"source_labels": ["x"], "target_label": "d", "replacement": "set"}, {"d": "set"}),
        ({"source_labels": ["x"], "regex": "(.+)", "target_label": "b"}, {}),
        ({"source_labels": ["a"], "target_label": "$1"}, {"foo": "foo"}),
        ({"source_labels": ["a"], "regex": "(f)(o+)", "target_label": "x_${2}", "replacement": "$1"}, {"x_oo": "f"}),
        ({"source_labels": ["a"], "regex": "(f)(x)?.*", "target_label": "b", "replacement": "$2"}, {"b": ""}),
        ({"source_labels": ["a"], "regex": "foo(x)?", "target_label": "b$1", "replacement": "$1"}, {"b": ""}),
        (
            {"source_labels": ["a"], "regex": "(?P<all>.*)", "target_label": "d", "replacement": "${all}!"},
            {"d": "foo!"},
        ),
        ({"source_labels": ["a"], "regex": "(?P<all>.*)", "target_label": "d", "replacement": "$all!"}, {"d": "foo!"}),
        ({"source_labels": ["a"], "target_label": "d", "replacement": "$1x"}, {}),  # the group `1x`, which is none
        ({"source_labels": ["a"], "target_label": "d", "replacement": "${1}x"}, {"d": "foox"}),
        ({"source_labels": ["a"], "target_label": "d", "replacement": "$1²"}, {"d": "foo²"}),  # no digit to Go
        ({"source_labels": ["a"], "target_label": "d", "replacement": "$$1"}, {"d": "$1"}),
        ({"source_labels": ["a"], "target_label": "d", "replacement": "$ ${ ${1 ${} $"}, {"d": "$ ${ ${1 ${} $"}),
        ({"source_labels": ["a"], "target_label": "d", "replacement": "<$0|$2|$01|$999999999999>"}, {"d": "<foo|||>"}),
        ({"source_labels": ["a"], "regex": "(?i)FOO", "target_label": "d", "replacement": "y"}, {"d": "y"}),
        ({"target_label": "d", "replacement": "b", "regex": ""}, {"d": "b"}),
        ({"source_labels": ["a"], "target_label": "x$1"}, {"xfoo": "foo"}),
        ({"action": "hashmod", "source_labels": ["c"], "target_label": "d", "modulus": 1000}, {"d": "976"}),
        ({"action": "hashmod", "source_labels": ["x"], "target_label": "d", "modulus": 1}, {"d": "0"}),
        ({"action": "labelmap", "regex": "(b|c)", "replacement": "x_$1"}, {"x_b": "bar", "x_c": "baz"}),
        ({"action": "labelmap", "regex": "(.)", "replacement": "x"}, {"x": "baz"}),  # the last by name wins
        ({"action": "labelmap", "regex": "b|c", "replacement": "a"}, {"a": "baz"}),
        ({"action": "labelmap", "regex": "a", "replacement": "${0}b"}, {"ab": "foo"}),
        ({"action": "labeldrop", "regex": "a|b.*"}, {"a": "", "b": ""}),
        ({"action": "labelkeep", "regex": "a|b.*"}, {"c": ""}),
        ({"action": "uppercase", "source_labels": ["a", "b"], "target_label": "a"}, {"a": "FOO;BAR"}),
        ({"action": "lowercase", "source_labels": ["x"], "target_label": "a"}, {"a": ""}),
    ],
)
def test_a_rule_changes_labels_as_in_prometheus(rule: Rule, changed: Mapping[str, str]) -> None:
    expected = {name: value for name, value in {**LABELS, **changed}.items() if value}
    assert after(LABELS, rule) == expected


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ({"action": "keep", "source_labels": ["a"], "regex": "fo."}, True),
        ({"action": "keep", "source_labels": ["a"], "regex": "fo"}, False),
        ({"action": "keep", "source_labels": ["x"], "regex": ""}, True),
        ({"action": "keep", "source_labels": ["x"]}, True),
        ({"action": "keep", "source_labels": ["x"], "regex": ".+"}, False),
        ({"action": "drop", "source_labels": ["a"], "regex": "fo."}, False),
        ({"action": "drop", "source_labels": ["a"], "regex": "f"}, True),
        ({"action": "drop"}, False),
        ({"action": "keepequal", "source_labels": ["a"], "target_label": "a"}, True),
        ({"action": "keepequal", "source_labels": ["a"], "target_label": "b"}, False),
        ({"action": "keepequal", "source_labels": ["x"], "target_label": "y"}, True),
        ({"action": "dropequal", "source_labels": ["a"], "target_label": "a"}, False),
        ({"action": "dropequal", "source_labels": ["a"], "target_label": "b"}, True),
        ({"action": "dropequal", "source_labels": ["a", "b"], "target_label": "a"}, True),
    ],
)
def test_a_rule_keeps_or_drops_as_in_prometheus(rule: Rule, kept: bool) -> None:
    assert after(LABELS, rule) == (LABELS if kept else None)


@pytest.mark.parametrize(
    ("labels", "rules", "expected"),
    [
        (
            {"__address__": "http://site/status", "__meta_x": "1"},
            [
                {"source_labels": ["__address__"], "target_label": "__param_target"},
                {"source_labels": ["__param_target"], "target_label": "instance"},
                {"target_label": "__address__", "replacement": "127.0.0.1:9115"},
            ],
            {
                "__address__": "127.0.0.1:9115",
                "__meta_x": "1",
                "__param_target": "http://site/status",
                "instance": "http://site/status",
            },
        ),
        (
            {"a": "1"},
            [
                {"source_labels": ["a"], "target_label": "b"},
                {"action": "drop", "source_labels": ["b"], "regex": "1"},
                {"target_label": "never", "replacement": "reached"},
            ],
            None,
        ),
        (
            {"a": "x", "b": ""},
            [{"action": "labelmap", "regex": "b", "replacement": "c"}],
            {"a": "x"},
        ),
    ],
)
def test_each_rule_sees_what_the_one_before_it_left(
    labels: Mapping[str, str], rules: Sequence[Rule], expected: Mapping[str, str] | None
) -> None:
    assert after(labels, *rules) == expected


@pytest.mark.parametrize(
    ("action", "value", "expected"),
    [
        ("lowercase", "İÄẞ", "iäß"),
        ("lowercase", "\N{GREEK CAPITAL LETTER DELTA}\N{GREEK CAPITAL LETTER SIGMA}", "δ\N{GREEK SMALL LETTER SIGMA}"),
        ("uppercase", "straße", "STRAßE"),
        ("uppercase", "ﬁ ŉ ᾳ ǆ é", "ﬁ ŉ ᾼ Ǆ É"),
    ],
)
def test_letters_change_one_by_one_as_in_go(action: str, value: str, expected: str) -> None:
    rule = {"action": action, "source_labels": ["a"], "target_label": "a"}
    assert after({"a": value}, rule) == {"a": expected}


def test_a_hash_is_of_the_value_s_utf_8_bytes() -> None:
    rule = {"action": "hashmod", "source_labels": ["a", "b"], "target_label": "h", "modulus": 2**64 - 1}
    digest = hashlib.md5("é;本".encode(), usedforsecurity=False).hexdigest()
    assert after({"a": "é", "b": "本"}, rule) == {"a": "é", "b": "本", "h": str(int(digest[16:], 16) % (2**64 - 1))}


def test_an_expression_sees_letters_and_not_bytes() -> None:
    rule = {"source_labels": ["a"], "regex": "(.)(.+)", "target_label": "b", "replacement": "$2$1"}
    assert after({"a": "本é日"}, rule) == {"a": "本é日", "b": "é日本"}


def test_a_line_break_matches_a_dot_as_in_prometheus_3() -> None:
    assert after({"a": "x\ny"}, {"source_labels": ["a"], "regex": "x.y", "target_label": "b", "replacement": "z"}) == {
        "a": "x\ny",
        "b": "z",
    }


def test_what_is_passed_stays_as_it_is() -> None:
    labels = {"a": "1", "empty": ""}
    assert after(labels, {"action": "labeldrop", "regex": "a"}) == {}
    assert labels == {"a": "1", "empty": ""}
