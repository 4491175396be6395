"""The alerts that fire, by fingerprint and by region: what notifications add up to. No clock: time comes in.

Notifications come in, and what is firing in a region goes out. News counts by the alert's own times and not by its
arrival alone: of two Alertmanagers of one cluster, or of one whose request was late, the older word is not believed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoscaler.model.names import RegionId
from autoscaler.sources.alerts_payload import Alert

MOST_ALERTS = 100_000
"""Alerts that are kept of one receiver."""
LATE = 30.0
"""Seconds after a resolution during which a notification of the same occurrence is taken for an older one. A genuine
one can not come sooner than group_interval, which is minutes."""
NAME_LABEL = "alertname"


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fires. `labels` lack the region's; `heard` is Unix seconds, `until` seconds of a steady clock."""

    region: RegionId
    name: str
    labels: Mapping[str, str]
    starts: float
    heard: float
    until: float


class FiringAlerts:
    """All firing alerts of one receiver. Those of one moment expire together, `expires_after` seconds after it."""

    def __init__(self, region_label: str, expires_after: float) -> None:
        self._region_label = region_label
        self._expires_after = expires_after
        self._alerts: dict[str, Firing] = {}  # in the order in which they were heard, and so will expire
        self._regions: dict[RegionId, dict[str, Firing]] = {}
        self._ended: dict[str, tuple[float, float]] = {}  # in the order in which they will be forgotten

    def of(self, region: RegionId) -> Iterable[Firing]:
        """The region's alerts, in an order that does not change while they do not."""
        found = self._regions.get(region, {})
        return (found[fingerprint] for fingerprint in sorted(found))

    @property
    def next_expiry(self) -> float | None:
        """When the next alert expires, by the steady clock; None if none fires."""
        return next((alert.until for alert in self._alerts.values()), None)

    def take(self, alert: Alert, heard: float, steady: float) -> RegionId | None:
        """Take one alert of a notification; gives its region, or None where it is older than what is known.

        `heard` is Unix seconds, `steady` the same moment of the steady clock. Raises ValueError if it has no region, no
        name, or too many fire already.
        """
        region, name = self._place(alert)
        known = self._alerts.get(alert.fingerprint)
        if alert.status == "resolved":
            ends = alert.ends_at.timestamp()
            if known is not None and ends < known.starts:
                return None
            self._drop(alert.fingerprint)
            self._note_end(alert.fingerprint, ends, steady)
            return region
        starts = alert.starts_at.timestamp()
        ended, late_until = self._ended.get(alert.fingerprint, (0.0, 0.0))
        if starts <= ended and steady < late_until:
            return None
        if known is None and len(self._alerts) >= MOST_ALERTS:
            raise ValueError(f"{MOST_ALERTS} alerts fire already, and no more are kept")
        labels = known.labels if known else {k: v for k, v in alert.labels.items() if k != self._region_label}
        self._drop(alert.fingerprint)
        firing = Firing(region, name, labels, starts, heard, steady + self._expires_after)
        self._alerts[alert.fingerprint] = firing
        self._regions.setdefault(region, {})[alert.fingerprint] = firing
        return region

    def expire(self, steady: float) -> list[Firing]:
        """Drop and give those alerts of which there was no news for too long."""
        lapsed = []
        for fingerprint, alert in self._alerts.items():
            if alert.until > steady:
                break
            lapsed.append(fingerprint)
        dropped = [self._drop(fingerprint) for fingerprint in lapsed]
        return [alert for alert in dropped if alert is not None]

    def _place(self, alert: Alert) -> tuple[RegionId, str]:
        for label in (self._region_label, NAME_LABEL):
            if not alert.labels.get(label):
                raise ValueError(f"has no label {label}")
        return RegionId(alert.labels[self._region_label]), alert.labels[NAME_LABEL]

    def _drop(self, fingerprint: str) -> Firing | None:
        alert = self._alerts.pop(fingerprint, None)
        if alert is not None:
            siblings = self._regions[alert.region]
            del siblings[fingerprint]
            if not siblings:
                del self._regions[alert.region]
        return alert

    def _note_end(self, fingerprint: str, ends: float, steady: float) -> None:
        self._ended.pop(fingerprint, None)
        self._ended[fingerprint] = (ends, steady + LATE)
        while (oldest := next(iter(self._ended))) and self._ended[oldest][1] <= steady:
            del self._ended[oldest]
