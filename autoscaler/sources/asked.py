"""One target as it is asked again and again: its answer comes in, what it states comes out, as one status.

What is kept from scrape to scrape lives here: the series that it stated, their relabelling, the request's headers.
"""

import logging
from collections.abc import Mapping

from autoscaler.model.reason import Reason
from autoscaler.model.signals import TargetStatus
from autoscaler.settings.scrape import ScrapeConfig, accept_header
from autoscaler.sources.exposition import Pages, Unparsable
from autoscaler.sources.http import OK, Answer, FetchFailed
from autoscaler.sources.metric_relabel import MetricRelabel
from autoscaler.sources.targets import Target

_DETAIL = 300
"""Characters kept of what a target says about its trouble."""
_LOG = logging.getLogger(__name__)


class AskedTarget:
    """A target of the job `config`; `pages` is what the job's targets share."""

    __slots__ = ("_memory", "_relabel", "_series_win", "headers", "target")

    def __init__(self, target: Target, config: ScrapeConfig, pages: Pages) -> None:
        self.target = target
        self.headers: Mapping[str, str] = {
            "Accept": accept_header(config),
            "Accept-Encoding": "gzip" if config.enable_compression else "identity",
            "X-Prometheus-Scrape-Timeout-Seconds": f"{target.timeout:g}",
        }
        self._memory = pages.target(target.labels)
        self._relabel = MetricRelabel(config, target.labels)
        self._series_win = config.honor_labels or bool(config.metric_relabel_configs)

    def status(self, answer: Answer | FetchFailed, at: float) -> TargetStatus:
        """What the target stated when it was asked at `at` (Unix seconds), or why it stated nothing."""
        if isinstance(answer, FetchFailed):
            return self.down(answer.reason, answer.detail)
        if answer.status != OK:
            return self.down(Reason.BAD_STATUS, answer.status_line)
        try:
            columns = self._relabel.applied(self._memory.read(answer.body, answer.content_type, at))
        except Unparsable as broken:
            return self.down(broken.reason, str(broken))
        except Exception as error:  # noqa: BLE001  # one page's fault stays with its target
            _LOG.exception("the page of %s met a fault of this program", self.target.url)
            return self.down(Reason.UNPARSABLE, f"{type(error).__name__}: {error}")
        target = self.target
        return TargetStatus(
            target.url,
            target.region,
            up=True,
            reason=Reason.UP,
            labels=target.labels,
            columns=columns,
            honors_labels=self._series_win,
        )

    def down(self, reason: Reason, detail: str) -> TargetStatus:
        """That it stated nothing, and why."""
        target = self.target
        return TargetStatus(
            target.url, target.region, up=False, reason=reason, detail=detail[:_DETAIL], labels=target.labels
        )
