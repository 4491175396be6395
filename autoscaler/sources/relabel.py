"""Relabelling: the labels of a target or a series as the operator's rules make them. Pure.

Labels and rules come in, new labels go out, or None where a rule drops them. It is Prometheus' `relabel.Process`
(model/relabel/relabel.go, version 3); 2.42 differs in two corners: there a line break does not match `.`, and an empty
result does not take away a label whose name has a group in it (`target_label: $1`).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from autoscaler.settings.relabel import RelabelConfig, is_label_name

_Labels = dict[str, str]


def relabelled(labels: Mapping[str, str], configs: Sequence[RelabelConfig]) -> dict[str, str] | None:
    """The labels after every rule, in the order of the rules; None if one drops them. `labels` stay as they are.

    A label without value is no label: it is not in the result.

    >>> relabelled({"a": "x:1"}, [RelabelConfig(source_labels=("a",), regex="(.*):.*", target_label="b")])
    {'a': 'x:1', 'b': 'x'}
    """
    current = {name: value for name, value in labels.items() if value}
    for rule in configs:
        joined = rule.separator.join([current.get(name, "") for name in rule.source_labels])
        drops = _DROPS.get(rule.action)
        if drops is None:
            _CHANGES[rule.action](rule, current, joined)
        elif drops(rule, current, joined):
            return None
    return current


def _set(labels: _Labels, name: str, value: str) -> None:
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _replace(rule: RelabelConfig, labels: _Labels, joined: str) -> None:
    groups = rule.regexp.groups(joined)
    if groups is None:
        return
    target = rule.target.filled(groups)
    if is_label_name(target):
        _set(labels, target, rule.result.filled(groups))


def _hashmod(rule: RelabelConfig, labels: _Labels, joined: str) -> None:
    # Prometheus takes the last 8 bytes, so that it shards as its first versions did.
    digest = hashlib.md5(joined.encode(), usedforsecurity=False).digest()
    labels[rule.target_label] = str(int.from_bytes(digest[8:], "big") % rule.modulus)


def _lowercase(rule: RelabelConfig, labels: _Labels, joined: str) -> None:
    _set(labels, rule.target_label, joined.lower() if joined.isascii() else "".join(map(_lower, joined)))


def _uppercase(rule: RelabelConfig, labels: _Labels, joined: str) -> None:
    _set(labels, rule.target_label, joined.upper() if joined.isascii() else "".join(map(_upper, joined)))


def _lower(letter: str) -> str:
    """Unicode's simple mapping, which Go uses: one letter for one letter, whatever stands around it."""
    return letter.lower()[0]


def _upper(letter: str) -> str:
    """Unicode's simple mapping: `ß` stays, since its capital form is two letters."""
    return next((mapped for mapped in (letter.upper(), letter.title()) if len(mapped) == 1), letter)


def _labelmap(rule: RelabelConfig, labels: _Labels, _joined: str) -> None:
    # In the order of the names, so that of two that map to one the last is the same each time: as in Prometheus 2.
    for name, value in sorted(labels.items()):
        if rule.regexp.matches(name):
            labels[rule.regexp.replaced(name, rule.result)] = value


def _labeldrop(rule: RelabelConfig, labels: _Labels, _joined: str) -> None:
    for name in [name for name in labels if rule.regexp.matches(name)]:
        del labels[name]


def _labelkeep(rule: RelabelConfig, labels: _Labels, _joined: str) -> None:
    for name in [name for name in labels if not rule.regexp.matches(name)]:
        del labels[name]


_DROPS: Mapping[str, Callable[[RelabelConfig, _Labels, str], bool]] = {
    "keep": lambda rule, _labels, joined: not rule.regexp.matches(joined),
    "drop": lambda rule, _labels, joined: rule.regexp.matches(joined),
    "keepequal": lambda rule, labels, joined: labels.get(rule.target_label, "") != joined,
    "dropequal": lambda rule, labels, joined: labels.get(rule.target_label, "") == joined,
}
_CHANGES: Mapping[str, Callable[[RelabelConfig, _Labels, str], None]] = {
    "replace": _replace,
    "hashmod": _hashmod,
    "lowercase": _lowercase,
    "uppercase": _uppercase,
    "labelmap": _labelmap,
    "labeldrop": _labeldrop,
    "labelkeep": _labelkeep,
}
