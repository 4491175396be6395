"""A signal that is read from the targets of a scrape job. Pure.

What the source said of one region comes in, its Signal goes out. A target counts as up for the signal if its series
are in the value: one that answers without them does not cover anything, unless absence is stated to be zero.
"""

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Signal
from autoscaler.policy.signals.gather import Growth, LastValues
from autoscaler.policy.signals.reduce import histogram_quantile, linear, reduction, total
from autoscaler.policy.signals.said import Said, faults, main_fault, missing, stated_zero
from autoscaler.policy.signals.spec import ScrapeSignal


class ScrapeMeasure:
    """One signal of one region, remembered from wave to wave as far as rates need it."""

    def __init__(self, region: RegionId, name: str, scrape: ScrapeSignal, *, zero_from: float | None) -> None:
        """`zero_from` is the coverage (0 to 1) from which absence is zero; None: it never is."""
        self._region = region
        self._name = name
        self._metric = scrape.metric
        self._zero_from = zero_from
        self._share = scrape.quantile if scrape.reduce == "histogramQuantile" else None
        self._gather = _gather(scrape)
        self._reduce = total if scrape.reduce == "histogramQuantile" else reduction(scrape.reduce, scrape.quantile)

    def read(self, said: Said) -> Signal:
        """The signal of one wave; each wave must be read once, in order."""
        targets = said.targets
        values, series, at, up, stated = self._gather.gather(targets)
        if not values:
            return self._none(stated, said)
        if self._zero_from is not None:
            # Where absence is zero, a target that answers without a series has said all that there is to say.
            up += sum(target.up for target in targets) - stated
        if self._share is not None:
            return self._of_buckets(self._share, at, up, len(targets))
        return Signal(self._region, self._name, self._reduce(values, series), at, up, len(targets))

    def _of_buckets(self, share: float, at: float, up: int, known: int) -> Signal:
        buckets = {bound: total(values) for bound, values in self._gather.buckets.items()}
        value, reason = histogram_quantile(share, buckets)
        if reason is Reason.UP:
            return Signal(self._region, self._name, value, at, up, known)
        why = {
            Reason.NO_OBSERVATIONS: f"{self._metric} observed nothing in the window",
            Reason.HISTOGRAM_INCOMPLETE: f"{self._metric} has no bucket +Inf, or no other",
        }
        return missing(self._region, self._name, up, known, reason, why[reason])

    def _none(self, stated: int, said: Said) -> Signal:
        region, name, known = self._region, self._name, len(said.targets)
        answering = sum(target.up for target in said.targets)
        if stated:
            detail = f"{self._metric} was read once on {stated} targets; a rate needs two samples in the window"
            return missing(region, name, stated, known, Reason.FIRST_SAMPLE, detail)
        if not known:
            return missing(region, name, 0, 0, Reason.NO_TARGETS, "the source knows no target in this region")
        if not answering:
            detail = f"none of {known} targets answered ({faults(said.targets)})"
            return missing(region, name, 0, known, main_fault(said.targets), detail)
        what = f"no series of {self._metric} on {answering} answering targets"
        if self._zero_from is not None and answering / known >= self._zero_from:
            return stated_zero(region, name, answering, known, said, what)
        if answering < known:
            what += f"; {known - answering} others are silent ({faults(said.targets)})"
        return missing(region, name, 0, known, Reason.SERIES_ABSENT, what)


def _gather(scrape: ScrapeSignal) -> LastValues | Growth:
    if scrape.function == "last":
        return LastValues(scrape.metric, scrape.match_labels)
    return Growth(
        scrape.metric,
        scrape.match_labels,
        scrape.window,
        per_second=scrape.function == "rate",
        as_sums=linear(scrape.reduce),
        by_bucket=scrape.reduce == "histogramQuantile",
    )
