"""Rules that Prometheus takes and refuses; those refused with what we say of them."""

from collections.abc import Mapping

Rule = Mapping[str, object]

REFUSED: list[tuple[Rule, str]] = [
    ({"action": "replace"}, "action replace needs a target_label"),
    ({"action": "hashmod", "modulus": 2}, "action hashmod needs a target_label"),
    ({"action": "lowercase"}, "action lowercase needs a target_label"),
    ({"action": "uppercase"}, "action uppercase needs a target_label"),
    ({"action": "keepequal"}, "action keepequal needs a target_label"),
    ({"action": "dropequal"}, "action dropequal needs a target_label"),
    ({"action": "hashmod", "target_label": "a"}, "needs a modulus greater than 0"),
    ({"action": "hashmod", "target_label": "a", "modulus": -1}, "greater than or equal to 0"),
    ({"action": "hashmod", "target_label": "$1", "modulus": 2}, "'\\$1' is no label name"),
    ({"target_label": "a-b"}, "'a-b' is no label name"),
    ({"target_label": "1a"}, "'1a' is no label name"),
    ({"target_label": "a-${1}"}, "is no label name"),
    ({"target_label": "${1"}, "is no label name"),
    ({"target_label": "a" * 5000 + "$-"}, "is no label name"),
    ({"action": "lowercase", "target_label": "a", "replacement": "b"}, "takes no replacement"),
    ({"action": "uppercase", "target_label": "a", "replacement": "b"}, "takes no replacement"),
    ({"action": "labelmap", "regex": "a", "replacement": "b-c"}, "gives no label name"),
    ({"action": "labelmap", "regex": "a", "replacement": ""}, "gives no label name"),
    ({"action": "labeldrop", "regex": "a", "source_labels": ["b"]}, "takes only regex, not source_labels"),
    ({"action": "labelkeep", "regex": "a", "target_label": "b"}, "takes only regex, not target_label"),
    ({"action": "labeldrop", "regex": "a", "separator": ","}, "takes only regex, not separator"),
    ({"action": "labelkeep", "regex": "a", "replacement": "b"}, "takes only regex, not replacement"),
    ({"action": "labeldrop", "regex": "a", "modulus": 2}, "takes only regex, not modulus"),
    (
        {"action": "keepequal", "target_label": "a", "regex": "b"},
        "takes only source_labels and target_label, not re",
    ),
    ({"action": "dropequal", "target_label": "a", "separator": ","}, "not separator"),
    ({"action": "dropequal", "target_label": "a", "modulus": 1}, "not modulus"),
    ({"action": "keepequal", "target_label": "a", "replacement": "b"}, "not replacement"),
    ({"source_labels": ["a-b"], "target_label": "a"}, "'a-b' is no label name"),
    ({"target_label": "a", "regex": "("}, "is no RE2 regular expression: missing \\)"),
    ({"target_label": "a", "regex": "(?=x)"}, "is no RE2 regular expression: invalid perl operator"),
    ({"target_label": "a", "regex": "(a)\\1"}, "is no RE2 regular expression: invalid escape sequence"),
    ({"target_label": "a", "regex": "\ud800"}, "is not Unicode text"),
    ({"action": "remove"}, "Input should be 'replace'"),
    ({"action": ""}, "Input should be 'replace'"),
]

REFUSED_BY_3: list[tuple[Rule, str]] = [
    ({"action": "lowercase", "target_label": "$1"}, "'\\$1' is no label name"),
    ({"action": "keepequal", "target_label": "${1}"}, "is no label name"),
]
"""Prometheus 2 takes these and writes no label."""

TAKEN: list[Rule] = [
    {"target_label": "${1}_x$2", "regex": "(a)(b)"},
    {"target_label": "a", "replacement": ""},
    {"target_label": "a", "regex": "a)|(b"},  # anchored as text, as Prometheus does it
    {"action": "labelmap", "regex": "a(.)", "replacement": "x_$1"},
    {"action": "KEEP", "regex": ""},
    {"action": "labeldrop", "regex": "a"},
    {"action": "keepequal", "source_labels": ["a"], "target_label": "b"},
    {"action": "drop"},
]
