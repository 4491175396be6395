"""Alerts as a signal source: what an Alertmanager posts, for as long as it fires.

Notifications come in by `take`, waves go out as soon as there is news. A firing alert is a series of the value 1 in the
region that its label names, until it is resolved, or expires because nobody speaks of it any more. No alert is no
series, and never zero. Source: Alertmanager documentation, "Configuration", `<webhook_config>`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

from autoscaler.model.names import RegionId
from autoscaler.model.reason import Reason
from autoscaler.model.signals import Column, TargetStatus, Wave
from autoscaler.ports import Clock
from autoscaler.settings.alertmanager import AlertReceiver
from autoscaler.settings.base import duration
from autoscaler.sources.alerts_firing import Firing, FiringAlerts
from autoscaler.sources.alerts_payload import Notification, read_notification

_LARGE = 64 * 1024
"""Bytes of a notification that is read in a thread, for the loop's sake."""
REGIONS_A_WAVE = 1000
"""Regions that one wave tells of, for the loop's sake."""
_AT_A_TIME = 500
"""Alerts that are merged before the loop gets a turn."""
_GROUPS = 1000
"""Groups of which is remembered how many of their alerts were cut off."""
_NAMED = 3
"""Expired alerts that a detail names."""
_LOG = logging.getLogger(__name__)


class AlertSource:
    """Implements ports.SampleSource for one receiver, and is what the web room's alert page hands notifications to.

    A region has one status with a column for each alert's name; one that is no success (ALERTS_EXPIRED) stands beside
    it from when alerts expired until there is news of the region. `region_label` serves a receiver that names none.
    `report` (the log, if none is given) is told where alerts were cut off, once for each change.
    """

    def __init__(
        self,
        receiver: AlertReceiver,
        *,
        region_label: str,
        clock: Clock,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._receiver = receiver
        self._region_label = receiver.region_label or region_label
        self._clock = clock
        self._report = report or _LOG.warning
        self._firing = FiringAlerts(self._region_label, receiver.expires_after)
        self._expired: dict[RegionId, list[str]] = {}
        self._remarks: dict[RegionId, str] = {}
        self._cut_off: dict[str, int] = {}
        self._series: dict[RegionId, dict[str, tuple[Mapping[str, str], ...]]] = {}
        self._changed: dict[RegionId, None] = {}
        self._news = asyncio.Event()

    @property
    def name(self) -> str:
        """The receiver's name."""
        return self._receiver.name

    def pause(self) -> float:
        """Nothing to wait for: `collect` does, for news."""
        return 0.0

    async def take(self, body: bytes) -> None:
        """Merge what Alertmanager posted. When this returns, the next wave has it; taking it twice changes nothing.

        Raises ValueError that says what is wrong: nothing was taken if it is no notification of version 4, all other
        alerts were if some of them name no region.
        """
        if len(body) > _LARGE:
            notification = await asyncio.to_thread(read_notification, body)
        else:
            notification = read_notification(body)
        problems = await self._merge(notification)
        if problems:
            raise ValueError(
                f"{len(problems)} of {len(notification.alerts)} alerts were not taken; the first: {problems[0]}"
            )

    async def collect(self) -> Wave:
        """Wait until an alert comes, ends or expires; the wave covers the regions that this concerns.

        Those for which there is no room in it are in the next, at once.
        """
        self._expire()
        while not self._changed:
            await self._wait()
            self._expire()
        regions = tuple(islice(self._changed, REGIONS_A_WAVE))
        for region in regions:
            del self._changed[region]
        if not self._changed:
            self._news.clear()
        targets = tuple(status for region in regions for status in self._statuses(region))
        return Wave(self.name, self._clock.now(), 0.0, targets, frozenset(regions))

    async def close(self) -> None:
        """There is nothing to release."""

    async def _merge(self, notification: Notification) -> list[str]:
        heard, steady = self._clock.now(), self._clock.monotonic()
        remark = self._note_cut_off(notification)
        problems = []
        for number, alert in enumerate(notification.alerts, 1):
            try:
                region = self._firing.take(alert, heard, steady)
            except ValueError as error:
                problems.append(f"alert {alert.fingerprint} {error}")
            else:
                self._note(region, remark)
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
        return problems

    def _note(self, region: RegionId | None, remark: str) -> None:
        if region is None:
            return
        self._expired.pop(region, None)
        if remark:
            self._remarks[region] = remark
        self._tell(region)

    def _note_cut_off(self, notification: Notification) -> str:
        count, group = notification.truncated, notification.group_key
        if not count:
            self._cut_off.pop(group, None)
            return ""
        remark = f"{count} more alerts of its group were cut off: raise max_alerts of the receiver in Alertmanager"
        if self._cut_off.get(group) != count:
            if len(self._cut_off) >= _GROUPS:
                self._cut_off.clear()
            self._cut_off[group] = count
            self._report(f"{self.name}: {remark}: {group}")
        return remark

    def _expire(self) -> None:
        for alert in self._firing.expire(self._clock.monotonic()):
            self._expired.setdefault(alert.region, []).append(alert.name)
            self._tell(alert.region)

    def _tell(self, region: RegionId) -> None:
        self._changed[region] = None
        self._news.set()

    async def _wait(self) -> None:
        """Until there is news, or the next alert expires."""
        expiry = self._firing.next_expiry
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self._news.wait(), name=f"news of {self.name}")]
        if expiry is not None:
            left = max(0.0, expiry - self._clock.monotonic())
            waits.append(asyncio.create_task(self._clock.sleep(left), name=f"next expiry of {self.name}"))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _statuses(self, region: RegionId) -> Sequence[TargetStatus]:
        columns, labels = self._columns(region), {self._region_label: region}
        expired = self._expired.get(region)
        found = []
        if columns or not expired:
            detail = self._remarks.pop(region, "")
            found.append(TargetStatus(self.name, region, True, Reason.UP, detail, labels, columns))
        if expired:
            shown = ", ".join(sorted(set(expired))[:_NAMED])
            detail = f"no news of {len(expired)} alerts for {duration(self._receiver.expires_after)}: {shown}"
            found.append(TargetStatus(self.name, region, False, Reason.ALERTS_EXPIRED, detail, labels))
        return found

    def _columns(self, region: RegionId) -> Mapping[str, Column]:
        names: dict[str, list[Firing]] = {}
        for alert in self._firing.of(region):
            names.setdefault(alert.name, []).append(alert)
        former = self._series.pop(region, {})
        series = {name: tuple(alert.labels for alert in alerts) for name, alerts in names.items()}
        if series:
            self._series[region] = {
                name: former[name] if former.get(name) == new else new for name, new in series.items()
            }
        return {name: _column(self._series[region][name], alerts) for name, alerts in names.items()}


def _column(series: tuple[Mapping[str, str], ...], alerts: Sequence[Firing]) -> Column:
    heard = tuple(alert.heard for alert in alerts)
    return Column(series, (1.0,) * len(alerts), heard[0] if len(set(heard)) == 1 else heard)
