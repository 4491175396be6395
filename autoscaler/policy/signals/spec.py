"""The language of signals: what a policy file may say about where a number comes from.

Text comes in through `settings`, frozen values go out. Words and meaning are Prometheus' where it has them
(Prometheus documentation, "Query functions", "Aggregation operators"). What is computed by it stands in the other
modules of this room; docs/policy-signals.md has worked examples.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from autoscaler.policy.base import Parameters

Function = Literal["last", "rate", "increase"]
PlainReducer = Literal["sum", "avg", "min", "max", "count", "quantile"]
Reducer = Literal["sum", "avg", "min", "max", "count", "quantile", "histogramQuantile"]

DEFAULT_WINDOW = 60.0
"""Seconds: four scrapes of Prometheus' usual 15 s."""
ALERT_AGE = 15_300.0
"""Seconds (4h15m): as long as a receiver believes a firing alert without news, if nothing else is written."""
LONGEST_WINDOW = 3600.0
"""Seconds: how far back counters are remembered at most."""

_REDUCE = "How the region's series become one number."
_QUANTILE = "Which quantile, 0 to 1: 0.99 is what 99 percent do not exceed. Required by `quantile` and by nothing else."


def _quantile_fits(reduce: str | None, quantile: float | None) -> None:
    wanted = reduce in {"quantile", "histogramQuantile"}
    if wanted and quantile is None:
        raise ValueError(f"`reduce: {reduce}` needs `quantile`, a number from 0 to 1, e.g. `quantile: 0.99`")
    if quantile is not None and not wanted:
        raise ValueError("`quantile` belongs to `reduce: quantile` or `histogramQuantile`; remove it or name one")


class ScrapeSignal(Parameters):
    """A metric read from the targets of a scrape job: a function of each series, reduced over the region's series."""

    job: str = Field(description="`job_name` of the scrape_configs entry that knows the targets.")
    metric: str = Field(description="Sample name as exposed, e.g. `node_load1`.", min_length=1)
    match_labels: dict[str, str] = Field(default={}, description="Only series that carry all of these labels.")
    function: Function = Field(
        default="last",
        description="What is made of each series first. last: its newest value. rate: growth of a counter per second. "
        "increase: its growth. A counter's first sample has neither.",
    )
    window_seconds: float | None = Field(
        default=None,
        gt=0,
        le=LONGEST_WINDOW,
        description="Seconds over which `rate` and `increase` look back, 60 if not written; two scrapes must fit in.",
    )
    reduce: Reducer = Field(default="sum", description=_REDUCE)
    quantile: float | None = Field(default=None, ge=0, le=1, description=_QUANTILE)

    @property
    def window(self) -> float:
        """Seconds over which a counter's growth is looked at."""
        return DEFAULT_WINDOW if self.window_seconds is None else self.window_seconds

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _quantile_fits(self.reduce, self.quantile)
        if self.window_seconds is not None and self.function == "last":
            raise ValueError("`windowSeconds` belongs to `function: rate` or `increase`; the last value has no window")
        if self.reduce == "histogramQuantile":
            if not self.metric.endswith("_bucket"):
                hint = f"write `metric: {self.metric}_bucket`"
                raise ValueError(f"`reduce: histogramQuantile` reads the buckets of a histogram; {hint}")
            if self.function == "last":
                hint = "write `function: rate`"
                raise ValueError(f"buckets count since their process started, a quantile needs what is new; {hint}")
        return self


class PromqlSignal(Parameters):
    """The answer of a Prometheus server to one query for all regions at once."""

    server: str = Field(description="`name` of the entry under `prometheus` in autoscaler.yaml.")
    query: str = Field(
        description="PromQL giving one series per region, grouped by the region label; asked once for all regions.",
        min_length=1,
    )
    reduce: PlainReducer | None = Field(
        default=None,
        description="How several series of one region become one number. Not written: they are a mistake of the query, "
        "and the signal is missing.",
    )
    quantile: float | None = Field(default=None, ge=0, le=1, description=_QUANTILE)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _quantile_fits(self.reduce, self.quantile)
        return self


