"""The pages of a scrape job: each target's pages come in, one after the other, columns of the wanted metrics go out.

What the targets share lives in `Pages`, what one of them stated before in its `PageMemory`. While a target states the
same series, a page costs little more than its floats. Nothing is fetched here, and no clock is read.
"""

from collections.abc import Mapping, Sequence

from autoscaler.model.signals import Column
from autoscaler.settings.scrape import ScrapeConfig
from autoscaler.sources.exposition.block import Statement
from autoscaler.sources.exposition.fast import FastPath
from autoscaler.sources.exposition.framing import OPENMETRICS, TEXT, Page, framed, refuse_many_samples
from autoscaler.sources.exposition.limits import LabelLimits
from autoscaler.sources.exposition.refusal import Unparsable
from autoscaler.sources.exposition.series import PageSeries, SeriesPool
from autoscaler.sources.exposition.shape import Shape
from autoscaler.sources.exposition.strict import read_strictly


class Pages:
    """One per scrape job. `wanted` are the metrics to read, named as they are exposed.

    Of `config` count honor_timestamps, fallback_scrape_protocol, sample_limit and the label limits. With
    metric_relabel_configs the limits hold for what these leave, so that they are not for this room to judge.
    """

    def __init__(self, wanted: frozenset[str], config: ScrapeConfig) -> None:
        self.wanted = wanted
        self.honor_timestamps = config.honor_timestamps
        self.fallback = _media_type(config.fallback_scrape_protocol)
        self.sample_limit = 0 if config.metric_relabel_configs else config.sample_limit
        self.fast = FastPath(wanted)
        self.pool = SeriesPool()
        self._config = config

    def target(self, labels: Mapping[str, str] | None = None) -> "PageMemory":
        """What to read the pages of one target with. `labels` are the target's, which count for label_limit."""
        limits = None if self._config.metric_relabel_configs else LabelLimits.of(self._config, labels or {})
        return PageMemory(self, limits)


class PageMemory:
    """Reads the pages of one target."""

    __slots__ = ("_limits", "_pages", "_series", "_shape")

    def __init__(self, pages: Pages, limits: LabelLimits | None) -> None:
        self._pages = pages
        self._limits = limits
        self._shape: Shape | None = None
        self._series: PageSeries | None = None

    def read(self, body: bytes | bytearray | memoryview, content_type: str, at: float) -> Mapping[str, Column]:
        """The wanted metrics that stand on a page; those that do not are absent. `at`: Unix seconds of the scrape.

        A value has the time that the page gives it, if it does and timestamps are honoured, else `at`.

        Raises:
            Unparsable: the page is refused as a whole; `reason` says for which kind of fault.
        """
        page = self._framed(body, content_type)
        read = self._pages.fast.read(page, self._shape)
        if read is not None:
            self._shape, statement = read
            try:
                return self._columns(statement, at)
            except Unparsable:
                pass  # the strict path says what is wrong, and in which line
        return self._columns(read_strictly(page, self._pages.wanted), at)

    def read_strictly(self, body: bytes | bytearray | memoryview, content_type: str, at: float) -> Mapping[str, Column]:
        """The same by the strict path alone: what `read` must agree with."""
        return self._columns(read_strictly(self._framed(body, content_type), self._pages.wanted), at)

    def _framed(self, body: bytes | bytearray | memoryview, content_type: str) -> Page:
        page = framed(body, content_type, self._pages.fallback)
        if self._pages.sample_limit:
            refuse_many_samples(page, self._pages.sample_limit)
        return page

    def _columns(self, statement: Statement, at: float) -> dict[str, Column]:
        _, keys, values, times = statement
        series = self._series
        if series is None or series.keys != keys:
            series = self._taken(statement)
        if times is None or not self._pages.honor_timestamps:
            return {metric: Column(of, values[start:stop], at) for metric, start, stop, of in series.places}
        return {
            metric: Column(of, values[start:stop], _times(times[start:stop], at))
            for metric, start, stop, of in series.places
        }

    def _taken(self, statement: Statement) -> PageSeries:
        series = self._pages.pool.page(statement.spans, statement.keys, self._series)
        if self._limits is not None:
            for span, one in zip(series.spans, series.lists, strict=True):
                self._limits.judge(span.metric, one.series)
        self._series = series
        return series


def _times(times: Sequence[float | None], at: float) -> float | Sequence[float]:
    known = [at if time is None else time for time in times]
    return known if any(time is not None for time in times) else at


def _media_type(protocol: str | None) -> str | None:
    if protocol is None:
        return None
    return OPENMETRICS if protocol.startswith("OpenMetrics") else TEXT
