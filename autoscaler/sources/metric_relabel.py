"""`metric_relabel_configs`: the series of one target, kept, dropped or given other labels, as Prometheus does it.

Columns come in and go out, or a refusal: the job's sample_limit and label limits hold for what the rules leave of the
wanted metrics, and a series that the rules make stand twice would be counted twice. What becomes of a series follows
from its labels, so it is worked out once for each set of series and not at each scrape. Source: Prometheus
documentation, "Configuration", `<metric_relabel_configs>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.model.reason import Reason
from autoscaler.model.signals import Column
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.exposition import Unparsable
from autoscaler.sources.exposition.limits import LabelLimits
from autoscaler.sources.relabel import relabelled

_Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What becomes of the series of one metric: `kept` are places in the column, `series` what they are called."""

    of: tuple[_Labels, ...]
    kept: tuple[int, ...]
    series: tuple[_Labels, ...]


class MetricRelabel:
    """The relabelling of one target's series. `labels` are the target's own; if it is said so, those of the page win.

    Of `config` count metric_relabel_configs, honor_labels, sample_limit and the label limits; without rules nothing is
    done, and nothing judged.
    """

    def __init__(self, config: ScrapeConfig, labels: _Labels) -> None:
        self._configs = config.metric_relabel_configs
        self._labels = labels
        self._honors_labels = config.honor_labels
        self._sample_limit = config.sample_limit
        self._limits = LabelLimits.of(config, {})
        self._outcomes: dict[str, _Outcome] = {}

    def applied(self, columns: Mapping[str, Column]) -> Mapping[str, Column]:
        """The columns after relabelling; one that has lost all of its series is gone.

        Raises:
            Unparsable: what is left is beyond a limit of the job, or has a series twice.
        """
        if not self._configs:
            return columns
        found = {metric: self._one(metric, column) for metric, column in columns.items()}
        if self._sample_limit and sum(len(column.series) for column in found.values()) > self._sample_limit:
            raise Unparsable(
                f"metric_relabel_configs leave more than {self._sample_limit} samples of the wanted metrics "
                "(sample_limit)",
                Reason.SAMPLE_LIMIT,
            )
        return {metric: column for metric, column in found.items() if column.series}

    def _one(self, metric: str, column: Column) -> Column:
        outcome = self._outcomes.get(metric)
        if outcome is None or outcome.of is not column.series:
            outcome = self._outcomes[metric] = self._outcome(metric, column.series)
        if len(outcome.kept) == len(column.series):
            return Column(outcome.series, column.values, column.at)
        at = column.at if isinstance(column.at, float | int) else [column.at[place] for place in outcome.kept]
        return Column(outcome.series, [column.values[place] for place in outcome.kept], at)

    def _outcome(self, metric: str, series: tuple[_Labels, ...]) -> _Outcome:
        after = [(place, self._relabelled(metric, labels)) for place, labels in enumerate(series)]
        kept = [(place, labels) for place, labels in after if labels is not None]
        if self._limits is not None:
            self._limits.judge(metric, (labels for _, labels in kept))
        if len({frozenset(labels.items()) for _, labels in kept}) < len(kept):
            raise Unparsable(f"metric_relabel_configs make two series of {metric} the same", Reason.SERIES_TWICE)
        return _Outcome(series, tuple(place for place, _ in kept), tuple(self._own(labels) for _, labels in kept))

    def _relabelled(self, metric: str, series: _Labels) -> _Labels | None:
        """All labels that a series has afterwards, but for its name; None if it is dropped."""
        labels = relabelled({"__name__": metric, **self._joined(series)}, self._configs)
        return None if labels is None else {name: value for name, value in labels.items() if name != "__name__"}

    def _own(self, labels: _Labels) -> _Labels:
        """Those that are not the target's."""
        return {name: value for name, value in labels.items() if self._labels.get(name) != value}

    def _joined(self, series: _Labels) -> dict[str, str]:
        if self._honors_labels:
            return {**self._labels, **series}
        own = {(f"exported_{name}" if name in self._labels else name): value for name, value in series.items()}
        return {**own, **self._labels}
