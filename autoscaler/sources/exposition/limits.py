"""The limits that a job sets for labels: series come in, a refusal goes out where one is beyond a limit.

Source: Prometheus documentation, "Configuration", `label_limit` and the two after it; scrape/scrape.go,
verifyLabelLimits: the metric's name counts as the label `__name__`, the target's labels count, too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoscaler.model.reason import Reason
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.exposition.refusal import Unparsable


@dataclass(frozen=True, slots=True)
class LabelLimits:
    """Of one target, whose own labels are `labels`. 0 is no limit; lengths are bytes of UTF-8."""

    labels: Mapping[str, str]
    honors_labels: bool
    count: int
    name_length: int
    value_length: int

    @classmethod
    def of(cls, config: ScrapeConfig, labels: Mapping[str, str]) -> "LabelLimits | None":
        """The limits of a job for one target; None if it sets none."""
        limits = (config.label_limit, config.label_name_length_limit, config.label_value_length_limit)
        return cls(labels, config.honor_labels, *limits) if any(limits) else None

    def judge(self, metric: str, series: Iterable[Mapping[str, str]]) -> None:
        """Raises Unparsable if a series of the metric is beyond a limit."""
        for labels in series:
            joined = self._joined(metric, labels)
            if self.count and len(joined) > self.count:
                raise _beyond(metric, f"has {len(joined)} labels", "label_limit", self.count)
            if self.name_length and (long := _longest(joined)) > self.name_length:
                raise _beyond(metric, f"has a label name of {long} bytes", "label_name_length_limit", self.name_length)
            if self.value_length and (long := _longest(joined.values())) > self.value_length:
                raise _beyond(
                    metric, f"has a label value of {long} bytes", "label_value_length_limit", self.value_length
                )

    def _joined(self, metric: str, series: Mapping[str, str]) -> dict[str, str]:
        if self.honors_labels:
            return {"__name__": metric, **self.labels, **series}
        own = {f"exported_{name}" if name in self.labels else name: value for name, value in series.items()}
        return {"__name__": metric, **own, **self.labels}


def _longest(texts: Iterable[str]) -> int:
    return max(len(text.encode()) for text in texts)


def _beyond(metric: str, what: str, key: str, limit: int) -> Unparsable:
    return Unparsable(f"a series of {metric} {what}, more than {limit} ({key})", Reason.LABEL_LIMIT)
