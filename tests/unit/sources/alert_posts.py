"""Notifications as Alertmanager posts them."""

import datetime as dt
import hashlib
import json

from tests.unit.sources.fakes import LABEL, NOW

NEVER = "0001-01-01T00:00:00Z"


def rfc3339(at: float) -> str:
    """Unix seconds as Alertmanager writes a time."""
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat().replace("+00:00", "Z")


def alert(region: str | None = "cn-a", name: str = "EdgeBusy", **more: object) -> dict[str, object]:
    """One firing alert that began at NOW; `ends` (Unix seconds) makes it a resolved one, `starts` sets its begin."""
    extra = more.pop("labels", {})
    assert isinstance(extra, dict)
    labels = {"alertname": name, **({} if region is None else {LABEL: region}), **extra}
    starts, ends = more.pop("starts", NOW), more.pop("ends", None)
    assert isinstance(starts, float)
    assert isinstance(ends, float | None)
    return {
        "status": "firing" if ends is None else "resolved",
        "labels": labels,
        "annotations": {"summary": "busy"},
        "startsAt": rfc3339(starts),
        "endsAt": NEVER if ends is None else rfc3339(ends),
        "generatorURL": "http://prometheus/graph",
        "fingerprint": hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16],
        **more,
    }


def notification(*alerts: dict[str, object], **more: object) -> bytes:
    """The alerts of one group."""
    firing = any(one["status"] == "firing" for one in alerts)
    return json.dumps(
        {
            "version": "4",
            "groupKey": '{}:{alertname="EdgeBusy"}',
            "truncatedAlerts": 0,
            "status": "firing" if firing else "resolved",
            "receiver": "autoscaler",
            "groupLabels": {"alertname": "EdgeBusy"},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "http://alertmanager:9093",
            "alerts": alerts,
            **more,
        }
    ).encode()
