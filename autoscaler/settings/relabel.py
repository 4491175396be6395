"""Relabelling as the operator writes it: `relabel_configs` and `metric_relabel_configs`, in Prometheus' own keys.

Values only, with their expressions compiled: what they do to labels is the business of sources/relabel.py. The rules
are Prometheus' own (its documentation, "Configuration", `<relabel_config>`; model/relabel/relabel.go), with the label
names of its `legacy` scheme: letters, digits and `_`.
"""

import re
from functools import cached_property
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from autoscaler.settings.base import Strict
from autoscaler.settings.plain_text import PlainText, as_text
from autoscaler.settings.problems import Mistake
from autoscaler.settings.regexp import EVERYTHING, Regexp, Template, compiled

Action = Literal[
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
]
"""What a rule does."""

METRIC_NAME = "__name__"
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_GROUP = r"\$(?:\{[0-9A-Za-z_]+\}|[0-9A-Za-z_])"
_TEMPLATE = re.compile(rf"(?:[a-zA-Z_]|{_GROUP})(?:[0-9A-Za-z_]|{_GROUP})*")
"""A label name with groups in it, as Prometheus' legacy scheme allows it."""
_WRITES = {"replace", "hashmod", "lowercase", "uppercase"}
_WITH_TARGET = _WRITES | {"keepequal", "dropequal"}
_COMPARES = {"keepequal": {"source_labels", "target_label"}, "dropequal": {"source_labels", "target_label"}}
_BY_NAME = {"labeldrop": {"regex"}, "labelkeep": {"regex"}}
_DEFAULTS = {"separator": ";", "regex": EVERYTHING, "modulus": 0, "replacement": "$1", "target_label": ""}


def is_label_name(name: str) -> bool:
    """Whether it is one: letters, digits and `_` only, no digit first."""
    return _NAME.fullmatch(name) is not None


def _label_name(name: str) -> str:
    if not is_label_name(name):
        raise ValueError(f"{name!r} is no label name; letters, digits and _ only, no digit first")
    return name


def _regexp(text: str) -> str:
    compiled(text)
    return text


def _any_case(action: Any) -> Any:
    lower = action.lower() if isinstance(action, str) else action
    return lower if lower in get_args(Action) else action


LabelName = Annotated[str, AfterValidator(_label_name)]
"""A Prometheus label name."""


class RelabelConfig(Strict):
    """One rule. Rules are applied in their order, each to what the one before it left."""

    source_labels: tuple[LabelName, ...] = Field(
        default=(), description="Labels whose values, joined by separator, are what the rule looks at."
    )
    separator: PlainText = Field(default=";", description="Text between the values of source_labels.")
    target_label: str = Field(
        default="", description="Label that the rule writes, or compares with; with `replace` it may hold `$1`."
    )
    regex: Annotated[str, BeforeValidator(as_text), AfterValidator(_regexp)] = Field(
        default=EVERYTHING, description="RE2 expression that the whole of the joined values, or of a name, must match."
    )
    modulus: int = Field(default=0, ge=0, lt=2**64, description="Number of parts that `hashmod` divides targets into.")
    replacement: PlainText = Field(
        default="$1", description="What is written, with groups of regex as `$1`, `${1}` or `${name}`; empty: no label."
    )
    action: Annotated[Action, BeforeValidator(_any_case)] = Field(
        default="replace",
        description="replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase or "
        "uppercase.",
    )

    @cached_property
    def regexp(self) -> Regexp:
        """The expression, compiled."""
        return compiled(self.regex)

    @cached_property
    def target(self) -> Template:
        """The label to write."""
        return Template(self.target_label, self.regexp)

    @cached_property
    def result(self) -> Template:
        """The value to write, or with `labelmap` the name."""
        return Template(self.replacement, self.regexp)

    @model_validator(mode="after")
    def _as_prometheus_wants_it(self) -> Self:
        action = self.action
        if action == "hashmod" and not self.modulus:
            raise ValueError("action hashmod needs a modulus greater than 0")
        if action in _WITH_TARGET and not self.target_label:
            raise ValueError(f"action {action} needs a target_label")
        self._only(_COMPARES)
        self._only(_BY_NAME)
        if action in {"lowercase", "uppercase"} and self.replacement != _DEFAULTS["replacement"]:
            raise ValueError(f"action {action} takes no replacement")
        if action == "labelmap" and not _TEMPLATE.fullmatch(self.replacement):
            raise ValueError(f"replacement {self.replacement!r} gives no label name, which action labelmap needs")
        if action in _WITH_TARGET and not self._target_fits():
            raise ValueError(f"target_label {self.target_label!r} is no label name, which action {action} needs")
        return self

    def _only(self, keys_of: dict[str, set[str]]) -> None:
        allowed = keys_of.get(self.action)
        if allowed is None:
            return
        extra = [key for key, default in _DEFAULTS.items() if key not in allowed and getattr(self, key) != default]
        extra += ["source_labels"] if self.source_labels and "source_labels" not in allowed else []
        if extra:
            raise ValueError(f"action {self.action} takes only {' and '.join(sorted(allowed))}, not {', '.join(extra)}")

    def _target_fits(self) -> bool:
        if self.action == "replace" and "$" in self.target_label:
            return _TEMPLATE.fullmatch(self.target_label) is not None
        return is_label_name(self.target_label)


def _keeps_the_name(rule: RelabelConfig) -> RelabelConfig:
    """Series are found by their metric's name, so that a rule may neither make one nor lose one."""
    if rule.action in _WRITES and rule.target_label == METRIC_NAME:
        raise Mistake("may not write __name__", "name the metric in the policy as the target exposes it")
    loses = {"labeldrop": rule.regexp.matches(METRIC_NAME), "labelkeep": not rule.regexp.matches(METRIC_NAME)}
    if loses.get(rule.action, False):
        raise Mistake(f"{rule.action} would take __name__ away", "let the expression leave __name__ alone")
    return rule


MetricRelabelConfig = Annotated[RelabelConfig, AfterValidator(_keeps_the_name)]
"""A rule for series; it may look at `__name__`, and keep or drop by it."""