class AlertSignal(Parameters):
    """Alerts that fire: each is a series of the value 1 in the region that its label names."""

    receiver: str = Field(description="Name of the alert receiver in autoscaler.yaml.", min_length=1)
    alertname: str = Field(description="The alert's name, its label `alertname`.", min_length=1)
    match_labels: dict[str, str] = Field(default={}, description="Only alerts that carry all of these labels.")
    reduce: Literal["sum", "count", "max"] = Field(default="sum", description="How the region's alerts become one.")


class RatioSignal(Parameters):
    """One signal of the policy divided by another one."""

    of: str = Field(description="Name of the signal that is divided.")
    to: str = Field(description="Name of the signal by which it is divided; where that is 0 the ratio is missing.")


class SignalSpec(Parameters):
    """One number per region, and how much it must be trusted before a rule may use it."""

    name: str = Field(description="Name by which rules refer to the signal.", pattern=r"^[a-z][a-z0-9_-]*$")
    scrape: ScrapeSignal | None = Field(default=None, description="Read it from a scrape job.")
    promql: PromqlSignal | None = Field(default=None, description="Ask a Prometheus server for it.")
    alert: AlertSignal | None = Field(default=None, description="Read it from alerts that an Alertmanager sends.")
    ratio: RatioSignal | None = Field(default=None, description="Divide one signal of this policy by another.")
    absent: Literal["missing", "zero"] = Field(
        default="missing",
        description="What it means that the region's targets answer and have no such series: nothing is known "
        "(missing), or it is 0. Targets that do not answer are never 0.",
    )
    max_age_seconds: float = Field(
        default=90,
        gt=0,
        description="Seconds after which the oldest sample in the value is too old to act on. An alert is as old as "
        "the last word about it, so that for alerts the default is 15300: that of `expires_after` of their receiver.",
    )
    min_coverage: float = Field(
        default=0.5, ge=0, le=1, description="Share of the region's known targets that must have answered (0 to 1)."
    )

    @model_validator(mode="before")
    @classmethod
    def _alerts_live_longer(cls, written: Any) -> Any:
        if not isinstance(written, Mapping) or written.get("alert") is None:
            return written
        return written if "max_age_seconds" in written else {"maxAgeSeconds": ALERT_AGE, **written}

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = (self.scrape, self.promql, self.alert, self.ratio)
        if sum(origin is not None for origin in origins) != 1:
            raise ValueError("a signal has exactly one origin: write one of `scrape`, `promql`, `alert` and `ratio`")
        if self.ratio is not None and self.absent == "zero":
            raise ValueError("a ratio has no series of its own; write `absent: zero` at the signal that it is made of")
        return self

    @property
    def source(self) -> str | None:
        """The name of the source that this signal comes from; None: it is made of other signals."""
        if self.scrape is not None:
            return self.scrape.job
        if self.promql is not None:
            return self.promql.server
        return self.alert.receiver if self.alert is not None else None


def check_ratios(signals: Sequence[SignalSpec]) -> None:
    """Whether every ratio is made of two signals that are there. Raises ValueError that says what would be right."""
    plain = [signal.name for signal in signals if signal.ratio is None]
    ratios = {signal.name for signal in signals if signal.ratio is not None}
    for index, signal in enumerate(signals):
        if signal.ratio is None:
            continue
        for key, name in (("of", signal.ratio.of), ("to", signal.ratio.to)):
            there = f"there is {', '.join(plain)}" if plain else "write signals with `scrape` or `promql` for it"
            if name in ratios:
                raise ValueError(f"signals[{index}].ratio.{key}: {name!r} is a ratio itself, name another; {there}")
            if name not in plain:
                raise ValueError(f"signals[{index}].ratio.{key}: no signal {name!r}; {there}")
        if signal.ratio.of == signal.ratio.to:
            raise ValueError(f"signals[{index}].ratio: {signal.ratio.of!r} to itself is always 1; name two signals")
