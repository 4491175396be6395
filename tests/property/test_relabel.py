"""Laws of relabelling, for any labels and any rules."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.settings.regexp import Template, compiled
from autoscaler.settings.relabel import RelabelConfig
from autoscaler.sources.relabel import relabelled

NAMES = st.sampled_from(["a", "b", "job", "__address__", "__meta_x", "__meta_y", "_z9"])
VALUES = st.one_of(
    st.sampled_from(["", "x", "x;y", "a", "b", "10.0.0.1:9100", "Straße", "本"]),
    st.text(st.characters(codec="utf-8"), max_size=12),
)
LABELS = st.dictionaries(NAMES, VALUES, max_size=6)
SOURCES = st.lists(NAMES, max_size=3).map(tuple)
EXPRESSIONS = st.sampled_from(
    ["(.*)", "", "x", "(x)|(a)", "(.+):(\\d+)", "(?i)(S).*", "__meta_(.+)", "(.)(.*)", "[^;]*", "a|b|__.*", "x)|(a"]
)
REPLACEMENTS = st.sampled_from(["$1", "", "${1}", "$2$1", "x", "$$", "$0-${2}", "$nothing"])
TARGETS = st.sampled_from(["a", "b", "new", "$1", "x_${1}", "${1}_$2"])
FIXED = st.sampled_from(["a", "b", "new", "__tmp"])

RULES = st.one_of(
    st.builds(RelabelConfig, source_labels=SOURCES, regex=EXPRESSIONS, replacement=REPLACEMENTS, target_label=TARGETS),
    st.builds(RelabelConfig, action=st.sampled_from(["keep", "drop"]), source_labels=SOURCES, regex=EXPRESSIONS),
    st.builds(
        RelabelConfig,
        action=st.sampled_from(["keepequal", "dropequal", "lowercase", "uppercase"]),
        source_labels=SOURCES,
        target_label=FIXED,
    ),
    st.builds(
        RelabelConfig,
        action=st.just("hashmod"),
        source_labels=SOURCES,
        target_label=FIXED,
        modulus=st.integers(1, 2**64 - 1),
    ),
    st.builds(
        RelabelConfig,
        action=st.just("labelmap"),
        regex=EXPRESSIONS,
        replacement=st.sampled_from(["$1", "m_$1", "m_${2}", "all"]),
    ),
    st.builds(RelabelConfig, action=st.sampled_from(["labeldrop", "labelkeep"]), regex=EXPRESSIONS),
)


def stated(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if value}


@given(LABELS, st.lists(RULES, max_size=4), st.lists(RULES, max_size=4))
def test_rules_in_two_steps_are_the_rules_in_one(
    labels: dict[str, str], first: list[RelabelConfig], second: list[RelabelConfig]
) -> None:
    half = relabelled(labels, first)
    assert relabelled(labels, [*first, *second]) == (None if half is None else relabelled(half, second))


@given(LABELS, st.lists(RULES, max_size=6))
def test_no_label_is_empty_and_what_was_passed_stays(labels: dict[str, str], rules: list[RelabelConfig]) -> None:
    before = dict(labels)
    after = relabelled(labels, rules)
    assert labels == before
    assert after is None or all(after.values())
    assert relabelled(labels, rules) == after


@given(LABELS, SOURCES, EXPRESSIONS)
def test_what_keep_keeps_drop_drops(labels: dict[str, str], sources: tuple[str, ...], regex: str) -> None:
    kept, dropped = (
        relabelled(labels, [RelabelConfig(action=action, source_labels=sources, regex=regex)])
        for action in ("keep", "drop")
    )
    assert (kept is None) != (dropped is None)
    assert stated(labels) in (kept, dropped)


@given(LABELS, SOURCES, FIXED)
def test_what_keepequal_keeps_dropequal_drops(labels: dict[str, str], sources: tuple[str, ...], target: str) -> None:
    kept, dropped = (
        relabelled(labels, [RelabelConfig(action=action, source_labels=sources, target_label=target)])
        for action in ("keepequal", "dropequal")
    )
    equal = ";".join(labels.get(name, "") for name in sources) == labels.get(target, "")
    assert (kept is not None, dropped is not None) == (equal, not equal)


@given(LABELS, EXPRESSIONS)
def test_labelkeep_and_labeldrop_share_the_labels_out(labels: dict[str, str], regex: str) -> None:
    kept = relabelled(labels, [RelabelConfig(action="labelkeep", regex=regex)])
    left = relabelled(labels, [RelabelConfig(action="labeldrop", regex=regex)])
    assert kept is not None
    assert left is not None
    assert not kept.keys() & left.keys()
    assert {**kept, **left} == stated(labels)


@given(LABELS, SOURCES, st.text(max_size=2).filter(str.isascii), st.integers(1, 2**64 - 1))
def test_a_hash_is_below_its_modulus_and_of_the_joined_values(
    labels: dict[str, str], sources: tuple[str, ...], separator: str, modulus: int
) -> None:
    rule = RelabelConfig(
        action="hashmod", source_labels=sources, separator=separator, target_label="part", modulus=modulus
    )
    after = relabelled(labels, [rule])
    joined = separator.join(labels.get(name, "") for name in sources).encode()
    assert after is not None
    assert int(after["part"]) < modulus
    assert int(after["part"]) == int(hashlib.md5(joined, usedforsecurity=False).hexdigest()[16:], 16) % modulus


@given(LABELS, NAMES)
def test_the_defaults_copy_a_value(labels: dict[str, str], name: str) -> None:
    after = relabelled(labels, [RelabelConfig(source_labels=(name,), target_label="copy")])
    assert after == stated({**labels, "copy": labels.get(name, "")})


@given(LABELS, EXPRESSIONS)
def test_a_map_adds_names_and_loses_none(labels: dict[str, str], regex: str) -> None:
    after = relabelled(labels, [RelabelConfig(action="labelmap", regex=regex, replacement="m_$1")])
    assert after is not None
    assert {name: value for name, value in after.items() if not name.startswith("m_")} == stated(labels)
    assert set(after.values()) <= set(stated(labels).values())


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_a_text_with_its_dollars_doubled_is_a_template_for_itself(text: str) -> None:
    regexp = compiled("(.*)")
    assert Template(text.replace("$", "$$"), regexp).filled(("v", "v")) == text


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_the_whole_match_is_the_whole_text(text: str) -> None:
    regexp = compiled("(?:.)*")
    assert regexp.groups(text) == (text,)
    assert regexp.replaced(text, Template("<${0}>", regexp)) == f"<{text}>"


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_changing_the_case_changes_no_number_of_letters(text: str) -> None:
    for action in ("lowercase", "uppercase"):
        after = relabelled({"a": text}, [RelabelConfig(action=action, source_labels=("a",), target_label="a")])
        assert after is not None
        assert len(after["a"]) == len(text)
